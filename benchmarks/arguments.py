"""What the benchmarks take on their command lines."""

import argparse
import re
from pathlib import Path

import torch

from s2v_runner.errors import InputError
from s2v_runner.transformer import resolve_attention


def make_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser of what every benchmark takes."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--tiny", action="store_true", help="a tiny model, to try the benchmark itself")
    parser.add_argument("--out", type=Path, help="where to write the report, as JSON")
    return parser


def parse_size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)[*x](\d+)", text)
    width, height = (int(match[1]), int(match[2])) if match else (0, 0)
    if min(width, height) < 64 or width % 64 or height % 64:
        raise argparse.ArgumentTypeError(f"{text}: give width*height, both multiples of 64")
    return width, height


def parse_frames(text: str) -> int:
    if not text.isdigit() or int(text) < 4 or int(text) % 4:
        raise argparse.ArgumentTypeError(f"{text}: give a multiple of 4")
    return int(text)


def parse_backend(text: str) -> str:
    try:
        resolve_attention(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text

"""What the benchmarks take on their command lines."""

import argparse
import re

from s2v_runner.errors import InputError
from s2v_runner.transformer import resolve_attention


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

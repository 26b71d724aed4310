"""What the benchmarks take on their command lines."""

import argparse
import re
from pathlib import Path

import torch

from benchmarks.models import MODELS, Model, find_model
from benchmarks.variants import Variant, parse_variant
from s2v_runner.errors import InputError

DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}


class Size(tuple[int, int]):
    """Width and height, written as they are asked for."""

    def __str__(self) -> str:
        return f"{self[0]}*{self[1]}"


def make_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser of what every benchmark takes."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--tiny", action="store_true", help="a tiny model, to try the benchmark itself")
    parser.add_argument("--out", type=Path, help="where to write the report, as JSON")
    return parser


def make_suite_parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """A parser of what every benchmark of the suite takes."""
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks {name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, help="where to write the report, as JSON")
    parser.add_argument("--commit", help="the commit of the code, where git cannot tell")
    return parser


def add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", type=parse_device, default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--model",
        type=parse_model,
        default="released",
        help=f"{', '.join(MODELS)}, or a JSON or YAML file of sizes (%(default)s)",
    )


def add_passes(parser: argparse.ArgumentParser) -> None:
    """What passes of the transformer are measured with."""
    add_model(parser)
    parser.add_argument("--layers", type=parse_count, help="measure so many blocks, and scale up to all of them")
    parser.add_argument("--sizes", type=parse_size, nargs="+", help="width*height of the video; the model's own")
    parser.add_argument("--frames", type=parse_frames, nargs="+", help="video frames of a clip; the model's own")
    parser.add_argument(
        "--clips", choices=("first", "later"), nargs="+", default=["first", "later"], help="without motion, with it"
    )
    parser.add_argument("--dtype", choices=tuple(DTYPES), help="bfloat16 on a GPU, else float32")
    parser.add_argument(
        "--variants",
        type=parse_variant_argument,
        nargs="+",
        default=[Variant("sdpa")],
        help="measured in turn, each compared with the first: attention backends",
    )
    parser.add_argument("--repeats", type=parse_count, default=3)


def choose_dtype(asked: str | None, device: torch.device) -> torch.dtype:
    return DTYPES[asked or ("bfloat16" if device.type == "cuda" else "float32")]


def parse_device(text: str) -> torch.device:
    try:
        device = torch.device(text)
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(f"{text}: give cpu, cuda or cuda:1") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise argparse.ArgumentTypeError(f"{text}: PyTorch sees {torch.cuda.device_count()} GPUs here")
    return device


def parse_model(text: str) -> Model:
    try:
        return find_model(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def parse_variant_argument(text: str) -> Variant:
    try:
        return parse_variant(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def parse_count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: give a whole number of at least 1")
    return int(text)


def parse_size(text: str) -> Size:
    match = re.fullmatch(r"(\d+)[*x](\d+)", text)
    width, height = (int(match[1]), int(match[2])) if match else (0, 0)
    if min(width, height) < 64 or width % 64 or height % 64:
        raise argparse.ArgumentTypeError(f"{text}: give width*height, both multiples of 64")
    return Size((width, height))


def parse_frames(text: str) -> int:
    if not text.isdigit() or int(text) < 4 or int(text) % 4:
        raise argparse.ArgumentTypeError(f"{text}: give a multiple of 4")
    return int(text)

"""The text of `model.loras`: files with their scales, such as `style.safetensors:0.8+steps.safetensors`."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from s2v_runner.config.resolve import as_path
from s2v_runner.errors import InputError

_SUFFIX = ".safetensors"
_FILE = re.compile(rf"\s*(?P<path>.*?\{_SUFFIX})\s*(?::(?P<scale>[^:]*?))?\s*(?:\+|\Z)")
_WHOLE = 1.0
_SYNTAX = f"Write file{_SUFFIX}, or file{_SUFFIX}:0.8 for a scale, with + between several"


@dataclass(frozen=True)
class LoraChoice:
    """A file that was asked for, and how much of it."""

    path: Path
    scale: float


def parse_loras(text: str) -> tuple[LoraChoice, ...]:
    """The files in order. Raises InputError."""
    choices = []
    place = 0
    while place < len(text) or not choices:
        match = _FILE.match(text, place)
        if match is None:
            raise InputError(f"model.loras={text}", f"'{text[place:]}' is no {_SUFFIX} file", _SYNTAX)
        choices.append(LoraChoice(as_path(match["path"]), _parse_scale(text, match["scale"])))
        place = match.end()
    paths = [choice.path for choice in choices]
    twice = [path for path in paths if paths.count(path) > 1]
    if twice:
        raise InputError(
            f"model.loras={text}", f"'{twice[0]}' is there twice", "Give it once, with the sum of the scales"
        )
    return tuple(choices)


def write_loras(choices: Sequence[LoraChoice]) -> str:
    """The text of these."""
    return "+".join(f"{choice.path}:{choice.scale}" for choice in choices)


def place_loras(text: str, folder: Path) -> str:
    """The same with paths that are relative to a folder. Raises InputError."""
    return write_loras([LoraChoice(folder / choice.path, choice.scale) for choice in parse_loras(text)])


def _parse_scale(text: str, scale: str | None) -> float:
    if scale is None:
        return _WHOLE
    try:
        number = float(scale)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"model.loras={text}", f"'{scale}' is no scale", _SYNTAX)
    return number

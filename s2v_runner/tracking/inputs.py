"""Copies of what runs were given, one for each content, so that a run can be repeated after its files have moved."""

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from s2v_runner.digests import digest_input
from s2v_runner.errors import OutputError
from s2v_runner.replacement import discard_leftovers, replacing, unfinished_path

_FOLDER = "inputs"
_DIGEST_SHOWN = 16


def keep_inputs(outputs: Path, inputs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Copy each input into the output folder, unless its content is there, and say where. Raises OutputError."""
    kept = {}
    discard_leftovers(outputs / _FOLDER)
    for name, given in inputs.items():
        source = Path(given["path"])
        copy = copy_path(outputs, given["sha256"], source.suffix)
        bring(source, copy, given["sha256"])
        kept[name] = {**given, "copy": str(copy.absolute())}
    return kept


def bring(source: Path, target: Path, sha256: str) -> None:
    """Copy a file of this content, unless it is there whole. Raises OutputError."""
    try:
        is_there = target.is_file() and digest_input(target) == sha256
    except OSError as error:
        raise OutputError(target, error) from error
    if not is_there:
        copy_atomically(source, target)


def copy_path(outputs: Path, sha256: str, suffix: str) -> Path:
    """Where the copy of a content lies, if there is one."""
    return outputs / _FOLDER / f"{sha256[:_DIGEST_SHOWN]}{suffix.lower()}"


def copy_atomically(source: Path, target: Path) -> None:
    """A copy under another name first, then moved. Raises OutputError."""
    # Not made of the target's own name, which may have the time in it and be another when this is tried again.
    digest = hashlib.sha256(os.fsencode(source.absolute())).hexdigest()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as content, replacing(target, unfinished_path(target.with_name(digest))) as copy:
            shutil.copyfileobj(content, copy)
    except OSError as error:
        raise OutputError(target, error) from error

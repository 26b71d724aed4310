"""Copies of what runs were given, one for each content, so that a run can be repeated after its files have moved."""

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
        kept[name] = {**given, "copy": str(keep_copy(outputs, source, given["sha256"]).absolute())}
    return kept


def keep_copy(outputs: Path, source: Path, sha256: str) -> Path:
    """Copy a file of this content into the output folder, unless it is there; where it is. Raises OutputError."""
    copy = copy_path(outputs, sha256, source.suffix)
    if not copy.exists():
        copy_atomically(source, copy)
    return copy


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

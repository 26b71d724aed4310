"""Copies of what runs were given, one for each content, so that a run can be repeated after its files have moved."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from s2v_runner.errors import OutputError

_FOLDER = "inputs"
_DIGEST_SHOWN = 16


def keep_inputs(outputs: Path, inputs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Copy each input into the output folder, unless its content is there, and say where. Raises OutputError."""
    kept = {}
    for name, given in inputs.items():
        source = Path(given["path"])
        copy = outputs / _FOLDER / f"{given['sha256'][:_DIGEST_SHOWN]}{source.suffix.lower()}"
        if not copy.exists():
            copy_atomically(source, copy)
        kept[name] = {**given, "copy": str(copy.absolute())}
    return kept


def copy_atomically(source: Path, target: Path) -> None:
    """A copy under another name first, then moved. Raises OutputError."""
    # Not made of the target's own name, which may be as long as names can be.
    unfinished = target.with_name(f".copy.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, unfinished)
        unfinished.replace(target)
    except OSError as error:
        raise OutputError(target, error) from error
    finally:
        unfinished.unlink(missing_ok=True)

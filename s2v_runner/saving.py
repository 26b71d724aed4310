"""The copy of the video that `save_file` asks for: its name and whether it can be written."""

import re
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from s2v_runner.config.nearest import suggest
from s2v_runner.config.resolve import as_path
from s2v_runner.errors import InputError
from s2v_runner.prepare import PreparedRun
from s2v_runner.records import Value

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][\w.]*)\}")
_LONGEST_NAME = 255
_UNSAFE = re.compile(r"[/\\\0\n\r]")
_SUFFIX = ".mp4"


def save_path(run: PreparedRun, values: Mapping[str, Value], now: datetime) -> Path | None:
    """Where `save_file` puts the video, its placeholders filled in. `values` are what sets a point of a sweep apart.

    Raises InputError for a name that cannot be.
    """
    template = run.config.save_file
    if template is None:
        return None
    known = _known_values(run, now) | dict(values)

    def fill(match: re.Match[str]) -> str:
        if match[1] not in known:
            raise InputError(
                f"save_file={template}", f"there is nothing called '{match[1]}' to fill in", suggest(match[1], known)
            )
        return _UNSAFE.sub("_", _shown(known[match[1]]))

    path = as_path(_PLACEHOLDER.sub(fill, template))
    if path.suffix.lower() != _SUFFIX:
        raise InputError(f"save_file={path}", "the video is an MP4 file", f"Give a name that ends in {_SUFFIX}")
    if len(path.name.encode()) > _LONGEST_NAME:
        raise InputError(f"save_file={path}", f"its name is longer than {_LONGEST_NAME} bytes", "Give a shorter one")
    return path.absolute()


def check_savable(path: Path) -> None:
    """Make the folder of a file that is to be written. Raises InputError where it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise InputError(f"save_file={path}", "it is a folder", "Give the name of a file")
        # It has no name, where the system can do that, and so cannot outlive this process.
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(
            f"save_file={path}", f"'{path.parent}' is no folder and cannot become one", "Give another place"
        ) from error
    except OSError as error:
        raise InputError(
            f"save_file={path}", f"it cannot be written ({error.strerror})", "Give a place where you may write"
        ) from error


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _known_values(run: PreparedRun, now: datetime) -> dict[str, Any]:
    values = dict(_flatten(run.config.model_dump(), ""))
    return values | {
        "base_seed": run.request.base_seed,
        "identity": run.identity[:12],
        "time": f"{now:%Y%m%d_%H%M%S}",
        "prompt": run.request.prompt[:50],
        "width": run.plan.output_width,
        "height": run.plan.output_height,
    }


def _flatten(values: Mapping[str, Any], prefix: str) -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for key, value in values.items():
        flat += _flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [(f"{prefix}{key}", value)]
    return flat

"""What is noted in the folder of a run or a sweep of what each destination has of it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from s2v_runner.errors import InputError
from s2v_runner.tracking.destination import Destination
from s2v_runner.tracking.record import write_atomically

PUBLISHED_NAME = "published.json"
_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What a destination has of a run."""

    run_id: str
    experiment_id: str
    status: str
    tags: Mapping[str, str]
    params: str | None
    """A digest of them."""
    steps: int
    """How many lines of the step log."""
    artifacts: Mapping[str, str]
    """The SHA-256 of each file, by its path in the folder of the run."""


def read_sent(folder: Path, destination: Destination) -> Sent | None:
    """What was noted of this destination, if anything was. Raises InputError when it cannot be read."""
    content = _read_published(folder)["destinations"].get(destination.address)
    return None if content is None else Sent(**content)


def write_sent(folder: Path, destination: Destination, sent: Sent) -> None:
    """Note it; what is noted of other destinations stays. Raises OutputError, and InputError as reading does."""
    content = _read_published(folder)
    content["destinations"][destination.address] = asdict(sent)
    write_atomically(folder / PUBLISHED_NAME, json.dumps(content, ensure_ascii=False, indent=1))


def _read_published(folder: Path) -> dict[str, Any]:
    path = folder / PUBLISHED_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise ValueError(f"it is of format {content['format']}")
        return content
    except FileNotFoundError:
        return {"format": _FORMAT, "destinations": {}}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"'{path}'", f"it cannot be read ({error})", "Remove it, and the run is sent to MLflow once more"
        ) from error

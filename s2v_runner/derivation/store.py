"""What was made of inputs once, kept by what it was made of.

The content lies among the copies of what runs were given, in `inputs/` of the output folder, by its own digest. The
cache has a note for each thing that was made, by the digest of what it was made of, which says what its content is.
"""

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from s2v_runner.digests import digest_input, digest_of
from s2v_runner.errors import OutputError
from s2v_runner.records import Report
from s2v_runner.replacement import guarded_by
from s2v_runner.tracking.inputs import bring, copy_path
from s2v_runner.tracking.record import write_atomically

_FOLDER = "derived"


@dataclass(frozen=True, kw_only=True)
class Derivation:
    """Something that is to be made of inputs."""

    name: str
    """What it is, such as `speech`; what it is called in the folder of a run."""
    suffix: str
    asked: Mapping[str, Any]
    """All that it depends on, as JSON, by content and not by place."""
    make: Callable[[Path], Report]
    """Writes the file, which is there once it is whole."""

    @property
    def key(self) -> str:
        return digest_of({"name": self.name, "asked": self.asked})

    @property
    def file_name(self) -> str:
        return f"{self.name}{self.suffix}"


@dataclass(frozen=True)
class Derived:
    """Something that was made of inputs."""

    key: str
    path: Path
    sha256: str
    report: Report

    def as_input(self) -> dict[str, Any]:
        """As a run's inputs are written down."""
        return {"path": str(self.path), "sha256": self.sha256, "bytes": self.path.stat().st_size}

    def as_entry(self) -> dict[str, Any]:
        """As it is written down, for `DerivedStore.recover`."""
        return {"key": self.key, "sha256": self.sha256, **asdict(self.report)}


class DerivedStore:
    """The notes and the contents, in an output folder that any number of runs share."""

    def __init__(self, outputs: Path, cache: Path) -> None:
        self._outputs = outputs
        self._notes = cache / _FOLDER

    def find(self, derivation: Derivation) -> Derived | None:
        """What was made of the same before. A note that is damaged, or whose content is, counts as none."""
        try:
            note = json.loads(self._note(derivation).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return self.recover(derivation, note)

    def recover(self, derivation: Derivation, entry: Mapping[str, Any]) -> Derived | None:
        """What a note or a record tells of; None where it is of something else, or its content is not there."""
        try:
            path = copy_path(self._outputs, entry["sha256"], derivation.suffix)
            if entry["key"] != derivation.key or digest_input(path) != entry["sha256"]:
                return None
            report = Report(entry["facts"], entry["words"], tuple(entry["warnings"]))
        except (OSError, KeyError, TypeError):
            return None
        return Derived(derivation.key, path, entry["sha256"], report)

    def make(self, derivation: Derivation, folder: Path) -> Derived:
        """Make it, in the folder of a run, and keep it; or wait for the process that is making the same.

        Raises as its making does, and OutputError.
        """
        with self._alone(derivation):
            return self.find(derivation) or self._make(derivation, folder)

    def _make(self, derivation: Derivation, folder: Path) -> Derived:
        made = folder / derivation.file_name
        report = derivation.make(made)
        sha256 = digest_input(made)
        kept = copy_path(self._outputs, sha256, derivation.suffix)
        bring(made, kept, sha256)
        derived = Derived(derivation.key, kept, sha256, report)
        self._write_note(derivation, derived)
        return derived

    @contextmanager
    def _alone(self, derivation: Derivation) -> Iterator[None]:
        """While no other process makes the same."""
        with ExitStack() as stack:
            # Where no note can be written, nothing of another process would be found either.
            with suppress(OSError):
                self._notes.mkdir(parents=True, exist_ok=True)
                stack.enter_context(guarded_by(self._notes / f".{derivation.key}.lock"))
            yield

    def _write_note(self, derivation: Derivation, derived: Derived) -> None:
        note = {"name": derivation.name, "asked": derivation.asked, **derived.as_entry()}
        path = self._note(derivation)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, json.dumps(note, ensure_ascii=False, indent=1))
        except (OSError, OutputError) as error:
            warnings.warn(f"the {derivation.name} is not kept for other runs ({error})", stacklevel=2)

    def _note(self, derivation: Derivation) -> Path:
        return self._notes / f"{derivation.key}.json"


def show(derivation: Derivation, derived: Derived, folder: Path) -> str:
    """Put a copy into the folder of a run, unless it is there; its name. Raises OutputError."""
    bring(derived.path, folder / derivation.file_name, derived.sha256)
    return derivation.file_name

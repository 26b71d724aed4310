"""Small whole runs: the settings that keep them short, and processes to run them in."""

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from s2v_runner.cli import guarded
from s2v_runner.config.compose import compose_run
from s2v_runner.prepare import prepare_run
from s2v_runner.run import FinishedRun, Session, perform_run
from s2v_runner.tracking.folder import RUNS, find_runs
from s2v_runner.tracking.record import Record, read_record
from tests.places import TINY_CHECKPOINT


@dataclass(frozen=True)
class Workshop:
    """A folder to run in, with a picture and a second of speech that make three clips of 64×64."""

    folder: Path
    settings: tuple[str, ...]
    session: Session

    @property
    def outputs(self) -> Path:
        return self.folder / "outputs"

    def perform(self, *more: str) -> FinishedRun:
        """A run in this process."""
        return perform([*self.settings, *more], self.session)

    def folders(self) -> list[Path]:
        """Of single runs, in the order in which they were begun."""
        return [folder for folder in find_runs(self.outputs) if folder.is_relative_to(self.outputs / RUNS)]

    def only_record(self) -> Record:
        (folder,) = self.folders()
        return read_record(folder)

    def strays(self) -> list[str]:
        """Files with hidden names that should not have outlived their run."""
        return [
            str(path.relative_to(self.outputs))
            for path in self.outputs.rglob(".*")
            if path.name != ".gitignore" and not path.name.endswith(".lock")
        ]

    def in_child(self, prepare: Callable[[], None], *more: str) -> "Child":
        """A run in a process of its own, a fork of this one: no second time for the imports."""
        return fork(lambda: guarded(lambda: _performed(self, prepare, more)))


def perform(settings: Sequence[str], session: Session) -> FinishedRun:
    """A run of these settings in this process."""
    composed = compose_run(settings)
    return perform_run(prepare_run(composed.config), composed, ("test",), session, reproduces=None)


def _performed(workshop: Workshop, prepare: Callable[[], None], more: tuple[str, ...]) -> int:
    prepare()
    workshop.perform(*more)
    return 0


@dataclass(frozen=True)
class Child:
    """A process and what it prints."""

    pid: int
    output: IO[str]

    def lines_until(self, text: str) -> list[str]:
        """What it prints up to a line with this text."""
        lines = []
        while line := self.output.readline():
            lines.append(line)
            if text in line:
                return lines
        raise AssertionError(f"it never said '{text}':\n{''.join(lines)}")

    def kill(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self) -> tuple[int, str]:
        """Its exit status, negative for a signal, and the rest of what it printed."""
        with self.output:
            rest = self.output.read()
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status), rest


def fork(action: Callable[[], int]) -> Child:
    """Do something in a child process; its standard output and error can be read from here."""
    sys.stdout.flush()
    sys.stderr.flush()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.dup2(writing, 1)
            os.dup2(writing, 2)
            sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
            sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
            status = action()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    os.close(writing)
    return Child(pid, os.fdopen(reading, encoding="utf-8", errors="replace"))


def run_cli(
    folder: Path, *arguments: str, module: str = "s2v_runner", **environment: str
) -> subprocess.CompletedProcess[str]:
    """The command line as a user runs it, in a folder."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, **environment},
    )


def workshop_settings(picture: Path, speech: Path, outputs: Path) -> tuple[str, ...]:
    return (
        "model=wan_s2v_14b",
        f"model.ckpt_dir={TINY_CHECKPOINT}",
        f"image={picture}",
        f"audio.path={speech}",
        f"output.folder={outputs}",
        "size=64*64",
        "infer_frames=8",
        "sampler=euler",
        "sampler.steps=2",
        "sampler.guide_scale=2",
        "base_seed=7",
        "tracking=none",
    )


def read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))

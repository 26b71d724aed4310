"""What crews are asked to make."""

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from s2v_runner.config.compose import Composed
from s2v_runner.execution import Session
from s2v_runner.prepare import PreparedRun
from s2v_runner.run import FinishedRun, perform_run
from s2v_runner.sweep.preparation import PreparedPoint
from s2v_runner.sweep.scene import Scene
from s2v_runner.sweep.telling import TellNobody
from s2v_runner.sweep.work import Assignment, Work, what_was_closed


@dataclass(frozen=True)
class RunJob:
    """One video."""

    run: PreparedRun
    composed: Composed
    command: tuple[str, ...]
    reproduces: str | None

    def perform(self, session: Session) -> FinishedRun:
        """Raises as `perform_run` does."""
        return perform_run(self.run, self.composed, self.command, session, self.reproduces)


@dataclass(frozen=True)
class Badge:
    """Which process a worker is, as the records of its points have it."""

    host: str
    process: int


def read_badge(path: Path) -> Badge | None:
    """The badge that a worker has put there; None as long as it has not."""
    try:
        return Badge(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


@dataclass(frozen=True)
class Share:
    """What a worker has to say that the records of its points do not."""

    is_whole: bool
    """Whether it left because there was nothing more to make. Else another must take its place."""
    problems: Mapping[int, str]
    """By its number what ended a point; its record may not have been to be written."""


@dataclass(frozen=True, kw_only=True)
class SweepJob:
    """As many points of a sweep as others leave to this worker. It writes their records and tells nobody else."""

    assignment: Assignment
    numbers: tuple[int, ...]
    """Of the points that it may make."""
    badge: Path
    """Where it says which process it is, before it begins."""

    def perform(self, session: Session) -> Share:
        """Make points until there is none to make."""
        _show(Badge(socket.gethostname(), os.getpid()), self.badge)
        sweep, listener = self.assignment.sweep, _Errors()
        points = tuple(point for point in sweep.points if point.definition.number in self.numbers)
        work = Work(
            assignment=replace(self.assignment, sweep=replace(sweep, points=points)),
            session=session,
            listener=listener,
            telling=TellNobody(),
            may_take_up=what_was_closed,
        )
        try:
            work.make_points()
        except Exception:
            # With fail_fast it is raised once it has been told of, and who watches ends the sweep.
            if not listener.problems:
                raise
        return Share(session.is_whole, listener.problems)


def _show(badge: Badge, path: Path) -> None:
    written = path.with_suffix(".part")
    written.write_text(json.dumps({"host": badge.host, "process": badge.process}), encoding="utf-8")
    written.replace(path)


@dataclass(frozen=True)
class _Errors:
    """Keeps what ended points: whoever watches reads the rest in their records."""

    problems: dict[int, str] = field(default_factory=dict)

    def begins(self, point: PreparedPoint) -> None:
        pass

    def ends(self, point: PreparedPoint, finished: FinishedRun | None, error: Exception | None) -> None:
        if error is not None:
            self.problems[point.definition.number] = f"{type(error).__name__}: {error}"

    def waits(self, points: int) -> None:
        pass

    def shows(self, scene: Scene) -> None:
        pass

    def warns(self, line: str) -> None:
        pass

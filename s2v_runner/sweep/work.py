"""The making of a sweep's points, by one of any number of processes that share it."""

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from s2v_runner.describe import destination_of
from s2v_runner.interruption import Interrupted
from s2v_runner.run import FinishedRun, Order, Session, carry_out
from s2v_runner.saving import check_savable, save_path
from s2v_runner.sweep.preparation import PreparedPoint, PreparedSweep
from s2v_runner.sweep.states import PointState, state_of
from s2v_runner.tracking.definition import SweepDefinition
from s2v_runner.tracking.destination import Destination
from s2v_runner.tracking.folder import RunFolder, open_point_folder

# Between looks at points that another process is making.
_SECONDS_BETWEEN_LOOKS = 1.0
# After MLflow has not answered, the next points leave it alone for so long: `sync` sends what it has missed.
_SECONDS_OF_SILENCE = 60.0


class Listener(Protocol):
    """Who is told how a sweep goes on."""

    def begins(self, point: PreparedPoint) -> None: ...

    def ends(self, point: PreparedPoint, finished: FinishedRun | None, error: Exception | None) -> None: ...

    def waits(self, points: int) -> None:
        """Only points that another process is making are left."""
        ...


@dataclass
class Work:
    """One process's share of a sweep."""

    sweep: PreparedSweep
    definition: SweepDefinition
    before: Mapping[int, PointState]
    """How the points stood when this process began: what failed since then was tried by another just now."""
    command: tuple[str, ...]
    session: Session
    listener: Listener
    failed: list[int] = field(default_factory=list)
    made: list[int] = field(default_factory=list)
    _silent_until: float = 0.0

    def make_points(self) -> None:
        """Make what is to be made, waiting for what others are making in case they do not finish it.

        With `fail_fast` the first error is raised; else it is recorded and the rest go on.
        """
        waiting = [point for point in self.sweep.points if self._is_wanted(self.before[point.definition.number], point)]
        told = False
        while waiting:
            busy = [point for point in waiting if not self._make_point(point)]
            if len(busy) == len(waiting):
                if not told:
                    self.listener.waits(len(busy))
                    told = True
                time.sleep(_SECONDS_BETWEEN_LOOKS)
            waiting = busy

    def _is_wanted(self, state: PointState, point: PreparedPoint) -> bool:
        """Whether a point that stands like this is to be made by this process."""
        if self.sweep.common.resume == "force":
            return state.attempts <= self.before[point.definition.number].attempts
        if state.standing == "failed":
            tried_since = state.attempts > self.before[point.definition.number].attempts
            return self.sweep.common.resume == "retry" and not tried_since
        return state.standing != "finished"

    def _make_point(self, point: PreparedPoint) -> bool:
        """Make a point if it is to be made and no other process does; False when another is at it."""
        try:
            folder = open_point_folder(self.sweep.folder_of(point))
            if folder is None:
                return False
            try:
                self._make_held_point(point, folder)
            finally:
                folder.lock.release()
        except Interrupted:
            raise
        except Exception as error:
            self.failed.append(point.definition.number)
            self.listener.ends(point, None, error)
            if self.sweep.common.fail_fast:
                raise
        return True

    def _make_held_point(self, point: PreparedPoint, folder: RunFolder) -> None:
        seed = self.definition.base_seed if point.draws_seed else None
        state = PointState("new", None) if folder.previous is None else state_of(folder.path, folder.previous, seed)
        if not self._is_wanted(state, point):
            if state.standing == "finished":
                # What a process left that was killed between its record and its tidying up.
                shutil.rmtree(folder.resume, ignore_errors=True)
            return
        if self.sweep.common.resume == "force" or state.standing in ("new", "lost"):
            shutil.rmtree(folder.resume, ignore_errors=True)
        self.listener.begins(point)
        finished = carry_out(self._order(point, folder, seed), self.session)
        self.made.append(point.definition.number)
        if finished.outcome.problem is not None:
            self._silent_until = time.monotonic() + _SECONDS_OF_SILENCE
        self.listener.ends(point, finished, None)

    def _order(self, point: PreparedPoint, folder: RunFolder, seed: int | None) -> Order:
        run = point.run if seed is None else point.run.with_seed(seed)
        save_to = save_path(run, point.definition.values, datetime.now().astimezone())
        if save_to is not None:
            check_savable(save_to)
        return Order(
            run=run,
            composed=point.composed,
            folder=folder,
            kind="point",
            command=self.command,
            reproduces=None,
            save_to=save_to,
            destination=self._destination(point),
            aloud=False,
        )

    def _destination(self, point: PreparedPoint) -> Destination | None:
        return None if time.monotonic() < self._silent_until else destination_of(point.composed.config)

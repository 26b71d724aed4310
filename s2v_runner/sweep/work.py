"""The making of a sweep's points, by one of any number of processes that share it."""

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from s2v_runner.describe import destination_of
from s2v_runner.errors import OutputError
from s2v_runner.replacement import discard_leftovers
from s2v_runner.run import FinishedRun, Order, Session, carry_out
from s2v_runner.saving import check_savable, save_path
from s2v_runner.sweep.preparation import PreparedPoint, PreparedSweep
from s2v_runner.sweep.states import NEW, PointState, state_of
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
    seed: int | None
    """What was drawn for the points that asked for any."""
    tried: Mapping[str, int]
    """How often each point had been tried at first, by its number: more often means that another process just did."""
    command: tuple[str, ...]
    session: Session
    listener: Listener
    _silent_until: float = 0.0

    def make_points(self) -> None:
        """Make what is to be made, waiting for what others are making in case they do not finish it.

        With `fail_fast` the first error is raised; else it is recorded and the rest go on.
        """
        waiting: Sequence[PreparedPoint] = self.sweep.points
        told = False
        while waiting:
            busy = self.make_free_points(waiting)
            if len(busy) == len(waiting):
                if not told:
                    self.listener.waits(len(busy))
                    told = True
                self.wait()
            waiting = busy

    def make_free_points(self, points: Sequence[PreparedPoint]) -> list[PreparedPoint]:
        """Make those that are to be made and that no other process is at; the points that another is at.

        With `fail_fast` the first error is raised; else it is recorded and the rest go on.
        """
        return [point for point in points if not self._make_point(point)]

    def wait(self) -> None:
        """For others to get on."""
        time.sleep(_SECONDS_BETWEEN_LOOKS)

    def _is_wanted(self, state: PointState, point: PreparedPoint) -> bool:
        """Whether a point that stands like this is to be made by this process."""
        if self._is_to_be_made_anew(state, point):
            return True
        if state.standing == "failed":
            return self.sweep.common.resume == "retry" and not self._was_tried_since(state, point)
        return state.standing != "finished"

    def _is_to_be_made_anew(self, state: PointState, point: PreparedPoint) -> bool:
        return self.sweep.common.resume == "force" and not self._was_tried_since(state, point)

    def _was_tried_since(self, state: PointState, point: PreparedPoint) -> bool:
        # Of points that a search has added since, there was none.
        return state.attempts > self.tried.get(str(point.definition.number), 0)

    def _make_point(self, point: PreparedPoint) -> bool:
        """Make a point if it is to be made and no other process does; False when another is at it."""
        try:
            folder = open_point_folder(self.sweep.folder_of(point))
            if folder is None:
                return False
            try:
                finished = self._make_held_point(point, folder)
            finally:
                folder.lock.release()
        except Exception as error:
            self.listener.ends(point, None, error)
            if self.sweep.common.fail_fast:
                raise
            return True
        if finished is not None:
            self.listener.ends(point, finished, None)
        return True

    def _make_held_point(self, point: PreparedPoint, folder: RunFolder) -> FinishedRun | None:
        """None where it is not to be made."""
        seed = self.seed if point.draws_seed else None
        state = NEW if folder.previous is None else state_of(folder.path, folder.previous, seed)
        if not self._is_wanted(state, point):
            _tidy(folder, state)
            return None
        if self._is_to_be_made_anew(state, point) or state.standing in ("new", "lost"):
            _forget_clips(folder)
        self.listener.begins(point)
        finished = carry_out(self._order(point, folder, seed), self.session)
        if finished.outcome.problem is not None:
            self._silent_until = time.monotonic() + _SECONDS_OF_SILENCE
        return finished

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


def _tidy(folder: RunFolder, state: PointState) -> None:
    """Take away what a process left of a point that is not to be made, if one was killed as it ended."""
    discard_leftovers(folder.path)
    if state.standing == "finished":
        shutil.rmtree(folder.resume, ignore_errors=True)


def _forget_clips(folder: RunFolder) -> None:
    """Raises OutputError where they cannot be removed: those of another seed must not be taken up."""
    try:
        shutil.rmtree(folder.resume)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise OutputError(folder.resume, error) from error

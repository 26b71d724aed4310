"""The making of a sweep's points, by one of any number of processes that share it."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from s2v_runner.errors import OutputError
from s2v_runner.replacement import discard_leftovers
from s2v_runner.run import FinishedRun, Order, Session, carry_out
from s2v_runner.saving import check_savable, save_path
from s2v_runner.sweep.policy import Policy
from s2v_runner.sweep.preparation import PreparedPoint, PreparedSweep
from s2v_runner.sweep.scene import Scene
from s2v_runner.sweep.states import NEW, PointState, state_of
from s2v_runner.sweep.telling import Telling, TellTracker
from s2v_runner.tracking.folder import RunFolder, open_point_folder
from s2v_runner.tracking.record import Record

# Between looks at points that another process is making.
_SECONDS_BETWEEN_LOOKS = 1.0


class Listener(Protocol):
    """Who is told how a sweep goes on."""

    def begins(self, point: PreparedPoint) -> None: ...

    def ends(self, point: PreparedPoint, finished: FinishedRun | None, error: Exception | None) -> None: ...

    def waits(self, points: int) -> None:
        """Only points that another process is making are left."""
        ...

    def shows(self, scene: Scene) -> None:
        """How the workers are getting on, where there are any. Told before what has come of it."""
        ...

    def warns(self, line: str) -> None:
        """Something went wrong that does not end the sweep."""
        ...


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """What is to be made, as all who make it know it."""

    sweep: PreparedSweep
    seed: int | None
    """What was drawn for the points that asked for any."""
    policy: Policy
    command: tuple[str, ...]

    def seed_of(self, point: PreparedPoint) -> int | None:
        """The drawn seed, for a point that asked for any."""
        return self.seed if point.draws_seed else None


Make = Callable[[Assignment, Listener], None]
"""Has all points of a sweep made, and tells the listener. Raises what ends it."""

MayTakeUp = Callable[[Record], bool]
"""Whether a point that nobody is at may be made, by its record."""


def whatever_is_left(_record: Record) -> bool:
    """A point whose process has gone is taken up at once."""
    return True


def what_was_closed(record: Record) -> bool:
    """One whose process has gone is left until whoever watches over it has written down why."""
    return record.status != "RUNNING"


@dataclass(frozen=True, kw_only=True)
class Work:
    """One process's share of a sweep."""

    assignment: Assignment
    session: Session
    listener: Listener
    telling: Telling
    may_take_up: MayTakeUp

    def make_points(self) -> None:
        """Make what is to be made, waiting for what others are making in case they do not finish it.

        With `fail_fast` the first error is raised; else it is recorded and the rest go on. Points are left once the
        session can make no more.
        """
        waiting: Sequence[PreparedPoint] = self.assignment.sweep.points
        told = False
        while waiting and self.session.is_whole:
            busy = self.make_free_points(waiting)
            if len(busy) == len(waiting):
                if not told:
                    self.listener.waits(len(busy))
                    told = True
                self.wait()
            waiting = busy

    def make_free_points(self, points: Sequence[PreparedPoint]) -> list[PreparedPoint]:
        """Make those that are to be made and that no other process is at; the points that are left to others.

        With `fail_fast` the first error is raised; else it is recorded and the rest go on.
        """
        return [point for point in points if not (self.session.is_whole and self._make_point(point))]

    def wait(self) -> None:
        """For others to get on."""
        time.sleep(_SECONDS_BETWEEN_LOOKS)

    def _make_point(self, point: PreparedPoint) -> bool:
        """Make a point if it is to be made and no other process does; False when another is at it."""
        try:
            folder = open_point_folder(self.assignment.sweep.folder_of(point))
            if folder is None:
                return False
            if folder.previous is not None and not self.may_take_up(folder.previous):
                folder.lock.release()
                return False
            try:
                finished = self._make_held_point(point, folder)
            finally:
                folder.lock.release()
        except Exception as error:
            self.listener.ends(point, None, error)
            if self.assignment.sweep.common.fail_fast:
                raise
            return True
        if finished is not None:
            self.listener.ends(point, finished, None)
        return True

    def _make_held_point(self, point: PreparedPoint, folder: RunFolder) -> FinishedRun | None:
        """None where it is not to be made."""
        seed, policy = self.assignment.seed_of(point), self.assignment.policy
        state = NEW if folder.previous is None else state_of(folder.path, folder.previous, seed)
        number = point.definition.number
        if not policy.is_wanted(state, number):
            _tidy(folder, state)
            return None
        if policy.is_to_be_made_anew(state, number) or state.standing in ("new", "lost"):
            _forget_clips(folder)
        self.listener.begins(point)
        finished = carry_out(self._order(point, folder, seed), self.session)
        self.telling.ended(finished.outcome)
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
            command=self.assignment.command,
            reproduces=None,
            save_to=save_to,
            destination=self.telling.destination(point),
            aloud=False,
        )


@dataclass(frozen=True)
class OneAfterTheOther:
    """This process makes the points, and tells of each itself."""

    session: Session

    def __call__(self, assignment: Assignment, listener: Listener) -> None:
        """Raises as `Work.make_points` does."""
        self.work(assignment, listener).make_points()

    def work(self, assignment: Assignment, listener: Listener) -> Work:
        """Its share."""
        return Work(
            assignment=assignment,
            session=self.session,
            listener=listener,
            telling=TellTracker(),
            may_take_up=whatever_is_left,
        )


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

"""A sweep made by workers: they are begun, watched and replaced, and what comes of their points is told."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from s2v_runner.describe import destination_of
from s2v_runner.errors import GenerationError
from s2v_runner.interruption import undisturbed
from s2v_runner.parallel.board import Board, News
from s2v_runner.parallel.jobs import Badge
from s2v_runner.parallel.losses import LEFT_OPEN
from s2v_runner.parallel.workers import Ended, Worker, Workforce
from s2v_runner.sweep.scene import Scene, Seat
from s2v_runner.sweep.work import Assignment, Listener, Make
from s2v_runner.tracking.following import Followers, make_followers
from s2v_runner.tracking.recorder import VANISHED

_SECONDS_BETWEEN_LOOKS = 1.0
# In which workers that were asked to stop close their records.
_SECONDS_TO_STOP = 30.0
# In which workers find that there is nothing left to make.
_SECONDS_TO_LEAVE = 30.0
_MOST_FRUITLESS = 2


class Driver:
    """Has the points of a sweep made by workers."""

    def __init__(self, assignment: Assignment, workforce: Workforce, listener: Listener, followers: Followers) -> None:
        self._assignment = assignment
        self._workforce = workforce
        self._listener = listener
        self._followers = followers
        self._board = Board(assignment)
        self._workers: list[Worker] = []
        self._left: dict[Badge, str] = {}
        """Why points of workers that have gone may have been left open."""
        self._fruitful: set[Worker] = set()
        """Workers that have begun a point."""
        self._fruitless = 0
        """How many in a row broke without having begun a point."""
        self._told_of_others = False
        self._told_problem: str | None = None

    def make_points(self) -> None:
        """Until all are made that are to be.

        Raises GenerationError where workers break before they begin, and, with `fail_fast`, where a point fails; what a
        worker raises for a user to mend; and Interrupted. No worker is left then, and every record is closed.
        """
        try:
            self._begin()
            while self._board.open_numbers:
                self._look_at_workers()
                self._look_at_points()
                self._recruit()
                self._pause()
            self._see_off()
        except BaseException:
            with undisturbed():
                self._dismiss()
            raise
        finally:
            for worker in self._workers:
                worker.kill()
            self._listener.shows(Scene(()))
            self._followers.close()

    def _begin(self) -> None:
        self._board.close_lost(lambda _: VANISHED)
        self._board.begin()
        self._recruit()

    def _recruit(self) -> None:
        for worker in self._workforce.recruit(tuple(self._workers), self._board.open_numbers):
            self._workers.append(worker)

    def _look_at_workers(self) -> None:
        for worker in tuple(self._workers):
            badge = worker.badge
            ended = worker.look()
            if ended is not None:
                self._workers.remove(worker)
                worker.kill()
                self._bid_farewell(worker, badge or worker_without_badge(worker), ended)

    def _bid_farewell(self, worker: Worker, badge: Badge, ended: Ended) -> None:
        if ended.reason is None:
            assert ended.share is not None
            self._left[badge] = f"{worker.name}: {LEFT_OPEN}"
            self._tell(self._board.give_up(ended.share.problems))
            return
        reason = f"{worker.name}: {ended.reason}"
        self._left[badge] = reason
        if worker in self._fruitful or self._board.has_begun(badge):
            self._fruitful.discard(worker)
            self._listener.warns(f"{reason}. Another takes its place where points are left")
            return
        self._fruitless += 1
        if self._fruitless < _MOST_FRUITLESS:
            self._listener.warns(f"{reason}, before it began a point")
            return
        if not self._fruitful.intersection(self._workers):
            raise GenerationError(f"workers end before they begin a point. {reason}")
        self._listener.warns(f"{reason}, before it began a point, as the one before. The others go on without it")
        self._workforce.give_up(worker)

    def _look_at_points(self) -> None:
        self._board.close_lost(self._reason_for)
        news = self._board.look()
        self._listener.shows(self._scene())
        self._tell(news)
        if self._board.are_others_at_all_of_it(self._badges()) and not self._told_of_others:
            self._told_of_others = True
            self._listener.waits(len(self._board.open_numbers))

    def _reason_for(self, badge: Badge) -> str | None:
        if badge in self._left:
            return self._left[badge]
        # One of ours that is about to be seen to have ended.
        return None if badge in self._badges() else VANISHED

    def _badges(self) -> dict[Badge, Worker]:
        return {badge: worker for worker in self._workers if (badge := worker.badge) is not None}

    def _scene(self) -> Scene:
        stands = self._board.stands(self._badges())
        for worker in self._workers:
            if stands.get(worker.name) is not None:
                self._fruitful.add(worker)
                self._fruitless = 0
        return Scene(tuple(Seat(worker.name, stands.get(worker.name)) for worker in self._workers))

    def _tell(self, news: Sequence[News]) -> None:
        for item in news:
            if item.has_begun:
                self._listener.begins(item.point)
            if item.is_over:
                self._followers.ended(item.folder)
                self._listener.ends(item.point, item.finished, item.error)
                if item.error is not None and self._assignment.sweep.common.fail_fast:
                    raise GenerationError(f"point {item.point.definition.number} failed: {item.error}")
        problem = self._followers.problem()
        if problem is not None and problem != self._told_problem:
            self._told_problem = problem
            self._listener.warns(problem)

    def _pause(self) -> None:
        if self._board.open_numbers:
            time.sleep(_SECONDS_BETWEEN_LOOKS)

    def _see_off(self) -> None:
        """The workers find that there is nothing left."""
        self._wait_for_all(_SECONDS_TO_LEAVE)

    def _dismiss(self) -> None:
        """Whatever ended the sweep, every record is closed, and told of."""
        for worker in self._workers:
            worker.stop()
        self._wait_for_all(_SECONDS_TO_STOP)
        for worker in self._workers:
            worker.kill()
        self._board.close_lost(lambda badge: self._left.get(badge, "the sweep was stopped, and it did not end in time"))
        for folder in self._board.begun_folders():
            self._followers.ended(folder)

    def _wait_for_all(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and any(has_not_ended(worker) for worker in self._workers):
            time.sleep(_SECONDS_BETWEEN_LOOKS / 10)


def has_not_ended(worker: Worker) -> bool:
    """Whether it is still there; how it ended does not matter any more."""
    try:
        return worker.look() is None
    except Exception:
        return False


def worker_without_badge(worker: Worker) -> Badge:
    """What stands for one that has never said which process it is. No record has it."""
    return Badge(worker.name, -1)


def made_by(workforce_for: Callable[[Assignment], AbstractContextManager[Workforce]]) -> Make:
    """What makes the points of a sweep by workers of this force, which is there as long as it takes."""

    def make(assignment: Assignment, listener: Listener) -> None:
        followers = make_followers(destination_of(assignment.sweep.common))
        with workforce_for(assignment) as workforce:
            Driver(assignment, workforce, listener, followers).make_points()

    return make

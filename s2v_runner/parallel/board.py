"""How the points of a sweep stand that are still to be made, read from their records once a second."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from s2v_runner.errors import GenerationError
from s2v_runner.parallel.jobs import Badge
from s2v_runner.parallel.losses import Losses, ReasonFor
from s2v_runner.parallel.workers import Worker
from s2v_runner.run import FinishedRun
from s2v_runner.sweep.preparation import PreparedPoint
from s2v_runner.sweep.scene import Stand
from s2v_runner.sweep.states import NEW, PointState, read_state
from s2v_runner.sweep.work import Assignment
from s2v_runner.tracking.journal import read_steps
from s2v_runner.tracking.record import RECORD_NAME, Record
from s2v_runner.tracking.reporter import Outcome

_NOBODY_TOLD = Outcome(None, None)


@dataclass(frozen=True, kw_only=True)
class News:
    """What has become of a point since it was last looked at."""

    point: PreparedPoint
    folder: Path
    has_begun: bool
    finished: FinishedRun | None
    error: Exception | None

    @property
    def is_over(self) -> bool:
        """Whether it will not be made any more."""
        return self.finished is not None or self.error is not None


class Board:
    """The points that are still to be made. Those that are over leave it."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        self._points = {point.definition.number: point for point in assignment.sweep.points}
        self._states: dict[int, PointState] = {}
        self._seen: dict[int, tuple[int, int]] = {}
        """Which file each record was read from."""
        self._begun: dict[int, int] = {}
        """How many attempts have been told of."""
        self._losses = Losses()

    @property
    def open_numbers(self) -> list[int]:
        """Of the points that are still to be made, in their order."""
        return list(self._points)

    def begin(self) -> None:
        """Take away what needs no making; what was lost until now does not count."""
        self._losses.forget()
        for number in tuple(self._points):
            state = self._read(number)
            self._begun[number] = state.attempts
            if not self._assignment.policy.is_wanted(state, number):
                del self._points[number]

    def close_lost(self, reason_for: ReasonFor) -> None:
        """Close the records of points whose makers have gone. Raises OutputError."""
        for number in self._points:
            state = self._read(number)
            if state.record is not None and state.record.status == "RUNNING":
                self._losses.close(number, self.folder_of(number), reason_for)

    def look(self) -> list[News]:
        """What has happened."""
        return [news for number in tuple(self._points) if (news := self._look_at(number)) is not None]

    def give_up(self, problems: Mapping[int, str]) -> list[News]:
        """What ended points whose records do not say so, and at which nobody is."""
        news = self.look()
        for number, problem in problems.items():
            if number in self._points and not self._is_being_made(number):
                news.append(self._over(number, False, None, GenerationError(problem)))
        return news

    def stands(self, badges: Mapping[Badge, Worker]) -> dict[str, Stand]:
        """How far each worker's point is, by the name of the worker."""
        stands = {}
        for number in self._points:
            record = self._states.get(number, NEW).record
            if record is not None and record.status == "RUNNING" and (badge := badge_in(record)) in badges:
                stands[badges[badge].name] = self._stand(number, record)
        return stands

    def has_begun(self, badge: Badge) -> bool:
        """Whether the maker with this badge was the last at one of the points."""
        records = [self._read(number).record for number in self._points]
        return any(record is not None and badge_in(record) == badge for record in records)

    def are_others_at_all_of_it(self, badges: Iterable[Badge]) -> bool:
        """Whether points are left, and each of them is being made by none of these."""
        ours = set(badges)
        records = [self._states.get(number, NEW).record for number in self._points]
        return bool(records) and all(
            record is not None and record.status == "RUNNING" and badge_in(record) not in ours for record in records
        )

    def begun_folders(self) -> Iterator[Path]:
        """Of the points that are not over and were begun."""
        for number in self._points:
            if self._assignment.policy.was_tried_since(self._read(number), number):
                yield self.folder_of(number)

    def folder_of(self, number: int) -> Path:
        return self._assignment.sweep.folder_of(self._points[number])

    def _look_at(self, number: int) -> News | None:
        state, point = self._read(number), self._points[number]
        has_begun = state.attempts > self._begun.get(number, 0)
        if has_begun:
            self._begun[number] = state.attempts
        if not self._assignment.policy.is_wanted(state, number):
            record = state.record
            assert record is not None
            if state.standing == "finished":
                return self._over(number, has_begun, FinishedRun(self.folder_of(number), record, _NOBODY_TOLD), None)
            return self._over(number, has_begun, None, GenerationError(_plain(record.error)))
        if not has_begun:
            return None
        return News(point=point, folder=self.folder_of(number), has_begun=True, finished=None, error=None)

    def _over(self, number: int, has_begun: bool, finished: FinishedRun | None, error: Exception | None) -> News:
        folder = self.folder_of(number)
        point = self._points.pop(number)
        return News(point=point, folder=folder, has_begun=has_begun, finished=finished, error=error)

    def _is_being_made(self, number: int) -> bool:
        record = self._read(number).record
        return record is not None and record.status == "RUNNING"

    def _read(self, number: int) -> PointState:
        folder = self.folder_of(number)
        try:
            status = (folder / RECORD_NAME).stat()
        except OSError:
            return NEW
        # A record is replaced as a whole: another one is another file.
        seen = (status.st_ino, status.st_mtime_ns)
        if self._seen.get(number) != seen:
            self._states[number] = read_state(folder, self._assignment.seed_of(self._points[number]))
            self._seen[number] = seen
        return self._states[number]

    def _stand(self, number: int, record: Record) -> Stand:
        attempt = len(record.attempts) - 1
        steps = [step for step in read_steps(self.folder_of(number)) if step.attempt == attempt]
        run = self._points[number].run
        last = steps[-1] if steps else None
        return Stand(
            point=number,
            clip=1 if last is None else last.clip + 1,
            clips=record.plan.get("num_clips"),
            step=0 if last is None else last.step,
            steps=len(run.plan.taken),
            seconds=None if last is None else last.seconds,
        )


def badge_in(record: Record) -> Badge:
    """Of the process that makes what this is the record of."""
    attempt = record.attempts[-1]
    return Badge(attempt.host, attempt.process)


def _plain(error: str | None) -> str:
    """What ended a point, without the names of this project's errors, which say nothing to a person."""
    text = error or "it does not say why"
    for name in ("InputError", "GenerationError", "DeviceMemoryError", "OutputError"):
        text = text.removeprefix(f"{name}: ")
    return text

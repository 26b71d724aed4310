"""What the user sees of a sweep that workers make: lines, or on a terminal a table that moves."""

import sys
import time
from collections.abc import Mapping

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from s2v_runner.console.sweep import Remaining, seconds_of, tell_failure, tell_waiting
from s2v_runner.console.words import clock_text
from s2v_runner.run import FinishedRun
from s2v_runner.sweep.preparation import PreparedPoint, PreparedSweep, name_of
from s2v_runner.sweep.scene import Scene, Seat, Stand
from s2v_runner.sweep.states import PointState

# Without a terminal to redraw, lines now and then say how far the workers are.
_SECONDS_BETWEEN_LINES = 30.0
_BAR = 24
_NOTHING = Scene(())


class WorkerLines:
    """Tells the person line by line."""

    def __init__(self, sweep: PreparedSweep, states: Mapping[int, PointState]) -> None:
        self._total = len(sweep.points)
        self._remaining = Remaining(sweep, states)
        self._scene = _NOTHING
        self._spoken_at = time.monotonic()
        self._warned: set[str] = set()

    def begins(self, point: PreparedPoint) -> None:
        number = point.definition.number
        by = self._scene.maker_of(number)
        where = "" if by is None else f" ({by})"
        print(f"[{number} of {self._total}] {name_of(point.definition.values)}{where}", flush=True)

    def ends(self, point: PreparedPoint, finished: FinishedRun | None, error: Exception | None) -> None:
        self._remaining.ended(point, finished)
        if finished is None:
            tell_failure(point, error)
            return
        for line in finished.record.warnings:
            self.warns(line)
        left = self._remaining.words(max(1, len(self._scene.seats)))
        print(f"  point {point.definition.number} finished in {seconds_of(finished):.1f} s{left}", flush=True)

    def waits(self, points: int) -> None:
        tell_waiting(points)

    def shows(self, scene: Scene) -> None:
        self._scene = scene
        if time.monotonic() - self._spoken_at > _SECONDS_BETWEEN_LINES:
            self._spoken_at = time.monotonic()
            for seat in scene.seats:
                if seat.stand is not None:
                    rate = _rate(seat.stand)
                    print(f"  {seat.name}: point {seat.stand.point}, {_place(seat.stand)}{rate and f', {rate}'}")
            sys.stdout.flush()

    def warns(self, line: str) -> None:
        """The same is told once."""
        if line not in self._warned:
            self._warned.add(line)
            print(f"warning: {line}", file=sys.stderr, flush=True)


class WorkerTable(WorkerLines):
    """Has a table below the lines: a row a worker, and one for all of it."""

    def __init__(self, sweep: PreparedSweep, states: Mapping[int, PointState]) -> None:
        super().__init__(sweep, states)
        self._names = {point.definition.number: name_of(point.definition.values) for point in sweep.points}
        self._live: Live | None = None

    def shows(self, scene: Scene) -> None:
        self._scene = scene
        if scene == _NOTHING:
            if self._live is not None:
                self._live.stop()
                self._live = None
            return
        if self._live is None:
            # What is printed meanwhile comes above it.
            self._live = Live(console=Console(stderr=True), transient=True, auto_refresh=False)
            self._live.start()
        self._live.update(worker_table(scene, self._names, self._remaining), refresh=True)


def worker_table(scene: Scene, names: Mapping[int, str], remaining: Remaining) -> Table:
    """The workers at one moment, and the whole. `names` are those of points, by their numbers."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column(width=_BAR)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    for seat in scene.seats:
        table.add_row(*_row(seat, names))
    counts = remaining.counts()
    left = remaining.seconds(max(1, len(scene.seats)))
    to_go = counts["new"] + counts["begun"] + counts["lost"]
    table.add_row(
        "all",
        "",
        ProgressBar(total=sum(counts.values()), completed=counts["finished"], width=_BAR),
        f"{counts['finished']} done, {counts['failed']} failed, {to_go} to go",
        "" if left is None else f"about {clock_text(left)}",
    )
    return table


def _row(seat: Seat, names: Mapping[int, str]) -> tuple[str | ProgressBar, ...]:
    stand = seat.stand
    if stand is None:
        return seat.name, "", "", "waiting", ""
    total = (stand.clips or 1) * (stand.steps or 1)
    done = (stand.clip - 1) * (stand.steps or 1) + stand.step
    bar = ProgressBar(total=total, completed=done, width=_BAR)
    return seat.name, f"{stand.point}  {names.get(stand.point, '')}", bar, _place(stand), _rate(stand)


def _place(stand: Stand) -> str:
    clips = "" if stand.clips is None else f" of {stand.clips}"
    steps = "" if stand.steps is None else f" of {stand.steps}"
    return f"clip {stand.clip}{clips}, step {stand.step}{steps}"


def _rate(stand: Stand) -> str:
    return "" if stand.seconds is None else f"{stand.seconds:.2f} s a step"

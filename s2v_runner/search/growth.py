"""The points of a search as they become more, trial by trial. Several processes may have a part in it."""

from collections.abc import Sequence
from dataclasses import replace

from s2v_runner.errors import InputError
from s2v_runner.prepare import draw_seed
from s2v_runner.search.preparation import PreparedSearch
from s2v_runner.search.results import TrialResult, read_results
from s2v_runner.sweep.preparation import PreparedPoint, PreparedSweep
from s2v_runner.tracking.definition import (
    DEFINITION_NAME,
    PointDefinition,
    SweepDefinition,
    TrialDefinition,
    read_definition,
    write_definition,
)
from s2v_runner.tracking.folder import sweep_held

_HOPELESS = 5
"""So many trials that failed, with none that did not, make it likely that all will."""


class Growth:
    """Asks for trials, and writes them down before they are made."""

    def __init__(self, search: PreparedSearch, command: tuple[str, ...]) -> None:
        self._search = search
        self._command = command
        self._prepared: dict[int, PreparedPoint] = {}
        """What was composed already, by number."""
        self.results: list[TrialResult] = []
        """The trials as they stood when they were last looked at, without one that was asked for then."""

    def begin(self, _draw_anew: bool) -> tuple[PreparedSweep, SweepDefinition]:
        """The search as it is, with a first trial where there is none. To be called while the sweep is held.

        Raises InputError and OutputError.
        """
        before = _read(self._search)
        if before is None:
            drawn = draw_seed() if self._search.draws_seed else None
            definition = self._search.sweep.define(self._command, drawn)
            definition = self._with_trial(replace(definition, search=self._search.define(())))
        else:
            as_asked = self._search.sweep.define(self._command, None)
            definition = replace(before, command=as_asked.command, title=as_asked.title)
        if definition != before:
            write_definition(self._search.sweep.folder, definition)
        return self._sweep_of(definition), definition

    def grow(self) -> PreparedSweep:
        """The search with one more trial where there are to be more.

        Raises InputError, also where all trials fail, and OutputError.
        """
        folder = self._search.sweep.folder
        with sweep_held(folder):
            definition = read_definition(folder)
            assert definition.search is not None
            self.results = read_results(folder, definition, self._search.objectives)
            if not self.is_grown:
                _check_hope(self._search, self.results)
                definition = self._with_trial(definition)
                write_definition(folder, definition)
        return self._sweep_of(definition)

    @property
    def is_grown(self) -> bool:
        """Whether there were as many trials as there are to be when they were last looked at."""
        return len(self.results) >= self._search.config.trials

    def _with_trial(self, definition: SweepDefinition) -> SweepDefinition:
        # Late: what is planned must be planned without waiting for Optuna.
        from s2v_runner.search.sampler import suggest

        assert definition.search is not None
        search, trials = self._search, definition.search.trials
        suggestion = suggest(search.asked.space, search.objectives, search.config, self.results)
        numbers = {point.identity: point.number for point in definition.points}
        points = list(definition.points)
        used = []
        for composed, run in search.prepare_trial(suggestion.values):
            # The same settings are not made again.
            if run.identity not in numbers:
                numbers[run.identity] = len(points) + 1
                points.append(PointDefinition(number=len(points) + 1, identity=run.identity, values=composed.values))
            used.append(numbers[run.identity])
        trial = TrialDefinition(
            number=len(trials) + 1, values=suggestion.values, points=tuple(used), notes=suggestion.notes
        )
        return replace(definition, points=tuple(points), search=search.define((*trials, trial)))

    def _sweep_of(self, definition: SweepDefinition) -> PreparedSweep:
        unknown = [point for point in definition.points if point.number not in self._prepared]
        self._prepared |= {point.definition.number: point for point in self._search.prepare_points(unknown)}
        return replace(self._search.sweep, points=tuple(self._prepared[point.number] for point in definition.points))


def _check_hope(search: PreparedSearch, results: Sequence[TrialResult]) -> None:
    """Raises InputError where nothing can be learnt of what is sought."""
    ended = [result for result in results if result.outcome != "open"]
    if len(ended) < _HOPELESS or any(result.outcome == "finished" for result in ended):
        return
    raise InputError(
        f"search '{search.sweep.folder}'",
        f"{len(ended)} trials have failed, and none has not. The last one: {ended[-1].problem}",
        "Mend that, or seek something else with search.objectives",
    )


def _read(search: PreparedSearch) -> SweepDefinition | None:
    """The definition that is there. Raises InputError for one that cannot be understood."""
    folder = search.sweep.folder
    return read_definition(folder) if (folder / DEFINITION_NAME).is_file() else None

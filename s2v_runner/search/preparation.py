"""Everything that is known of a search before its first point is made. Nothing heavy is imported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from s2v_runner.config.asked import Asked
from s2v_runner.config.compose import Composed
from s2v_runner.config.schema import SearchConfig
from s2v_runner.digests import digest_of
from s2v_runner.errors import InputError
from s2v_runner.metrics.measures import Metric
from s2v_runner.prepare import DRAWN_SEED, PreparedRun
from s2v_runner.records import Value
from s2v_runner.search.objectives import read_objectives
from s2v_runner.sweep.preparation import (
    PreparedPoint,
    PreparedSweep,
    check_names,
    find_shared_noise,
    prepare_runs,
)
from s2v_runner.tracking.definition import PointDefinition, SearchDefinition, TrialDefinition

_FORCE = "force"


@dataclass(frozen=True, kw_only=True)
class PreparedSearch:
    """A search that can be made, or gone on with."""

    asked: Asked
    sweep: PreparedSweep
    """What it grows from: there is no point in it."""
    objectives: tuple[Metric, ...]
    samples: tuple[PreparedRun, ...]
    """Runs of the kind that will be made: a trial at the lower ends of the space."""

    @property
    def config(self) -> SearchConfig:
        return self.sweep.common.search

    @property
    def replicates(self) -> list[dict[str, Value]]:
        """What each trial is made with in turn: the values of what is averaged over."""
        return _replicates(self.asked)

    @property
    def draws_seed(self) -> bool:
        """Whether a seed is drawn for its points."""
        return any(run.config.base_seed == DRAWN_SEED for run in self.samples)

    def define(self, trials: Sequence[TrialDefinition]) -> SearchDefinition:
        """What is written down of it."""
        return SearchDefinition(
            objectives=tuple(metric.key for metric in self.objectives),
            space={dimension.key: dimension.words for dimension in self.asked.space},
            sampler=self.config.sampler,
            seed=self.config.seed,
            trials=tuple(trials),
        )

    def prepare_points(self, definitions: Sequence[PointDefinition]) -> list[PreparedPoint]:
        """Points that were asked for, ready to be made. Raises InputError for one that cannot be."""
        composed = self.asked.compose_at([point.values for point in definitions])
        points = [
            PreparedPoint(definition=definition, composed=point, run=run)
            for definition, point, run in zip(
                definitions, composed, prepare_runs(composed, self.sweep.common), strict=True
            )
        ]
        for point in points:
            if point.definition.identity != point.run.identity:
                raise InputError(
                    f"sweep '{self.sweep.folder}'",
                    f"its point {point.definition.number} was another one when it was asked for",
                    "Take the folder away",
                )
        return points

    def prepare_trial(self, values: Mapping[str, Value]) -> list[tuple[Composed, PreparedRun]]:
        """The runs of a trial with these settings, those that would be the same video once. Raises InputError."""
        composed = self.asked.compose_at([{**values, **replicate} for replicate in self.replicates])
        runs = prepare_runs(composed, self.sweep.common)
        return list({run.identity: (point, run) for point, run in zip(composed, runs, strict=True)}.values())


def prepare_search(asked: Asked) -> PreparedSearch:
    """Look into the ends of the space, and into each choice. Raises InputError that says what is wrong."""
    common = asked.common
    _refuse(asked)
    objectives = read_objectives(common)
    probes = asked.compose_at(_probes(asked))
    runs = prepare_runs(probes, common)
    different = {run.identity: (point, run) for point, run in zip(probes, runs, strict=True)}
    check_names(list(different.values()))
    samples = runs[: len(_replicates(asked))]
    sweep = PreparedSweep(
        identity=digest_of(
            {
                "space": [[dimension.key, dimension.words] for dimension in asked.space],
                "objectives": [metric.key for metric in objectives],
                "sampler": [common.search.sampler, common.search.startup_trials, common.search.seed],
                "probes": sorted(different),
            }
        ),
        common=common,
        swept=asked.swept,
        baseline=None,
        words=asked.words,
        points=(),
        loads=0,
        duplicates=0,
        shared_noise=find_shared_noise(samples),
    )
    return PreparedSearch(asked=asked, sweep=sweep, objectives=objectives, samples=tuple(samples))


def _refuse(asked: Asked) -> None:
    """Raises InputError for what a search cannot do."""
    if asked.common.resume == _FORCE:
        raise InputError(
            f"resume={_FORCE}",
            "a search goes on from what it has found",
            "Give another search.seed for another search, or take its folder away",
        )
    if asked.common.baseline is not None:
        raise InputError(
            f"baseline={asked.common.baseline}",
            "the points of a search are not made to be compared with one of them",
            "Leave it out; `s2v-runner compare --baseline` takes any point in the end",
        )


def _replicates(asked: Asked) -> list[dict[str, Value]]:
    keys = [axis.key for axis in asked.axes]
    return [
        dict(zip(keys, (choice.value for choice in choices), strict=True))
        for choices in product(*(axis.choices for axis in asked.axes))
    ]


def _probes(asked: Asked) -> list[dict[str, Value]]:
    """A trial at the lower ends of the space; and what else each setting may be, the others left there."""
    replicates = _replicates(asked)
    lowest = {dimension.key: dimension.probes[0] for dimension in asked.space}
    # Any will do, whatever the order in which they were given.
    replicate = min(replicates, key=repr)
    others = [
        {**lowest, dimension.key: value, **replicate} for dimension in asked.space for value in dimension.probes[1:]
    ]
    return [*({**lowest, **each} for each in replicates), *others]

"""Everything that is known of a sweep before its first point is made. Nothing heavy is imported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from s2v_runner.comparison.baseline import read_baseline
from s2v_runner.config.asked import Asked
from s2v_runner.config.compose import Composed
from s2v_runner.config.resolve import as_path
from s2v_runner.config.schema import RunConfig
from s2v_runner.describe import placement_request
from s2v_runner.digests import digest_of
from s2v_runner.errors import InputError
from s2v_runner.placement.choice import choose_placement
from s2v_runner.placement.gpus import likely_hardware
from s2v_runner.placement.hardware import Hardware
from s2v_runner.prepare import DRAWN_SEED, PreparedRun, prepare_run
from s2v_runner.saving import save_path
from s2v_runner.tracking.definition import FORMAT, PointDefinition, SweepDefinition, point_folder
from s2v_runner.tracking.destination import without_credentials
from s2v_runner.tracking.folder import SWEEPS
from s2v_runner.tracking.record import IDENTITY_SHOWN
from s2v_runner.tracking.sweep_translation import value_text

_SHARED_BY_ALL = (
    *("output", "tracking", "resume", "dry_run", "title", "baseline", "fail_fast", "max_points", "inputs"),
    *("search", "parallel"),
)


@dataclass(frozen=True, kw_only=True)
class PreparedPoint:
    """A point that can be made."""

    definition: PointDefinition
    composed: Composed
    run: PreparedRun
    """With a seed of 0 where any will do."""

    @property
    def draws_seed(self) -> bool:
        return self.composed.config.base_seed == DRAWN_SEED


@dataclass(frozen=True, kw_only=True)
class PreparedSweep:
    """A sweep that can be made."""

    identity: str
    common: RunConfig
    """What is the same for all points; what is swept has any value."""
    swept: tuple[str, ...]
    baseline: str | None
    """What the points are compared with, as it was asked for."""
    words: tuple[str, ...]
    points: tuple[PreparedPoint, ...]
    """In the order in which they are made."""
    loads: int
    """How many times a model is loaded."""
    duplicates: int
    """How many more were asked for that would be the same video as another."""
    shared_noise: str | None
    """Which points begin from the same noise although their seeds differ."""

    @property
    def outputs(self) -> Path:
        return as_path(self.common.output.folder).absolute()

    @property
    def folder(self) -> Path:
        return self.outputs / SWEEPS / self.identity[:IDENTITY_SHOWN]

    def define(self, command: tuple[str, ...], base_seed: int | None) -> SweepDefinition:
        """What is written down of it. `base_seed` is what was drawn for the points that ask for any."""
        return SweepDefinition(
            format=FORMAT,
            identity=self.identity,
            title=self.common.title,
            command=tuple(map(without_credentials, command)),
            swept=self.swept,
            base_seed=base_seed,
            baseline=self.baseline,
            points=tuple(point.definition for point in self.points),
            search=None,
        )

    def folder_of(self, point: PreparedPoint) -> Path:
        return point_folder(self.folder, point.definition)


def prepare_sweep(asked: Asked) -> PreparedSweep:
    """Compose and look into every point. Raises InputError that says which point is wrong."""
    composed = asked.compose()
    kept: dict[str, tuple[Composed, PreparedRun]] = {}
    for point, run in zip(composed, prepare_runs(composed, asked.common), strict=True):
        kept.setdefault(run.identity, (point, run))
    ordered, loads = _order(list(kept.values()))
    check_names(ordered)
    points = tuple(
        PreparedPoint(
            definition=PointDefinition(number=number, identity=run.identity, values=point.values),
            composed=point,
            run=run,
        )
        for number, (point, run) in enumerate(ordered, 1)
    )
    sweep = PreparedSweep(
        identity=digest_of({"points": sorted(kept)}),
        common=asked.common,
        swept=asked.swept,
        baseline=None,
        words=asked.words,
        points=points,
        loads=loads,
        duplicates=len(composed) - len(kept),
        shared_noise=find_shared_noise([run for _, run in ordered]),
    )
    return replace(sweep, baseline=_baseline(asked, sweep))


def prepare_runs(points: Sequence[Composed], common: RunConfig) -> list[PreparedRun]:
    """Look into points that share what is in `common`. Raises InputError that says which point is wrong."""
    runs = []
    for number, point in enumerate(points, 1):
        try:
            runs.append(prepare_run(point.config))
            _check_shared(common, point.config)
        except InputError as error:
            # Where all points have it, the error alone says everything.
            if number == 1 or not point.values:
                raise
            place = f"point {number} of {len(points)} ({name_of(point.values)})"
            raise InputError(f"{place}: {error.subject}", error.problem, error.remedy) from error
    _check_processes(points, runs)
    return runs


def name_of(values: Mapping[str, object]) -> str:
    """What a point is called: `sampler.steps=10 sampler.shift=3`."""
    return " ".join(f"{key}={value_text(value)}" for key, value in values.items())


def _check_shared(common: RunConfig, config: RunConfig) -> None:
    for key in _SHARED_BY_ALL:
        if getattr(common, key) != getattr(config, key):
            raise InputError(key, "it is one for the whole sweep, and cannot be swept", "Start a sweep for each")


def _check_processes(points: Sequence[Composed], runs: Sequence[PreparedRun]) -> None:
    """Raises InputError where points want different processes: whoever makes one is to make any of them."""
    for point, run in zip(points, runs, strict=True):
        if run.topology != runs[0].topology:
            raise InputError(
                f"the points {name_of(points[0].values)} and {name_of(point.values)}",
                f"one is made by {runs[0].topology.processes} processes, the other by {run.topology.processes}",
                "Give parallel.ulysses_size, or start a sweep for each",
            )


def _baseline(asked: Asked, sweep: PreparedSweep) -> str | None:
    """What the points are compared with. A study's own baseline may be gone where the command line changed the study.

    Raises InputError for one that was asked for and is not there.
    """
    words = asked.common.baseline
    if words is None:
        return None
    try:
        read_baseline(sweep.define((), None), words)
    except InputError:
        if any(word.startswith("baseline=") for word in asked.words):
            raise
        return None
    return words


def _order(points: Sequence[tuple[Composed, PreparedRun]]) -> tuple[list[tuple[Composed, PreparedRun]], int]:
    """The points in the order in which they are made, and how many models that loads.

    Points of one model and placement come one after another, so that each is loaded once; among these, points of one
    picture, recording and size. Else they come as they were asked for.
    """
    hardware: dict[str, Hardware] = {}
    engines: dict[str, int] = {}
    inputs: dict[str, int] = {}
    keys = []
    for _, run in points:
        asked = run.config.memory.device
        if asked not in hardware:
            hardware[asked] = likely_hardware(asked)
        placement = choose_placement(placement_request(run), hardware[asked], run.estimate_cost)
        engine = repr((run.checkpoint_digest, run.loras, replace(placement, reason="")))
        given = repr([(name, run.inputs[name]["sha256"]) for name in sorted(run.inputs)])
        size = repr((given, run.plan.height, run.plan.width))
        keys.append((engines.setdefault(engine, len(engines)), inputs.setdefault(size, len(inputs))))
    ordered = [points[index] for index in sorted(range(len(points)), key=lambda index: keys[index])]
    return ordered, len(engines)


def check_names(points: Sequence[tuple[Composed, PreparedRun]]) -> None:
    """Raises InputError where two points would write the same copy."""
    now = datetime.now().astimezone()
    names: dict[Path, str] = {}
    for point, run in points:
        path = save_path(run, point.values, now)
        if path is None:
            continue
        if path in names:
            raise InputError(
                f"save_file={point.config.save_file}",
                f"the points {names[path]} and {name_of(point.values)} would write the same file",
                "Put what tells them apart into the name, such as {sampler.steps}, {base_seed} or {identity}",
            )
        names[path] = name_of(point.values)


def find_shared_noise(runs: Sequence[PreparedRun]) -> str | None:
    """Whether seeds lie so near to each other that one point's later clips begin from another's noise."""
    lengths: dict[int, int] = {}
    for run in runs:
        if run.config.base_seed != DRAWN_SEED:
            lengths[run.config.base_seed] = max(lengths.get(run.config.base_seed, 0), run.plan.num_clips)
    seeds = sorted(lengths)
    for seed, following in pairwise(seeds):
        if following - seed < lengths[seed]:
            return (
                f"base_seed={seed} and {following} share noise: clip r of a video draws it from base_seed + r, and "
                f"there are {lengths[seed]} clips. Seeds 1000 apart are independent"
            )
    return None

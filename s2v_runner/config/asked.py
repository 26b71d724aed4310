"""What a command line asks for: one run, or the runs of a sweep, counted before any of them is composed.

A sweep is what `-m` makes of settings with several values, what a study file (`+sweeps=…`) says, and a list of inputs;
where there are several of these they are crossed. A search chooses its points from such values, and from intervals.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from math import prod

from hydra.core.override_parser.types import Override

from s2v_runner.config.arguments import lines_of, parse_overrides, prepare_overrides, refuse_several
from s2v_runner.config.axes import INPUTS, Axis, Choice, Dimension, axis_of, dimension_of, is_interval, is_replicated
from s2v_runner.config.compose import Composed, Composer, ConfigSource, Templates, composing
from s2v_runner.config.places import DEMO_MODEL, SWEEPS, all_options
from s2v_runner.config.resolve import as_path
from s2v_runner.config.rows import read_rows
from s2v_runner.config.schema import RunConfig, all_keys
from s2v_runner.errors import InputError
from s2v_runner.records import Value

_WEIGHTS = "model.ckpt_dir"
_NOT_IN_A_ROW = (INPUTS, SWEEPS, "fail_fast", "max_points", "title", "baseline", "dry_run", "resume", "search")


@dataclass(frozen=True)
class Asked:
    """What was asked for, not yet composed run by run."""

    source: ConfigSource
    common: RunConfig
    """The configuration without what is swept."""
    is_sweep: bool
    words: tuple[str, ...]
    """What all runs have in common."""
    axes: tuple[Axis, ...]
    """What is crossed; in a search what each of its settings is tried with."""
    space: tuple[Dimension, ...]
    """What a search chooses from; nothing where it is none."""
    templates: Templates
    """What Hydra has made of it so far."""

    @property
    def count(self) -> int:
        return prod(len(axis.choices) for axis in self.axes)

    @property
    def swept(self) -> tuple[str, ...]:
        return tuple(part.key for part in (*self.space, *self.axes))

    def compose(self) -> list[Composed]:
        """Every combination of the axes, what was given last changing fastest.

        Raises InputError that says which point is wrong.
        """
        keys = [axis.key for axis in self.axes]
        with composing(self.source, self.templates) as composer:
            return [
                _compose_point(composer, self.words, dict(zip(keys, choices, strict=True)))
                for choices in product(*(axis.choices for axis in self.axes))
            ]

    def compose_at(self, points: Sequence[Mapping[str, Value]]) -> list[Composed]:
        """The runs that have these values of everything that is swept. Raises InputError that says which is wrong."""
        parts = (*self.space, *self.axes)
        with composing(self.source, self.templates) as composer:
            return [
                _compose_point(composer, self.words, {part.key: part.choose(values[part.key]) for part in parts})
                for values in points
            ]


def read_asked(words: Sequence[str], source: ConfigSource, multirun: bool) -> Asked:
    """Understand a command line. Raises InputError."""
    options = all_options(source.folders)
    overrides = _last_of_each(parse_overrides(prepare_overrides(words, options, multirun), options))
    plain = [override for override in overrides if not override.is_sweep_override()]
    templates: Templates = {}
    with composing(source, templates) as composer:
        template = composer.template(lines_of(plain))
        common = composer.compose(lines_of(plain), [], {}).config
    study = _study_overrides(template.swept, overrides, options)
    swept = [override for override in (*study, *overrides) if override.is_sweep_override()]
    is_search = common.search.method != "none"
    if not is_search:
        _refuse_intervals(swept)
    rows = _rows(common, options)
    is_sweep = multirun or template.is_sweep or bool(study) or bool(rows)
    if not is_sweep:
        refuse_several(swept)
    searched = [override for override in swept if is_search and not is_replicated(override.key_or_group)]
    axes = (*rows, *(axis_of(override, options) for override in swept if override not in searched))
    space = tuple(dimension_of(override, options) for override in searched)
    if is_search and not space:
        raise InputError(
            f"search={common.search.method}",
            "there is nothing to choose from",
            "Give settings to search with -m, as in `-m search=optuna 'sampler.steps=int(interval(4,40))'`",
        )
    if is_sweep and not axes and not space:
        raise InputError(
            "an empty sweep",
            "no setting has several values",
            "Give one, as in `-m sampler.steps=10,20,40`, or leave -m out",
        )
    fixed = [override for override in study if not override.is_sweep_override()]
    return Asked(source, common, is_sweep, tuple(lines_of([*fixed, *plain])), axes, space, templates)


def compose_points(words: Sequence[str], source: ConfigSource, multirun: bool) -> list[Composed]:
    """The runs that a command line asks for: one, or those of its sweep. Raises InputError."""
    return read_asked(words, source, multirun).compose()


def _last_of_each(overrides: Sequence[Override]) -> list[Override]:
    """Without those that a later one of the same key takes the place of."""
    last = {override.key_or_group: override for override in overrides}
    return [override for override in overrides if last[override.key_or_group] is override]


def _study_overrides(
    swept: Mapping[str, str], given: Sequence[Override], options: Mapping[str, Sequence[str]]
) -> list[Override]:
    """What the study file sweeps, but for what the command line gives."""
    words = [f"{key}={values}" for key, values in swept.items()]
    present = {override.key_or_group for override in given}
    overrides = parse_overrides(prepare_overrides(words, options, multirun=True), options)
    return [override for override in overrides if override.key_or_group not in present]


def _refuse_intervals(swept: Sequence[Override]) -> None:
    """Raises InputError for an interval where nothing is there to choose from it."""
    for override in swept:
        if is_interval(override):
            raise InputError(
                f"'{override.input_line}'",
                "an interval is for a search",
                "Add search=optuna, or give the values, with commas",
            )


def _rows(common: RunConfig, options: Mapping[str, Sequence[str]]) -> list[Axis]:
    """The rows of the list of inputs, if there is one."""
    if common.inputs is None:
        return []
    choices = []
    for row in read_rows(as_path(common.inputs)):
        with _placed(row.place):
            overrides = parse_overrides(prepare_overrides(row.words, options, multirun=False), options)
            for override in overrides:
                _check_cell(override)
        choices.append(Choice(row.place, tuple(overrides), row.name))
    return [Axis(INPUTS, tuple(choices))]


def _check_cell(override: Override) -> None:
    if override.is_sweep_override():
        raise InputError(f"'{override.input_line}'", "a cell has one value", "Give each value a row of its own")
    if override.key_or_group.partition(".")[0] in _NOT_IN_A_ROW:
        raise InputError(f"'{override.input_line}'", "it is not a setting of one run", "Take the column away")


def _compose_point(composer: Composer, common: Sequence[str], chosen: Mapping[str, Choice]) -> Composed:
    choices = list(chosen.values())
    overrides = [override for choice in choices for override in choice.overrides]
    _check_once(overrides)
    single = [override for override in overrides if _only_sets(override)]
    others = [override for override in overrides if not _only_sets(override)]
    values = {key: choice.value for key, choice in chosen.items()}
    with _placed(next((choice.place for choice in choices if choice.place is not None), None)):
        point = composer.compose([*common, *lines_of(others)], single, values)
        _refuse_other_weights(point)
        return point


def _refuse_other_weights(point: Composed) -> None:
    """Raises InputError for a folder of weights that would be run with the settings of the model that comes along."""
    given = any(word.lstrip("+").startswith(f"{_WEIGHTS}=") for word in point.overrides)
    folder = point.config.model.ckpt_dir
    if given and folder is not None and point.choices["model"] == DEMO_MODEL:
        raise InputError(
            f"{_WEIGHTS}={folder}",
            f"model={DEMO_MODEL} has weights of its own",
            "Add model=wan_s2v_14b to run weights from a folder",
        )


@contextmanager
def _placed(place: str | None) -> Iterator[None]:
    """Says where it was written, when something written there is wrong."""
    try:
        yield
    except InputError as error:
        if place is None:
            raise
        raise InputError(f"{place}: {error.subject}", error.problem, error.remedy) from error


def _check_once(overrides: Sequence[Override]) -> None:
    keys = [override.key_or_group for override in overrides]
    twice = [key for key in keys if keys.count(key) > 1]
    if twice:
        raise InputError(twice[0], "the list of inputs gives it, and it is swept as well", "Leave one of them out")


def _only_sets(override: Override) -> bool:
    """Whether Hydra is not needed: it gives a value to a key that is there."""
    return override.key_or_group in all_keys() and not override.is_add() and not override.is_force_add()

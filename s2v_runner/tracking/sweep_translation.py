"""A sweep and its points in MLflow's terms."""

import shlex
from collections.abc import Iterator, Sequence

from s2v_runner.tracking.definition import DEFINITION_NAME, PointDefinition, SweepDefinition
from s2v_runner.tracking.destination import without_credentials
from s2v_runner.tracking.progress import PointProgress, count_points
from s2v_runner.tracking.record import IDENTITY_SHOWN, RECORD_NAME, Record
from s2v_runner.tracking.translation import Point, as_text, cut, legal_key, milliseconds, settings_of

# In names and on the page a value or a command is there to be recognised.
_LONGEST_VALUE = 40
_LONGEST_NAME = 200
_LONGEST_CELL = 500
_LONGEST_COMMAND = 1500


def title_of(definition: SweepDefinition, run_name: str | None) -> str:
    """What a sweep is called: its title, else the name for runs, else what is swept."""
    swept = " × ".join(short_names(definition.swept).values())
    return _shorten(
        definition.title or run_name or swept or f"sweep {definition.identity[:IDENTITY_SHOWN]}", _LONGEST_NAME
    )


def name_of_point(definition: SweepDefinition, point: PointDefinition, run_name: str | None) -> str:
    """What a point is called: its number and what sets it apart, such as `03 steps=20 guide_scale=4.5`."""
    number = f"{point.number:0{max(2, len(str(len(definition.points))))}}"
    if run_name is not None:
        return f"{run_name} {number}"
    names = short_names(definition.swept)
    words = [
        f"{names.get(key, key)}={_shorten(value_text(value), _LONGEST_VALUE)}" for key, value in point.values.items()
    ]
    return _shorten(" ".join((number, *words)), _LONGEST_NAME)


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """For each key as much of its end as tells it from the others: `steps` for `sampler.steps`."""
    ends = [end for key in keys for end in _ends(key)]
    return {key: next((end for end in _ends(key) if ends.count(end) == 1), key) for key in keys}


def value_text(value: object) -> str:
    """A value as one would type it: 3 for 3.0."""
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"
    return as_text(value)


def note_of(record: Record, definition: SweepDefinition, run_name: str | None) -> str:
    """What MLflow's page says of a sweep, in Markdown."""
    rows = [f"| {key} | {_cell(_swept_text(definition, key))} |" for key in definition.swept]
    facts = [f"{len(definition.points)} points."]
    if definition.search is not None:
        facts.append(f"{len(definition.search.trials)} trials for {', '.join(definition.search.objectives)}.")
    if definition.base_seed is not None:
        facts.append(f"Seed {definition.base_seed}, drawn for all of them.")
    elif "base_seed" not in definition.swept:
        facts.append(f"Seed {record.base_seed}.")
    if definition.baseline is not None:
        facts.append(f"Compared with {definition.baseline}.")
    command = _shorten(without_credentials(shlex.join(definition.command)), _LONGEST_COMMAND)
    table = ("| setting | values |", "|---|---|", *rows) if rows else ()
    return "\n".join((f"**{title_of(definition, run_name)}**", "", *table, "", " ".join(facts), "", f"    {command}"))


def params_of_sweep(record: Record, definition: SweepDefinition) -> dict[str, str]:
    """What the points share, and for each swept key what it has in turn."""
    requested = {**record.requested, "base_seed": record.base_seed}
    shared = {
        legal_key(key): cut(as_text(value), RECORD_NAME)
        for key, value in settings_of(record.choices, record.resolved or requested)
        if not any(key == swept or key.startswith(f"{swept}.") for swept in definition.swept)
    }
    lists = {f"swept.{key}": _swept_text(definition, key) for key in definition.swept}
    swept = {legal_key(key): cut(text, DEFINITION_NAME) for key, text in lists.items()}
    return {**shared, **swept}


def points_of_sweep(record: Record, points: Sequence[PointProgress]) -> list[Point]:
    """How many points had finished and failed when, counted in seconds from the sweep's beginning.

    For a sweep that has ended also the numbers of its plan.
    """
    begun = milliseconds(record.attempts[0].started)
    counts = {(begun, "points"): float(len(points)), (begun, "finished"): 0.0, (begun, "failed"): 0.0}
    ended: dict[int, str] = {}
    for at, number, status in sorted(_ends_of_attempts(points)):
        ended[number] = status
        # Of one moment the last counts.
        for key, wanted in (("finished", "FINISHED"), ("failed", "FAILED")):
            counts[at, key] = list(ended.values()).count(wanted)
    if record.status != "RUNNING":
        last = record.attempts[-1]
        at = milliseconds(last.finished or last.started)
        numbers = {key: value for key, value in record.plan.items() if type(value) in (int, float)}
        # The plan of a sweep that was killed is older than its points.
        numbers |= count_points(points)
        counts |= {(at, legal_key(key)): float(value) for key, value in numbers.items()}
    return [Point(key, value, at, max(0, at - begun) // 1000) for (at, key), value in counts.items()]


def _ends_of_attempts(points: Sequence[PointProgress]) -> Iterator[tuple[int, int, str]]:
    """For each attempt that has ended when it did, its point's number and how it ended."""
    for point in points:
        for attempt in point.record.attempts if point.record is not None else ():
            if attempt.finished is not None:
                yield milliseconds(attempt.finished), point.definition.number, attempt.status


def tags_of_trial(definition: SweepDefinition, point: PointDefinition) -> dict[str, str]:
    """For a point of a search the trial that asked for it, and what is sought."""
    trial = definition.trial_of(point.number)
    if trial is None or definition.search is None:
        return {}
    return {"trial": str(trial.number), "objectives": ", ".join(definition.search.objectives)}


def _swept_text(definition: SweepDefinition, key: str) -> str:
    """What a key was chosen from, or the values that it has in turn."""
    if definition.search is not None and key in definition.search.space:
        return definition.search.space[key]
    return ", ".join(_values_of(definition, key))


def _values_of(definition: SweepDefinition, key: str) -> list[str]:
    """The values of a swept key, numbers by size, all others in order of appearance."""
    values = [point.values[key] for point in definition.points if key in point.values]
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    ordered = sorted(numbers) if len(numbers) == len(values) else values
    return list(dict.fromkeys(value_text(value) for value in ordered))


def _ends(key: str) -> list[str]:
    """The ends of a dotted key, the shortest first."""
    parts = key.split(".")
    return [".".join(parts[-count:]) for count in range(1, len(parts) + 1)]


def _cell(text: str) -> str:
    return _shorten(text, _LONGEST_CELL).replace("|", "\\|")


def _shorten(text: str, longest: int) -> str:
    """One line of it."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"

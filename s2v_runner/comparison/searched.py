"""The trials of a search as data for the page."""

from typing import Any

from s2v_runner.comparison.summary import point_name
from s2v_runner.tracking.definition import SweepDefinition


def search_data(definition: SweepDefinition) -> dict[str, Any] | None:
    """What was sought and tried, in the types of JSON; None where the points were given.

    Trials of the same points are one here.
    """
    search = definition.search
    if search is None:
        return None
    points = {point.number: point for point in definition.points}
    settings = tuple(search.space)
    different = {trial.points: trial for trial in reversed(search.trials)}
    return {
        "objectives": list(search.objectives),
        "averaged": [key for key in definition.swept if key not in search.space],
        "asked": len(search.trials),
        "trials": [
            {
                "number": trial.number,
                "name": point_name(settings, points[trial.points[0]]),
                "points": list(trial.points),
            }
            for trial in sorted(different.values(), key=lambda trial: trial.number)
        ],
    }

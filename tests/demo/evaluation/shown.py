"""Cases and the readings that a perfect reader would have of them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from demo.evaluation.cases import GROUPS, POOLS, Case, draw_cases
from demo.evaluation.figures import Watched, watch
from demo.evaluation.ledger import Row
from demo.evaluation.making import Settings
from demo.evaluation.measures import Seen
from demo.reading import QUANTITIES, true_readings

DEFAULT = Settings(
    source="generated",
    solver="unipc",
    steps=20,
    shift=3.0,
    guide_scale=3.0,
    infer_frames=80,
    start_from_ref=False,
    posed=False,
)


def cases_of(group: str, count: int, pool: str = "validation") -> list[Case]:
    return draw_cases(POOLS[pool], GROUPS[group], count, 0)


def replace_source(settings: Settings, source: str) -> Settings:
    return replace(settings, source=source)


def true_row(case: Case, settings: Settings = DEFAULT, starts: Sequence[int] = (0,)) -> Row:
    """A row that says of a case's video what is true of it."""
    truth = true_readings(case.identities, case.performance)
    wide = {name: np.linspace(1.0, 2.0, case.frames).tolist() for name in ("ground_error", "face_error", "ssim")}
    return Row(
        case=case.name,
        settings=settings,
        starts=starts,
        seconds=1.0,
        readings={name: getattr(truth, name)[0].tolist() for name in QUANTITIES},
        likeness={**wide, "change": [1.0] * (case.frames - 1)},
    )


def truly_watched(cases: Sequence[Case]) -> list[Watched]:
    return [watch(case, true_row(case)) for case in cases]


def read_otherwise(seen: Seen, **readings: np.ndarray) -> Seen:
    """The same truth with other readings."""
    return Seen(**{**vars(seen), "read": {**seen.read, **readings}})

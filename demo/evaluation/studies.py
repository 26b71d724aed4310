"""The studies: which cases are made with which settings, and what is asked of what comes out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from demo.evaluation.cases import ACTS
from demo.evaluation.making import DECODED, DRAWN, STRANGER, Settings

STEPS = (2, 4, 8, 16, 20, 30, 50)
GUIDANCE = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
SHIFTS = (1.0, 2.0, 3.0, 5.0, 8.0)
SOLVERS = ("unipc", "dpmpp", "euler")

_FEWEST_SHORT, _FEWEST_LONG = 2, 1
"""Cases of a study, however few are asked for."""


@dataclass(frozen=True)
class Arm:
    """Cases of a group, all made in one way."""

    group: str
    cases: int
    label: str
    settings: Settings


Study = Callable[[Settings, int], list[Arm]]
"""The arms of a study, from the default settings and the number of cases that is asked for."""


def _truth(default: Settings, cases: int) -> list[Arm]:
    """What the measures can reach: the drawn truth, the same through the autoencoder, and somebody else."""
    return [Arm("plain", cases, source, replace(default, source=source)) for source in (DRAWN, DECODED, STRANGER)]


def _base(default: Settings, cases: int) -> list[Arm]:
    """The default settings, clips of other lengths, and beginning with the picture."""
    return [
        Arm("plain", cases, "default", default),
        Arm("plain", _share(cases, 4, _FEWEST_SHORT), "infer_frames=32", replace(default, infer_frames=32)),
        Arm("plain", _share(cases, 4, _FEWEST_SHORT), "start_from_ref", replace(default, start_from_ref=True)),
    ]


def _prompts(default: Settings, cases: int) -> list[Arm]:
    """Each act, with the default guidance and without any."""
    return [
        Arm("acted", _evenly(cases), "with guidance", default),
        Arm("acted", _evenly(cases), "guide_scale=1", replace(default, guide_scale=1.0)),
    ]


def _poses(default: Settings, cases: int) -> list[Arm]:
    """With the pose video of the truth, and without."""
    return [
        Arm("posed", _share(cases, 2, _FEWEST_SHORT), "with pose", replace(default, posed=True)),
        Arm("posed", _share(cases, 2, _FEWEST_SHORT), "without pose", default),
    ]


def _clips(default: Settings, cases: int) -> list[Arm]:
    """Two and five clips in a row, and how the truth would fare."""
    arms = []
    for group, fraction in (("two clips", 2), ("five clips", 4)):
        count = _share(cases, fraction, _FEWEST_LONG)
        arms.append(Arm(group, count, group, default))
        arms.append(Arm(group, count, f"{group}, drawn", replace(default, source=DRAWN)))
    return arms


def _effect(key: str, values: Sequence[object]) -> Study:
    """One setting of the sampler, the rest at its default."""

    def arms(default: Settings, cases: int) -> list[Arm]:
        count = _evenly(_share(cases, 2, len(ACTS)))
        return [Arm("acted", count, f"{value}", replace(default, **{key: value})) for value in values]

    return arms


EFFECTS: Mapping[str, tuple[str, Sequence[object]]] = {
    "steps": ("steps", STEPS),
    "guidance": ("guide_scale", GUIDANCE),
    "shift": ("shift", SHIFTS),
    "solvers": ("solver", SOLVERS),
}
"""By study, the setting that it changes and its values."""

STUDIES: Mapping[str, Study] = {
    "truth": _truth,
    "base": _base,
    "prompts": _prompts,
    "poses": _poses,
    "clips": _clips,
    **{name: _effect(key, values) for name, (key, values) in EFFECTS.items()},
}


def _share(cases: int, fraction: int, fewest: int) -> int:
    return max(fewest, cases // fraction)


def _evenly(cases: int) -> int:
    """As many, rounded up to a number that has each act as often."""
    return -(-cases // len(ACTS)) * len(ACTS)

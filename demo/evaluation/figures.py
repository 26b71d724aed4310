"""From what was read of the videos of one arm of a study to its figures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from demo.evaluation.calibration import Thresholds
from demo.evaluation.cases import ACTS, Case
from demo.evaluation.ledger import Row
from demo.evaluation.making import DECODED, DRAWN, SIDE
from demo.evaluation.measures import (
    LAGS,
    MOUTH,
    Estimate,
    Seen,
    Statistic,
    best_lag,
    correlate,
    count_closures,
    estimate,
    follow_loudness,
    jumps,
    lagged,
    mean,
    moving,
    pooled_correlation,
    pooled_partial_correlation,
    ratio,
    share,
    show_of_acts,
    tell_right_from_wrong,
)
from demo.reading import QUANTITIES, true_readings
from demo.world.performance import FRAMES_PER_SECOND
from s2v_runner.plan import SPEECH_RATE

Figures = dict[str, Estimate]

_SEED = 0
"""Of the drawing of cases for the intervals, so that the same readings give the same report."""
_NEAR = 1
"""Frames by which a lag may be off and still be called none."""
_LOOKS = ("ground_error", "face_error", "ssim")


@dataclass(frozen=True)
class Watched:
    """One video that was made of a case, and what was read of it."""

    case: Case
    row: Row
    seen: Seen


def watch(case: Case, row: Row) -> Watched:
    """The readings of a video beside the truth of its case."""
    truth = true_readings(case.identities, case.performance)
    seen = Seen(
        read={name: np.array(values) for name, values in row.readings.items()},
        truth={name: getattr(truth, name)[0].double().numpy() for name in QUANTITIES},
        loudness=follow_loudness(case.waveform, SPEECH_RATE, case.frames, FRAMES_PER_SECOND),
        closed=case.closed,
        voiced=case.voiced,
        silent=case.silent,
    )
    return Watched(case, row, seen)


def measure(watched: Sequence[Watched], thresholds: Thresholds) -> Figures:
    """Every figure that makes sense of these videos, which were all made in one way, by name."""
    statistics = dict(_measure_mouths([one.seen for one in watched], thresholds))
    statistics |= dict(_measure_looks(watched))
    source, posed = watched[0].row.settings.source, watched[0].case.act not in (*ACTS, "free")
    if source in (DRAWN, DECODED) or posed:
        statistics |= dict(_measure_heads([one.seen for one in watched]))
    if len(watched[0].row.starts) > 1:
        statistics |= dict(_measure_clips(watched))
    figures = {name: estimate(statistic, len(watched), _SEED) for name, statistic in statistics.items()}
    if watched[0].case.act in ACTS:
        figures |= dict(_measure_acts(watched, thresholds))
    return figures


def follow_lags(watched: Sequence[Watched]) -> dict[int, Estimate]:
    """r of the opening at each lag."""
    pairs = [(one.seen.read["opening"], one.seen.truth["opening"]) for one in watched]
    statistics = {lag: pooled_correlation([lagged(*pair, lag) for pair in pairs]) for lag in LAGS}
    return {lag: estimate(statistic, len(watched), _SEED) for lag, statistic in statistics.items()}


def _measure_mouths(seen: Sequence[Seen], thresholds: Thresholds) -> Iterator[tuple[str, Statistic]]:
    for name in MOUTH:
        pairs = [(one.read[name], one.truth[name]) for one in seen]
        yield f"r {name}", pooled_correlation(pairs)
        yield f"r {name}, clip by clip", mean([correlate(*pair) for pair in pairs])
        triples = [(*pair, one.loudness) for pair, one in zip(pairs, seen, strict=True)]
        yield f"partial r {name}", pooled_partial_correlation(triples)
    yield "best lag", best_lag(seen)
    single = np.ones((1, 1))
    near = [abs(best_lag([one])(single)[0]) <= _NEAR for one in seen]
    yield "clips with a best lag of 0 ± 1", mean(near)
    counts = [count_closures(one, thresholds.closed) for one in seen]
    yield "closures found", share([one.found for one in counts], [one.true for one in counts])
    yield "open moments that look closed", share([one.false for one in counts], [one.open for one in counts])
    yield "right against wrong speech", tell_right_from_wrong(seen, ("opening",))
    yield "right against wrong speech, all of the mouth", tell_right_from_wrong(seen, MOUTH)
    yield "silent to voiced motion", ratio(moving(seen, "read", "silent"), moving(seen, "read", "voiced"))
    yield "motion to true motion", ratio(moving(seen, "read", "voiced"), moving(seen, "truth", "voiced"))


def _measure_looks(watched: Sequence[Watched]) -> Iterator[tuple[str, Statistic]]:
    for name in _LOOKS:
        yield name, mean([float(np.mean(one.row.likeness[name])) for one in watched])


def _measure_heads(seen: Sequence[Seen]) -> Iterator[tuple[str, Statistic]]:
    for name in (name for name in QUANTITIES if name not in MOUTH):
        yield f"r {name}", pooled_correlation([(one.read[name], one.truth[name]) for one in seen])
    others = [*seen[1:], *seen[:1]]
    yield "head position error", mean([_miss(one, one) for one in seen])
    if len(seen) > 1:
        paired = zip(seen, others, strict=True)
        yield "head position error, poses shuffled", mean([_miss(one, other) for one, other in paired])


def _miss(one: Seen, other: Seen) -> float:
    """Mean distance of the head in the one's video from where the other's truth has it, in pixels."""
    away = [one.read[name] - other.truth[name] for name in ("centre_x", "centre_y")]
    return float(np.hypot(*away).mean() * SIDE / 2)


def _measure_acts(watched: Sequence[Watched], thresholds: Thresholds) -> Iterator[tuple[str, Estimate]]:
    """Each over the videos that it can be seen in: those that were asked for it."""
    pairs = [(_decide(one.seen.read, thresholds), one.case.act) for one in watched]
    for act in (act for act in ACTS if act != "none"):
        yield from _estimate_share(f"asked {act} shown", [act in shown for shown, asked in pairs if asked == act])
    yield from _estimate_share("asked acts shown", [asked in shown for shown, asked in pairs if asked != "none"])
    unasked = [len(shown - {asked}) for shown, asked in pairs]
    could_be = [len({*ACTS} - {asked, "none"}) for _, asked in pairs]
    yield "unasked acts shown", estimate(share(unasked, could_be), len(pairs), _SEED)
    yield from _estimate_share("prompt followed to the letter", [shown == {asked} - {"none"} for shown, asked in pairs])


def _estimate_share(name: str, flags: Sequence[bool]) -> Iterator[tuple[str, Estimate]]:
    if flags:
        yield name, estimate(mean(flags), len(flags), _SEED)


def _decide(read: Mapping[str, np.ndarray], thresholds: Thresholds) -> set[str]:
    """The acts that a video shows."""
    show = show_of_acts(read)
    flags = {
        "nod": show["nod"] > thresholds.nod,
        "left": show["turn"] < -thresholds.turn,
        "right": show["turn"] > thresholds.turn,
        "smile": show["smile"] > thresholds.smile,
    }
    return {act for act, flag in flags.items() if flag}


def _measure_clips(watched: Sequence[Watched]) -> Iterator[tuple[str, Statistic]]:
    """Clip by clip, and what happens between them."""
    seams = [jumps(np.array(one.row.likeness["change"]), one.row.starts) for one in watched]
    for name in seams[0]:
        yield f"seam over {name}", mean([one[name] for one in seams])
    clips = len(watched[0].row.starts)
    for clip in range(clips):
        pairs = [
            tuple(kind["opening"][_frames(one, clip)] for kind in (one.seen.read, one.seen.truth)) for one in watched
        ]
        yield f"clip {clip + 1}: r opening", pooled_correlation([(read, truth) for read, truth in pairs])
        for name in _LOOKS:
            values = [float(np.mean(one.row.likeness[name][_frames(one, clip)])) for one in watched]
            yield f"clip {clip + 1}: {name}", mean(values)
    for name in _LOOKS:
        per_clip = [[np.mean(one.row.likeness[name][_frames(one, clip)]) for clip in (0, clips - 1)] for one in watched]
        yield f"last clip less first: {name}", mean([float(last - first) for first, last in per_clip])


def _frames(one: Watched, clip: int) -> slice:
    starts = (*one.row.starts, one.case.frames)
    return slice(starts[clip], starts[clip + 1])

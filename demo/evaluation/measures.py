"""What is measured of the readings of videos: pure functions of numbers.

A statistic takes weights [R, N], how often each of N cases counts in each of R draws, and gives a value for each draw:
so that its spread over the cases is found by drawing the cases again, with replacement.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Statistic = Callable[[np.ndarray], np.ndarray]

MOUTH = ("opening", "width", "rounding")
LAGS = tuple(range(-8, 9))

_RESAMPLINGS = 1000
_QUIETEST_DECIBELS = -60.0
_FLAT = 1e-9
_SMALLEST_SWING = 0.02
"""Deviation of the truth in a window below which there is nothing to agree with."""
_WINDOW, _STRIDE = 48, 24
_NEAREST_SHIFT, _SHIFT_STEP = 8, 4
_CLOSURE_REACH, _RISE_REACH = 1, 4
_RISE, _TRUE_RISE = 0.1, 0.2
OPEN = 0.15
"""Opening from which on a mouth is open beyond doubt."""


@dataclass(frozen=True)
class Seen:
    """What was read of one video, beside the truth: float64 [V] by quantity."""

    read: Mapping[str, np.ndarray]
    truth: Mapping[str, np.ndarray]
    loudness: np.ndarray
    """As `follow_loudness` gives it, [V, 3]."""
    closed: np.ndarray
    voiced: np.ndarray
    silent: np.ndarray


@dataclass(frozen=True)
class Estimate:
    """A figure, the interval that holds it in 95 of 100 draws of the cases, and the number of cases."""

    value: float
    low: float
    high: float
    cases: int


def estimate(statistic: Statistic, cases: int, seed: int) -> Estimate:
    """A statistic of all cases, and how far it moves when the cases are drawn again."""
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(cases, np.full(cases, 1 / cases), size=_RESAMPLINGS)
    value = float(statistic(np.ones((1, cases)))[0])
    drawn = statistic(weights.astype(np.float64))
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, (0.025, 0.975)) if drawn.size else (np.nan, np.nan)
    return Estimate(value, float(low), float(high), cases)


def follow_loudness(waveform: np.ndarray, rate: int, frames: int, fps: int) -> np.ndarray:
    """How loud the speech is in each frame and in its two neighbours, decibels of full scale, [V, 3].

    The root mean square of one frame's length of sound about the frame's moment, not below -60 dB.
    """
    half = rate / fps / 2
    centres = np.arange(-1, frames + 1) * rate / fps
    power = np.concatenate(([0.0], np.cumsum(waveform.astype(np.float64) ** 2)))
    begins, ends = (np.clip(np.round(centres + side), 0, len(waveform)).astype(int) for side in (-half, half))
    mean = (power[ends] - power[begins]) / (2 * half)
    decibels = 10 * np.log10(np.maximum(mean, 10 ** (_QUIETEST_DECIBELS / 10)))
    return np.stack([decibels[:-2], decibels[1:-1], decibels[2:]], axis=1)


def correlate(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's r; 0 where one of the two does not move."""
    deviations = one - one.mean(), other - other.mean()
    size = np.sqrt(np.mean(deviations[0] ** 2) * np.mean(deviations[1] ** 2))
    return float(np.mean(deviations[0] * deviations[1]) / size) if size > _FLAT else 0.0


def pooled_correlation(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> Statistic:
    """Pearson's r over all frames of all cases."""
    return pooled_partial_correlation([(one, other, np.empty((len(one), 0))) for one, other in pairs])


def pooled_partial_correlation(triples: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Statistic:
    """r of what is left of the first two [V] once the third [V, controls] is regressed out of both, over all frames."""
    columns = [np.column_stack((np.ones(len(one)), controls, one, other)) for one, other, controls in triples]
    moments = np.stack([matrix.T @ matrix for matrix in columns])

    def of(weights: np.ndarray) -> np.ndarray:
        total = np.einsum("rn,nij->rij", weights, moments)
        known, shared, own = total[:, :-2, :-2], total[:, :-2, -2:], total[:, -2:, -2:]
        left = own - shared.transpose(0, 2, 1) @ np.linalg.pinv(known, hermitian=True) @ shared
        size = np.sqrt(np.maximum(left[:, 0, 0] * left[:, 1, 1], 0))
        return np.where(size > _FLAT * total[:, 0, 0], left[:, 0, 1] / np.maximum(size, _FLAT), 0.0)

    return of


def lagged(read: np.ndarray, truth: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """The frames that face each other when what is read comes `lag` frames after the truth."""
    if lag >= 0:
        return read[lag:], truth[: len(truth) - lag]
    return read[:lag], truth[-lag:]


def best_lag(seen: Sequence[Seen]) -> Statistic:
    """The lag in frames at which the openings of all cases agree best; positive where the lips are late."""
    by_lag = [
        pooled_correlation([lagged(one.read["opening"], one.truth["opening"], lag) for one in seen]) for lag in LAGS
    ]
    return lambda weights: np.array(LAGS)[np.argmax([of(weights) for of in by_lag], axis=0)].astype(np.float64)


def mean(values: Sequence[float]) -> Statistic:
    """The mean over cases; those that are not a number do not count."""
    numbers = np.array(values, dtype=np.float64)
    return share(np.where(np.isfinite(numbers), numbers, 0), np.isfinite(numbers).astype(np.float64))


def share(parts: Sequence[float] | np.ndarray, wholes: Sequence[float] | np.ndarray) -> Statistic:
    """The sum of the parts over the sum of the wholes; not a number where there is no whole."""

    def of(weights: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return (weights @ np.asarray(parts, np.float64)) / (weights @ np.asarray(wholes, np.float64))

    return of


def ratio(one: Statistic, other: Statistic) -> Statistic:
    def of(weights: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return one(weights) / other(weights)

    return of


def moving(seen: Sequence[Seen], source: str, when: str) -> Statistic:
    """Mean change of the opening from frame to frame, `source` being read or truth, where both frames are `when`."""
    sums, counts = [], []
    for one in seen:
        flags = getattr(one, when)
        both = flags[1:] & flags[:-1]
        sums.append(np.abs(np.diff(getattr(one, source)["opening"]))[both].sum())
        counts.append(both.sum())
    return share(sums, counts)


@dataclass(frozen=True)
class Closures:
    """Counts in one video."""

    found: int
    true: int
    false: int
    """Open moments that look closed."""
    open: int


def count_closures(seen: Seen, threshold: float) -> Closures:
    """How many of the closures of p, b and m are seen.

    One is seen where the lowest reading of the three frames about it is at most `threshold`, and within four frames of
    it the mouth opens by 0.1 more: one that stays shut has none. Those count whose true opening rises by 0.2 there.
    An open moment is a frame that is open in truth, and so are both its neighbours, by 0.15 or more; it is false where
    its reading is at most `threshold`.
    """
    read, truth = seen.read["opening"], seen.truth["opening"]
    found = true = 0
    for frame in np.flatnonzero(seen.closed).tolist():
        if _around(truth, frame, _RISE_REACH).max() - truth[frame] < _TRUE_RISE:
            continue
        lowest = _around(read, frame, _CLOSURE_REACH).min()
        true += 1
        found += bool(lowest <= threshold and _around(read, frame, _RISE_REACH).max() >= lowest + _RISE)
    is_open = np.array([_around(truth, frame, _CLOSURE_REACH).min() >= OPEN for frame in range(len(truth))])
    return Closures(found, true, int((read[is_open] <= threshold).sum()), int(is_open.sum()))


def _around(values: np.ndarray, frame: int, reach: int) -> np.ndarray:
    return values[max(0, frame - reach) : frame + reach + 1]


def tell_right_from_wrong(seen: Sequence[Seen], quantities: Sequence[str]) -> Statistic:
    """The area under the curve: how often 3 seconds agree better with their own speech than with another.

    The score of a window of 48 frames is the mean r of the quantities. Wrong speech is the same one moved by 8 frames
    or more, as far as it goes, and that of every other case at the same place. 0.5 is chance.
    """
    right, wrong = zip(*(_score_windows(seen, number, quantities) for number in range(len(seen))), strict=True)
    wins = np.zeros((len(seen), len(seen)))
    for number, scores in enumerate(right):
        for other, others in enumerate(wrong):
            wins[number, other] = np.sum(np.sign(scores[:, None] - others) + 1) / 2
    rights, wrongs = (np.array([len(scores) for scores in kind], dtype=np.float64) for kind in (right, wrong))

    def of(weights: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.einsum("ri,ij,rj->r", weights, wins, weights) / ((weights @ rights) * (weights @ wrongs))

    return of


def _score_windows(seen: Sequence[Seen], number: int, quantities: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The scores of one case's windows with the right speech, and with wrong ones."""
    one = seen[number]
    frames = len(one.closed)
    right, wrong = [], []
    for begin in range(0, frames - _WINDOW + 1, _STRIDE):
        read = {name: one.read[name][begin : begin + _WINDOW] for name in quantities}

        def score(other: Seen, at: int, read: Mapping[str, np.ndarray] = read) -> list[float]:
            truth = {name: other.truth[name][at : at + _WINDOW] for name in quantities}
            if len(truth[quantities[0]]) < _WINDOW or truth["opening"].std() < _SMALLEST_SWING:
                return []
            return [float(np.mean([correlate(read[name], truth[name]) for name in quantities]))]

        right += score(one, begin)
        for at in range(begin % _SHIFT_STEP, frames - _WINDOW + 1, _SHIFT_STEP):
            wrong += score(one, at) if abs(at - begin) >= _NEAREST_SHIFT else []
        for other in (*seen[:number], *seen[number + 1 :]):
            wrong += score(other, begin)
    return np.array(right), np.array(wrong)


def show_of_acts(read: Mapping[str, np.ndarray]) -> dict[str, float]:
    """How strongly a video shows each act: nod, turn (positive to the right) and smile.

    A nod is the deviation of the pitch from its mean over about a second; the others are means over the second half.
    """
    pitch = np.pad(read["pitch"], 8, mode="reflect")
    level = np.convolve(pitch, np.full(17, 1 / 17), mode="valid")
    late = slice(len(level) // 2, None)
    return {
        "nod": float((read["pitch"] - level).std()),
        "turn": float(read["yaw"][late].mean()),
        "smile": float(read["smile"][late].mean()),
    }


def split_at(positives: np.ndarray, negatives: np.ndarray) -> float:
    """The threshold that tells the larger positives from the negatives best, both kinds counting the same."""
    values = np.unique(np.concatenate((positives, negatives)))
    edges = np.concatenate(([values[0] - 1], (values[1:] + values[:-1]) / 2, [values[-1] + 1]))
    scores = [(positives > edge).mean() + (negatives <= edge).mean() for edge in edges]
    best = np.flatnonzero(np.isclose(scores, max(scores)))
    return float((edges[best[0]] + edges[best[-1]]) / 2)


def jumps(change: np.ndarray, starts: Sequence[int]) -> dict[str, float]:
    """The change at the seams of a video over the median and over the 95th percentile of the changes elsewhere.

    `change` [V - 1] is from each frame to the next, `starts` are the first frames of the clips.
    """
    seams = [start - 1 for start in starts if start]
    within = np.delete(change, seams)
    at_seams = float(change[seams].mean())
    return {
        "median": at_seams / float(np.median(within)),
        "95th percentile": at_seams / float(np.quantile(within, 0.95)),
    }

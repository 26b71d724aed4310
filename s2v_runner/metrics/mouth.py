"""Whether the mouth goes with the speech: how open it looks against how loud it is.

Nothing here knows mouths. What is looked at is the middle of the mouth's place, from the nose to the chin: the further
its tones are from that of the skin around, dark for the hollow and light for teeth, the more open it looks.
"""

from collections.abc import Mapping

import cv2
import numpy as np

from s2v_runner.metrics.loudness import as_heard, find_voiced, follow_loudness
from s2v_runner.metrics.measures import Measure, known, unknown
from s2v_runner.metrics.views import Box, View

LAGS = range(-8, 9)
"""Frames by which the mouth may be off; half a second at 16 a second."""
_ROWS, _COLUMNS = 24, 32
_MIDDLE = slice(12, 20)
"""Columns of the mouth's place that are looked at."""
# The mouth's place in a face: its middle and its size, in widths of the face.
_MIDDLE_ACROSS, _MIDDLE_DOWN, _WIDTH, _HEIGHT = 0.5, 0.8, 0.5, 0.36
_TREND = 2.0
"""Seconds over which what changes slowly, such as a turning head, is taken out."""
_FEWEST_FRAMES = 32
_FEWEST_OF_A_KIND = 4
"""Voiced and silent frames that are needed to compare them."""
_FOLLOWS = 0.4
"""Correlation from which on a lag means something. Against somebody else's speech the best of LAGS reaches it in one
clip of twenty, and 0.25 in every other."""
_STILL = 1e-6

NO_FACE = unknown("no face is found; metrics.face=left,top,width,height says where it is")
SILENT = unknown("the speech is silent")


class MouthGauge:
    """Looks at the mouth in every frame; keeps a number of each."""

    def __init__(self, samples: np.ndarray, rate: int, fps: float, mouth: Box | None) -> None:
        self._sound = samples, rate
        self._fps = fps
        self._mouth = mouth
        self._openness: list[float] = []

    def take(self, view: View) -> None:
        box = self._mouth or (None if view.face is None else place_of_mouth(view.face, view.rgb.shape))
        self._openness.append(np.nan if box is None else look_at_mouth(view.luma, box))

    def read(self) -> Mapping[str, Measure]:
        return measure_mouth(np.array(self._openness), *self._sound, self._fps)


def place_of_mouth(face: Box, shape: tuple[int, ...]) -> Box:
    """Where the mouth is in a face in a picture of this shape."""
    across, down = face.width * _WIDTH, face.width * _HEIGHT * shape[1] / shape[0]
    middle_x = face.left + face.width * _MIDDLE_ACROSS
    middle_y = face.top + face.height * _MIDDLE_DOWN
    return Box(middle_x - across / 2, middle_y - down / 2, across, down)


def look_at_mouth(luma: np.ndarray, box: Box) -> float:
    """How open the mouth looks, in levels of luma.

    The mean distance of the tones along its middle, from top to bottom, to the median tone of the whole place.
    """
    rows, columns = luma.shape
    place = np.array(
        [
            [box.width * columns / _COLUMNS, 0, box.left * columns],
            [0, box.height * rows / _ROWS, box.top * rows],
        ]
    )
    patch = _cut(luma, place)
    tones = patch[:, _MIDDLE].mean(axis=1)
    return float(np.abs(tones - np.median(patch)).mean())


def _cut(luma: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The place as _ROWS x _COLUMNS, each the mean of what it covers; beyond the picture its border goes on."""
    # Sampled more finely first where it is large, so that nothing between is missed.
    finer = max(1, int(np.ceil(max(place[0, 0], place[1, 1]))))
    fine = place.copy()
    fine[:, :2] /= finer
    fine[:, 2] += (fine[0, 0] / 2 - 0.5, fine[1, 1] / 2 - 0.5)
    size = (_COLUMNS * finer, _ROWS * finer)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    patch = cv2.warpAffine(luma, fine, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return patch.astype(np.float64).reshape(_ROWS, finer, _COLUMNS, finer).mean(axis=(1, 3))


def measure_mouth(openness: np.ndarray, samples: np.ndarray, rate: int, fps: float) -> dict[str, Measure]:
    """The measures of a mouth that looked this open in each frame, NaN where there was no face."""
    names = ("mouth_r", "mouth_lag", "mouth_motion", "mouth_stillness")
    there = np.isfinite(openness)
    if not there.any():
        return dict.fromkeys(names, NO_FACE)
    power = follow_loudness(samples, rate, len(openness), fps)
    # What is not known at the beginning cannot be filled in; a mouth that stands still there would be made up.
    first = int(np.argmax(there))
    openness, power = _fill(openness[first:]), power[first:]
    if len(openness) < _FEWEST_FRAMES:
        asked = f"it has {len(openness)} frames{' with a face' if first else ''}, and {_FEWEST_FRAMES} are needed"
        return dict.fromkeys(names, unknown(asked))
    if not power.any():
        return dict.fromkeys(names, SILENT)
    window = 2 * round(_TREND * fps / 2) + 1
    seen, heard = detrend(openness, window), detrend(as_heard(power), window)
    by_lag = {lag: correlate_at(seen, heard, lag) for lag in LAGS}
    best = max(by_lag, key=lambda lag: by_lag[lag])
    astray = unknown(f"it follows the loudness at no lag: r is {by_lag[best]:.2f} at most")
    return {
        "mouth_r": known(by_lag[0]),
        "mouth_lag": known(float(best)) if by_lag[best] >= _FOLLOWS else astray,
        **_measure_motion(openness, power),
    }


def detrend(values: np.ndarray, window: int) -> np.ndarray:
    """The values without their mean over a window about each, the ends going on beyond."""
    padded = np.pad(values, window // 2, mode="edge")
    return values - np.convolve(padded, np.full(window, 1 / window), mode="valid")


def correlate_at(seen: np.ndarray, heard: np.ndarray, lag: int) -> float:
    """Pearson's r where what is seen comes `lag` frames after what is heard; 0 where one of the two does not move."""
    one = seen[max(0, lag) : len(seen) + min(0, lag)]
    other = heard[max(0, -lag) : len(heard) + min(0, -lag)]
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / size if size > _STILL else 0.0


def _fill(openness: np.ndarray) -> np.ndarray:
    """With the nearest in time where there was no face."""
    places = np.arange(len(openness))
    there = np.isfinite(openness)
    return np.interp(places, places[there], openness[there])


def _measure_motion(openness: np.ndarray, power: np.ndarray) -> dict[str, Measure]:
    """How much a mouth changes while somebody speaks, and in silence as a share of that."""
    voiced, silent = find_voiced(power)
    change = np.abs(np.diff(openness))
    while_voiced, while_silent = change[voiced[1:] & voiced[:-1]], change[silent[1:] & silent[:-1]]
    if len(while_voiced) < _FEWEST_OF_A_KIND:
        return dict.fromkeys(("mouth_motion", "mouth_stillness"), unknown("hardly anything is said"))
    motion = float(while_voiced.mean())
    if len(while_silent) < _FEWEST_OF_A_KIND:
        stillness = unknown("there is no silence in the speech")
    elif motion < _STILL:
        stillness = unknown("the mouth does not move at all")
    else:
        stillness = known(float(while_silent.mean()) / motion)
    return {"mouth_motion": known(motion), "mouth_stillness": stillness}

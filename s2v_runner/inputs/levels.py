"""How loud a recording is, how it is made louder or softer, and how it is faded."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

SOFTEST = -70.0
"""LUFS: what is softer counts as silence (the absolute gate of ITU-R BS.1770)."""
HIGHEST_PEAK = -1.0
"""dBFS that no sample is lifted beyond: what encodes the sound later needs some room."""

# One for every number of channels, in the order that WAV and FLAC files have them; it tells which weigh more.
_LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")


@dataclass(frozen=True)
class Levels:
    """How loud a piece of sound is."""

    loudness: float
    """Integrated, in LUFS; not above `SOFTEST` where there is nothing to measure."""
    peak: float
    """Of the largest sample, in dBFS; −inf in silence."""

    @property
    def is_silent(self) -> bool:
        """Whether it is too soft, or too short, to be measured."""
        return not self.loudness > SOFTEST

    def gain_to(self, wanted: float) -> float:
        """Decibels that bring it to a loudness, or as near as the peak lets it come."""
        gain = wanted - self.loudness
        return min(gain, max(0.0, HIGHEST_PEAK - self.peak))


def measure_levels(blocks: Iterable[np.ndarray], rate: int, channels: int) -> Levels:
    """Integrated loudness by ITU-R BS.1770-4, with FFmpeg's `ebur128`, and the peak, of float32 [samples, channels].

    What is held does not grow with the length. Mono counts as one channel, 3 LU softer than the same on two.
    """
    meter = _LoudnessMeter(rate, channels)
    peak = 0.0
    for block in blocks:
        peak = max(peak, float(np.abs(block).max()))
        meter.take(block)
    return Levels(meter.read(), 20 * math.log10(peak) if peak else -math.inf)


class _LoudnessMeter:
    def __init__(self, rate: int, channels: int) -> None:
        from av.filter import Graph

        self._rate, self._layout = rate, _LAYOUTS[channels - 1]
        self._graph = Graph()
        source = self._graph.add_abuffer(
            sample_rate=rate, format="flt", layout=self._layout, time_base=Fraction(1, rate)
        )
        gauge = self._graph.add("ebur128", "metadata=1:framelog=quiet")
        sink = self._graph.add("abuffersink")
        source.link_to(gauge)
        gauge.link_to(sink)
        self._graph.configure()
        self._position = 0
        self._loudness = SOFTEST

    def take(self, block: np.ndarray) -> None:
        from av.audio.frame import AudioFrame

        # Interleaved: PyAV takes eight planes for nine.
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block).reshape(1, -1), format="flt", layout=self._layout)
        frame.sample_rate = self._rate
        frame.pts, frame.time_base = self._position, Fraction(1, self._rate)
        self._position += len(block)
        self._graph.push(frame)
        self._pull()

    def read(self) -> float:
        self._graph.push(None)
        self._pull()
        return self._loudness

    def _pull(self) -> None:
        from av.error import BlockingIOError as Drained
        from av.error import EOFError as Ended

        while True:
            try:
                frame = self._graph.pull()
            except (Drained, Ended):
                return
            # The last frame has none where it is shorter than the tenth of a second that the filter goes on by.
            told = float(frame.metadata.get("lavfi.r128.I", "nan"))
            self._loudness = told if math.isfinite(told) else self._loudness


def scaled(blocks: Iterable[np.ndarray], decibels: float) -> Iterator[np.ndarray]:
    """The same, louder or softer by a gain; untouched by one of 0."""
    factor = np.float32(10 ** (decibels / 20))
    return (block * factor for block in blocks) if decibels else iter(blocks)


@dataclass(frozen=True)
class Fade:
    """How a piece of sound begins and ends, in samples that swell and fade along half a cosine."""

    swelling: int
    fading: int

    def over(self, blocks: Iterable[np.ndarray], frames: int) -> Iterator[np.ndarray]:
        """Blocks [samples, channels] that are `frames` long together, faded."""
        position = 0
        for block in blocks:
            places = np.arange(position, position + len(block))
            position += len(block)
            weights = _rising(places, self.swelling) * _rising(frames - 1 - places, self.fading)
            yield block if (weights == 1).all() else block * weights[:, None].astype(np.float32)


def _rising(places: np.ndarray, count: int) -> np.ndarray:
    """From 0 to 1 in the first `count` places."""
    if not count:
        return np.ones(len(places))
    return 0.5 - 0.5 * np.cos(np.pi * np.clip((places + 0.5) / count, 0, 1))

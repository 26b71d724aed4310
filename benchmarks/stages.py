"""Seconds and peak memory of the stages of a generation."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from benchmarks.machine import peak_gib, reset_peak, synchronise
from s2v_runner.timing import Stopwatch

_OF_A_CLIP = ("encode motion", "denoise", "decode")


@dataclass(frozen=True)
class Stage:
    name: str
    clip: int | None
    """Counted from one; None for what is done once."""


class StageMeter:
    """Charges seconds and device memory to the stages; a stage inside another counts for itself alone."""

    def __init__(self, device: torch.device) -> None:
        self.clip = 1
        """Whose stages come now."""
        self.peaks_gib: dict[Stage, float] = {}
        self._device = device
        self._watch = Stopwatch()
        self._watch.settle = lambda: synchronise(device)
        self._open: list[Stage] = []
        self._outside_gib = 0.0
        reset_peak(device)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        stage = Stage(name, self.clip if name in _OF_A_CLIP else None)
        self._charge_memory()
        self._open.append(stage)
        try:
            with self._watch.stage(_key(stage)):
                yield
        finally:
            self._charge_memory()
            self._open.pop()

    def lap(self) -> float:
        """Seconds since the last lap, or since the latest stage began, the device's work included."""
        synchronise(self._device)
        return self._watch.lap()

    @property
    def seconds(self) -> dict[Stage, float]:
        seconds = self._watch.seconds
        return {stage: seconds[_key(stage)] for stage in self.peaks_gib}

    @property
    def peak_gib(self) -> float:
        """Over all, the time between stages included."""
        self._charge_memory()
        return max(self._outside_gib, *self.peaks_gib.values())

    def _charge_memory(self) -> None:
        peak = peak_gib(self._device)
        if self._open:
            self.peaks_gib[self._open[-1]] = max(peak, self.peaks_gib.get(self._open[-1], 0.0))
        else:
            self._outside_gib = max(peak, self._outside_gib)
        reset_peak(self._device)


def _key(stage: Stage) -> str:
    return f"{stage.name}, clip {stage.clip}"

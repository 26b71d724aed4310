"""How long a training lasts, how its learning rate goes, and what it writes down.

A training is given a span of wall-clock time, so that a recipe of several parts fits the time one has on a GPU; a
bound on the steps serves where a few are enough.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch


@dataclass(frozen=True)
class Span:
    """A training ends with whichever of the two comes first."""

    seconds: float
    steps: int


@dataclass(frozen=True)
class Beat:
    """One step of a training."""

    step: int
    elapsed: float
    """Seconds since the training began."""
    share: float
    """Of the training that is over, 0 … 1."""


def beats(span: Span) -> Iterator[Beat]:
    """The steps of a training, until its span is over."""
    began = time.perf_counter()
    for step in range(span.steps):
        elapsed = time.perf_counter() - began
        if elapsed >= span.seconds:
            return
        yield Beat(step, elapsed, max(elapsed / span.seconds, step / span.steps))


def learning_rate(peak: float, beat: Beat, warm_up_steps: int) -> float:
    """Up in a straight line for so many steps, level to the half, then down in a straight line to a hundredth."""
    rise = min(1.0, (beat.step + 1) / warm_up_steps)
    fall = min(1.0, 1.0 - 0.99 * (beat.share - 0.5) / 0.5)
    return peak * min(rise, fall)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


class LossLog:
    """One line of JSON for every so many steps: the step, the seconds, and the losses as they are then."""

    def __init__(self, path: Path, every: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._every = every

    def write(self, beat: Beat, **losses: torch.Tensor) -> None:
        """Losses are read from the device only for the lines that are written."""
        if beat.step % self._every:
            return
        line = {"step": beat.step, "seconds": round(beat.elapsed, 2)}
        line |= {name: round(loss.item(), 6) for name, loss in losses.items()}
        with self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(f"{self._path.stem}: " + ", ".join(f"{name} {value}" for name, value in line.items()), flush=True)


class Average:
    """An exponential moving average of a module's parameters, which is what is kept of a training.

    Young averages forget faster, so that the random start is soon forgotten.
    """

    def __init__(self, module: torch.nn.Module, decay: float) -> None:
        self._parameters = list(module.parameters())
        self._average = [parameter.detach().clone() for parameter in self._parameters]
        self._decay = decay
        self._updates = 0

    @torch.no_grad()
    def update(self) -> None:
        self._updates += 1
        decay = min(self._decay, self._updates / (self._updates + 10))
        # One kernel for all of them; PyTorch has no public name for it.
        torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
            self._average, [parameter.detach() for parameter in self._parameters], 1 - decay
        )

    @property
    def values(self) -> list[torch.Tensor]:
        """The averages, in the order of the parameters."""
        return self._average

    @torch.no_grad()
    def take_up(self, values: list[torch.Tensor], updates: int) -> None:
        """Go on from these averages, after so many updates."""
        for average, value in zip(self._average, values, strict=True):
            average.copy_(value)
        self._updates = updates

    @torch.no_grad()
    def apply(self) -> None:
        """Put the averages where the parameters are."""
        for parameter, average in zip(self._parameters, self._average, strict=True):
            parameter.copy_(average)

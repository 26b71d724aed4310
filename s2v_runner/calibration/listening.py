"""Clips that are made to learn from them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from s2v_runner.calibration.trajectory import Recorder, Trajectory
from s2v_runner.conditioning.cache import NO_CACHE
from s2v_runner.derivation.settle import Workbench, settle_inputs
from s2v_runner.engine import Engine
from s2v_runner.generation import Watch, generate
from s2v_runner.prepare import PreparedRun, derived_store
from s2v_runner.records import EVERY_PASS, Economy
from s2v_runner.sampling.clips import ClipEnd

OnStep = Callable[[int, int, int], None]
"""Told the clip, its steps done, and how many there are."""


@dataclass(frozen=True)
class Heard:
    """A run by exact sampling."""

    trajectories: Sequence[Trajectory]
    """Of its clips."""
    latents: Sequence[torch.Tensor]
    """That they ended in, on the CPU."""


@contextmanager
def settled(run: PreparedRun) -> Iterator[PreparedRun]:
    """The run with what is made of its inputs, which is there until the end. Raises as `settle_inputs` does."""
    with TemporaryDirectory() as folder:
        bench = Workbench(
            store=derived_store(run.config), folder=Path(folder), before={}, stage=lambda _: nullcontext()
        )
        yield settle_inputs(run, bench).run


def listen(run: PreparedRun, engine: Engine, on_step: OnStep) -> Heard:
    """Make a settled run's clips exactly, and keep what its calibration needs. Raises as `generate` does."""
    recorder = Recorder(run.request.guide_scale)

    def both(clip: int, done: int, steps: int) -> None:
        recorder.step(clip, done, steps)
        on_step(clip, done, steps)

    with recorder.listening(engine.transformer):
        latents = make_latents(run, EVERY_PASS, engine, both)
    return Heard(recorder.trajectories, latents)


def make_latents(run: PreparedRun, economy: Economy, engine: Engine, on_step: OnStep) -> list[torch.Tensor]:
    """The latents that a settled run's clips end in, by another economy. Raises as `generate` does."""
    request = replace(run.request, economy=economy)
    watch = Watch(lambda _: nullcontext(), on_step)
    parts = generate(request, engine, watch, None, NO_CACHE)
    return [part.latents_BCFHW.to("cpu", torch.float32) for part in parts if isinstance(part, ClipEnd)]


def relative_error(latents: torch.Tensor, exact: torch.Tensor) -> float:
    """The distance to the exact ones as a share of their length."""
    return float((latents - exact).norm() / exact.norm())

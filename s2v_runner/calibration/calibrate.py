"""Runs made exactly → the steps to take with their checkpoint."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from s2v_runner.calibration.choice import Choice, choose_best
from s2v_runner.calibration.file import FORMAT, Calibration
from s2v_runner.calibration.listening import Heard, listen, make_latents, relative_error, settled
from s2v_runner.calibration.report import make_report, report_lines
from s2v_runner.checkpoint.shards import UNSHARDED
from s2v_runner.describe import placement_request
from s2v_runner.engine import Engine
from s2v_runner.passes import exact_passes, noise_levels
from s2v_runner.placement.choice import choose_placement
from s2v_runner.placement.devices import choose_device, look_at
from s2v_runner.prepare import PreparedRun
from s2v_runner.production import Engines
from s2v_runner.records import EVERY_PASS, Economy

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wish:
    """What a choice is to come to."""

    share: float
    """Of the steps, how many are taken where the error allows it."""
    error: float
    """The largest estimated error, as a share of the end latents."""


def calibrate_runs(runs: Sequence[PreparedRun], wish: Wish, say: Say) -> Calibration:
    """Make the runs, which have checkpoint and schedule in common, and choose. Raises as `generate` does."""
    first = runs[0]
    bench = _Bench(Engines(UNSHARDED), say)
    heard = [bench.listen(run, f"run {number} of {len(runs)}") for number, run in enumerate(runs, 1)]
    sigmas = np.append(noise_levels(first.request.solver, first.request.steps, first.plan.shift), 0.0)
    trajectories = [each for one in heard for each in one.trajectories]
    lengths = [float(latents.norm()) for one in heard for latents in one.latents]
    scales = [run.request.guide_scale for run, one in zip(runs, heard, strict=True) for _ in one.trajectories]
    choices = choose_best(sigmas, [each.velocities for each in trajectories], lengths, first.request.steps)
    chosen = _choose(choices, wish)
    levels = tuple(float(sigmas[step]) for step in (*chosen.steps, len(sigmas) - 1))
    share = len(chosen.steps) / first.request.steps
    report = make_report(sigmas, trajectories, lengths, scales, choices, chosen)
    for line in report_lines(report):
        say(line)
    economy = replace(EVERY_PASS, step_share=share, levels=levels)
    # Guidance amplifies what is left out.
    hardest = max(range(len(runs)), key=lambda number: runs[number].request.guide_scale)
    measured = bench.measure(runs[hardest], economy, heard[hardest])
    say(
        f"{len(chosen.steps)} of {first.request.steps} steps: an error of {chosen.error:.3f} by estimate, "
        f"{measured:.3f} measured in the first clip with guidance {max(scales):g}"
    )
    return Calibration(
        format=FORMAT,
        checkpoint=first.checkpoint_digest,
        solver=first.request.solver,
        steps=first.request.steps,
        guide_scales=tuple(sorted(set(scales))),
        levels=levels,
        step_share=share,
        report={**report, "measured": round(measured, 5)},
    )


def _choose(choices: Mapping[int, Choice], wish: Wish) -> Choice:
    """The wished share of the steps; more where its error would be above the bound."""
    steps = max(choices)
    fewest = max(1, round(steps * wish.share))
    enough = (count for count in range(fewest, steps) if choices[count].error <= wish.error)
    return choices[next(enough, steps)]


@dataclass(frozen=True)
class _Bench:
    """Makes runs with one loaded model."""

    engines: Engines
    say: Say

    def listen(self, run: PreparedRun, name: str) -> Heard:
        plan, request = run.plan, run.request
        passes = exact_passes(request.steps, request.guide_scale) * plan.num_clips
        self.say(f"{name}: seed {request.base_seed}, guidance {request.guide_scale:g}, {passes} passes")
        with settled(run) as ready:
            return listen(ready, self._engine_for(run), lambda *_: None)

    def measure(self, run: PreparedRun, economy: Economy, heard: Heard) -> float:
        """How far the first clip comes out from the exact one."""
        with settled(replace(run, request=replace(run.request, num_clip=1))) as ready:
            (latents,) = make_latents(ready, economy, self._engine_for(run), lambda *_: None)
        return relative_error(latents, heard.latents[0])

    def _engine_for(self, run: PreparedRun) -> Engine:
        hardware = look_at(choose_device(run.config.memory.device))
        placement = choose_placement(placement_request(run), hardware, run.estimate_cost)
        return self.engines.engine_for(run, placement)

"""What speed=fast loses on the demo model beside plainly fewer steps: against exact latents, and against the truth.

    python -m benchmarks.fast --cases 6 --out benchmarks/results/fast-demo.json

Each case, of people, voices and sentences that no training and no calibration has met, is made in every way with the
same noise. Cases that the report has already are passed over, so that the same command goes on where it was stopped.
"""

import argparse
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import describe_machine
from demo.evaluation.cases import GROUPS, POOLS, Case, draw_cases
from demo.evaluation.likeness import compare_looks
from demo.evaluation.making import Maker, default_request, default_settings, load_engine
from demo.evaluation.measures import LAGS, correlate, lagged
from demo.reading import READER_FILE, Reader, load_reader, read_faces, true_readings
from s2v_runner.calibration.file import read_calibration
from s2v_runner.calibration.listening import relative_error
from s2v_runner.config.places import asset
from s2v_runner.engine import Engine
from s2v_runner.passes import count_passes, plan_passes
from s2v_runner.records import EVERY_PASS, Economy
from s2v_runner.tracking.record import write_atomically

MOUTH = ("opening", "width", "rounding")
MEASURES = (*(f"r_{name}" for name in MOUTH), "ssim", "face_error")
EXACT = "exact"
_COMPARED = ("latent_error", *MEASURES)
_GROUP, _POOL = "acted", "held-out"
_RESAMPLINGS = 10_000
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class Way:
    """A way to make a video."""

    steps: int
    economy: Economy


@dataclass(frozen=True)
class Setting:
    """What exact sampling is, and what is held against it."""

    steps: int
    guide_scale: float
    shares: tuple[float, ...]
    """Of its steps, for plainly fewer and for calibrated ones."""
    with_guidance_saved: bool

    def ways(self, levels: tuple[float, ...]) -> dict[str, Way]:
        """By name; `exact` comes first."""
        found = {EXACT: Way(self.steps, EVERY_PASS)}
        for share in self.shares:
            count = round(self.steps * share)
            chosen = replace(EVERY_PASS, step_share=share, levels=levels)
            found[f"{count} steps"] = Way(count, EVERY_PASS)
            found[f"{count} of {self.steps}, calibrated"] = Way(self.steps, chosen)
        if self.with_guidance_saved:
            chosen = replace(EVERY_PASS, step_share=self.shares[0], levels=levels)
            name = f"{round(self.steps * self.shares[0])} of {self.steps}, calibrated"
            found[f"{name}, guidance every 2"] = Way(self.steps, replace(chosen, guidance_every=2))
            found[f"{name}, guidance above 0.7"] = Way(self.steps, replace(chosen, guidance_from=0.7))
        return found


SETTINGS = (
    Setting(steps=40, guide_scale=4.5, shares=(0.4, 0.25, 0.15), with_guidance_saved=True),
    Setting(steps=20, guide_scale=2.0, shares=(0.4, 0.25), with_guidance_saved=False),
)
"""The released model's defaults, and the demo model's own."""


@dataclass(frozen=True)
class _Workshop:
    """What a process has loaded."""

    engine: Engine
    reader: Reader


@cache
def _workshop() -> _Workshop:
    torch.set_num_threads(1)
    return _Workshop(load_engine(Path(asset("demo_model")), _CPU), load_reader(READER_FILE))


def make_case(case: Case, setting: Setting, levels: tuple[float, ...]) -> list[dict[str, Any]]:
    """A case in every way of a setting, a row each."""
    workshop, rows, exact = _workshop(), [], None
    for name, way in setting.ways(levels).items():
        request = replace(default_request(), economy=way.economy)
        settings = replace(default_settings(request), steps=way.steps, guide_scale=setting.guide_scale)
        began = time.perf_counter()
        made = Maker(workshop.engine, request).make(case, settings)
        seconds = time.perf_counter() - began
        (latents,) = made.latents
        exact = latents if exact is None else exact
        asked = replace(request, steps=way.steps, guide_scale=setting.guide_scale)
        rows.append(
            {
                "case": case.name,
                "steps": setting.steps,
                "guide_scale": setting.guide_scale,
                "way": name,
                "passes": count_passes(plan_passes(asked, settings.shift)),
                "seconds": round(seconds, 2),
                "latent_error": relative_error(latents, exact),
                **_judge(made.video_BCVHW, case, workshop.reader),
            }
        )
    return rows


def _judge(video_BCVHW: torch.Tensor, case: Case, reader: Reader) -> dict[str, float]:
    """How the video compares with the drawn truth."""
    readings = read_faces(reader, video_BCVHW)
    truth = true_readings(case.identities, case.performance)
    read, true = ({name: getattr(source, name)[0].double().numpy() for name in MOUTH} for source in (readings, truth))
    by_lag = [correlate(*lagged(read["opening"], true["opening"], lag)) for lag in LAGS]
    looks = compare_looks(video_BCVHW, case.identities, case.portrait, readings)
    return {
        **{f"r_{name}": correlate(read[name], true[name]) for name in MOUTH},
        "lag": LAGS[int(np.argmax(by_lag))],
        "ssim": float(looks.ssim.mean()),
        "face_error": float(looks.face_error.mean()),
    }


def summarise(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each way of each setting: the mean over its cases, and the mean difference to exact of the same cases."""
    found = []
    for setting in SETTINGS:
        own = [row for row in rows if (row["steps"], row["guide_scale"]) == (setting.steps, setting.guide_scale)]
        exact = {row["case"]: row for row in own if row["way"] == EXACT}
        for name in dict.fromkeys(row["way"] for row in own):
            these = [row for row in own if row["way"] == name]
            line = {key: these[0][key] for key in ("steps", "guide_scale", "way", "passes")}
            line["cases"] = len(these)
            for key in _COMPARED:
                line[key] = round(float(np.mean([row[key] for row in these])), 4)
            line["late_by_more_than_a_frame"] = sum(abs(row["lag"]) > 1 for row in these)
            if name != EXACT:
                line["less_exact"] = {
                    key: _paired([row[key] - exact[row["case"]][key] for row in these]) for key in MEASURES
                }
            found.append(line)
    return found


def compare_pairs(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Calibrated less plainly fewer steps of as many passes, case by case."""
    found = []
    by_key = {(row["steps"], row["way"], row["case"]): row for row in rows}
    for setting in SETTINGS:
        for share in setting.shares:
            count, steps = round(setting.steps * share), setting.steps
            ours, plain = (
                {case: row for (of, way, case), row in by_key.items() if (of, way) == (steps, name)}
                for name in (f"{count} of {steps}, calibrated", f"{count} steps")
            )
            pairs = [(row, plain[case]) for case, row in ours.items() if case in plain]
            if pairs:
                line = {"steps": steps, "guide_scale": setting.guide_scale, "taken": count}
                line["passes"] = pairs[0][0]["passes"]
                line |= {key: _paired([one[key] - other[key] for one, other in pairs]) for key in _COMPARED}
                found.append(line)
    return found


def _paired(differences: Sequence[float]) -> dict[str, float]:
    """The mean difference, and the interval that holds it in 95 of 100 draws of the cases."""
    rng = np.random.default_rng(0)
    values = np.array(differences)
    means = rng.choice(values, (_RESAMPLINGS, len(values))).mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return {"mean": round(float(values.mean()), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def main() -> None:
    options = _parse()
    rows: list[dict[str, Any]] = _read_rows(options.out)
    there = {(row["case"], row["steps"]) for row in rows}
    levels = read_calibration(Path(asset("demo_model/calibration.json"))).levels
    cases = draw_cases(POOLS[_POOL], GROUPS[_GROUP], options.cases, options.seed)
    wanted = [(case, each) for case in cases for each in SETTINGS if (case.name, each.steps) not in there]
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
        made = as_completed([pool.submit(make_case, case, setting, levels) for case, setting in wanted])
        for number, future in enumerate(made, 1):
            rows += future.result()
            _write(options.out, rows)
            print(f"{number} of {len(wanted)}: {rows[-1]['case']}, {rows[-1]['steps']} steps", flush=True)
    _write(options.out, rows)


def _read_rows(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["rows"] if path.is_file() else []


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    rows = sorted(rows, key=lambda row: (-row["steps"], row["case"]))
    report = {
        **describe_machine(_CPU),
        "cases": _POOL,
        "ways": summarise(rows),
        "calibrated_less_plain": compare_pairs(rows),
        "rows": rows,
    }
    write_atomically(path, json.dumps(report, indent=1) + "\n")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=6, help="videos in each way (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="the number of the first case (%(default)s)")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True, help="the report, which is gone on with where it is there")
    return parser.parse_args()


if __name__ == "__main__":
    main()

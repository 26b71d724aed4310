"""Measure how well a checkpoint makes drawn heads speak.

    python -m demo.evaluate s2v_runner/assets/demo_model --out outputs/evaluation

People, voices and sentences are such as no training has seen, unless `--set validation` asks for those that settings
may be chosen on. Every video is made by the pipeline itself and read before it is encoded. What was read is kept line
by line, so that the same command goes on where it was stopped. Then `results.json`, `card.md` and `plots/` are written.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from demo.evaluation.calibration import Thresholds, draw_calibration_cases, find_thresholds
from demo.evaluation.cases import GROUPS, POOLS, Case, draw_cases
from demo.evaluation.ledger import Ledger, Row
from demo.evaluation.likeness import Likeness, compare_looks
from demo.evaluation.making import (
    DRAWN,
    SIDE,
    STRANGER,
    Maker,
    Settings,
    count_clips,
    default_request,
    default_settings,
    load_engine,
)
from demo.evaluation.report import gather, write_card, write_report
from demo.evaluation.studies import STUDIES, Arm
from demo.reading import QUANTITIES, READER_FILE, Reader, Readings, load_reader, read_faces
from demo.world.head import render
from s2v_runner.digests import digest_checkpoint, digest_file
from s2v_runner.errors import GenerationError, InputError, OutputError
from s2v_runner.placement.choice import check_device
from s2v_runner.placement.devices import choose_device
from s2v_runner.tracking.record import write_atomically

_SETS = ("held-out", "validation")
_THRESHOLDS = "thresholds.json"
_DIGITS = 4
_OTHER_WORK = 20.0
"""What making, reading and comparing a clip costs beside the transformer, in passes of it."""


def main() -> None:
    arguments = _parse()
    try:
        evaluate(arguments)
    except (InputError, OutputError, GenerationError) as error:
        sys.exit(str(error))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="the folder of the weights")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write to")
    parser.add_argument("--cases", type=int, default=40, help="videos in a study; some have a part of it (%(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1 (%(default)s)")
    parser.add_argument("--studies", default=",".join(STUDIES), help="some of %(default)s")
    parser.add_argument("--set", choices=_SETS, default=_SETS[0], help="whom to measure on (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="the number of the first case (%(default)s)")
    parser.add_argument("--minutes", type=float, default=None, help="stop making videos after so long, and report")
    parser.add_argument("--reader", type=Path, default=READER_FILE, help="the weights of the reader (%(default)s)")
    return parser.parse_args()


def evaluate(arguments: argparse.Namespace) -> None:
    """Make what is missing, and report on what is there. Raises InputError, OutputError and GenerationError."""
    began = time.perf_counter()
    check_device(arguments.device)
    device = torch.device(choose_device(arguments.device))
    reader = _open_reader(arguments.reader, device)
    engine = load_engine(arguments.checkpoint, device)
    request = default_request()
    default = default_settings(request)
    plan = _plan(arguments.studies, default, arguments.cases)
    about = {
        "checkpoint": digest_checkpoint(engine.settings.folder),
        "reader": digest_file(arguments.reader),
        "set": arguments.set,
        "seed": arguments.seed,
        "dtype": str(engine.settings.dtype).removeprefix("torch."),
        "device": device.type,
    }
    ledger = Ledger(arguments.out, about)
    cases = _draw_cases(plan, arguments.set, arguments.seed)
    thresholds = _calibrate(arguments.out / _THRESHOLDS, reader, device)
    maker = Maker(engine, request)
    deadline = None if arguments.minutes is None else began + 60 * arguments.minutes
    _make_missing(list(_missing(plan, cases, ledger)), maker, reader, ledger, deadline)
    results = gather(about, default, thresholds, plan, cases, ledger)
    write_report(arguments.out, results)
    print("\n".join(write_card(results)))
    print(f"{arguments.out}: results.json, card.md, plots/")


def _open_reader(path: Path, device: torch.device) -> Reader:
    if not path.is_file():
        raise InputError(f"reader '{path}'", "there is no such file", "Train one, or give its path with --reader")
    return load_reader(path).to(device)


def _plan(studies: str, default: Settings, cases: int) -> dict[str, list[Arm]]:
    if cases < 1:
        raise InputError(f"--cases {cases}", "there is nothing to measure without a case", "Give 1 or more")
    names = studies.split(",")
    unknown = [name for name in names if name not in STUDIES]
    if unknown:
        raise InputError(f"--studies {studies}", f"there is no study '{unknown[0]}'", f"Choose of {', '.join(STUDIES)}")
    return {name: STUDIES[name](default, cases) for name in names}


def _draw_cases(plan: Mapping[str, Sequence[Arm]], pool: str, seed: int) -> dict[str, list[Case]]:
    counts: dict[str, int] = {}
    for arm in (arm for arms in plan.values() for arm in arms):
        counts[arm.group] = max(counts.get(arm.group, 0), arm.cases)
    print(f"{pool} cases: " + ", ".join(f"{count} {group}" for group, count in counts.items()), flush=True)
    return {group: draw_cases(POOLS[pool], GROUPS[group], count, seed) for group, count in counts.items()}


def _calibrate(path: Path, reader: Reader, device: torch.device) -> Thresholds:
    """The thresholds for this reader, which the folder keeps."""
    if path.exists():
        thresholds = Thresholds(**json.loads(path.read_text(encoding="utf-8")))
    else:
        cases = draw_calibration_cases()
        readings = []
        for case in cases:
            video = render(case.identities.to(device), case.performance.to(device), SIDE)
            readings.append(_as_arrays(read_faces(reader, video)))
        thresholds = find_thresholds(cases, readings)
        write_atomically(path, json.dumps(asdict(thresholds), indent=1))
    print("thresholds: " + ", ".join(f"{name} {value:.2f}" for name, value in asdict(thresholds).items()), flush=True)
    return thresholds


def _missing(
    plan: Mapping[str, Sequence[Arm]], cases: Mapping[str, Sequence[Case]], ledger: Ledger
) -> Iterator[tuple[str, Case, Settings]]:
    """What is still to be made, each once, though several studies may want it."""
    wanted: set[tuple[str, Settings]] = set()
    for study, arms in plan.items():
        for arm in arms:
            for case in cases[arm.group][: arm.cases]:
                key = case.name, arm.settings
                if key not in wanted and ledger.find(*key) is None:
                    wanted.add(key)
                    yield f"{study}, {arm.label}", case, arm.settings


def _make_missing(
    wanted: Sequence[tuple[str, Case, Settings]], maker: Maker, reader: Reader, ledger: Ledger, deadline: float | None
) -> None:
    efforts = [_effort(case, settings) for _, case, settings in wanted]
    began = time.perf_counter()
    for number, (label, case, settings) in enumerate(wanted):
        started = time.perf_counter()
        if deadline is not None and started > deadline:
            print(f"time is up: {len(wanted) - number} videos are left for the next time", flush=True)
            return
        ledger.add(_make_row(case, settings, maker, reader))
        now = time.perf_counter()
        left = (now - began) * sum(efforts[number + 1 :]) / sum(efforts[: number + 1])
        count = f"{number + 1} of {len(wanted)}"
        print(f"{count}: {label}, {case.name}, {now - started:.1f} s; about {left / 60:.0f} min left", flush=True)


def _effort(case: Case, settings: Settings) -> float:
    """What a row costs, in passes of the transformer over one clip."""
    other = 1.0 if settings.source in (DRAWN, STRANGER) else _OTHER_WORK
    return count_clips(case.frames, settings) * (settings.passes + other)


def _make_row(case: Case, settings: Settings, maker: Maker, reader: Reader) -> Row:
    started = time.perf_counter()
    made = maker.make(case, settings)
    seconds = time.perf_counter() - started
    readings = read_faces(reader, made.video_BCVHW)
    device = made.video_BCVHW.device
    looks = compare_looks(made.video_BCVHW, case.identities.to(device), case.portrait.to(device), readings)
    return Row(
        case=case.name,
        settings=settings,
        starts=made.starts,
        seconds=round(seconds, 2),
        readings={name: _as_list(getattr(readings, name)[0]) for name in QUANTITIES},
        likeness={field.name: _as_list(getattr(looks, field.name)) for field in fields(Likeness)},
    )


def _as_arrays(readings: Readings) -> dict[str, np.ndarray]:
    return {name: getattr(readings, name)[0].double().cpu().numpy() for name in QUANTITIES}


def _as_list(values: torch.Tensor) -> list[Any]:
    return [round(value, _DIGITS) for value in values.tolist()]


if __name__ == "__main__":
    main()

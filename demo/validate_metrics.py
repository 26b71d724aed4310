"""Measure what the metrics find: defects of growing size, put into videos of drawn heads that have none.

    python -m demo.validate_metrics --material outputs/material --out outputs/validation

Videos that the material folder lacks are made first by the demo model, which takes minutes on a GPU and hours without;
--measure-only leaves that out and measures the cases that are there. A table is printed, and metrics-validation.json
and metrics-validation.png are written.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from demo.evaluation.cases import Case
from demo.validation.defects import DEFECTS, Defect
from demo.validation.findings import Finding, as_record, find, write_table
from demo.validation.material import (
    DRAWS,
    PLAIN,
    POOL,
    TWO_CLIPS,
    Specimen,
    draw_material,
    make_material,
    read_material,
)
from demo.validation.measuring import measure_all
from demo.validation.plots import plot_findings
from s2v_runner.errors import GenerationError, InputError, OutputError
from s2v_runner.tracking.record import write_atomically

_CHECKPOINT = Path("s2v_runner/assets/demo_model")
_NAME = "metrics-validation"
_FEWEST_CASES = 2
"""A limit is set by other cases than the one it is for."""


def main() -> None:
    arguments = _parse()
    try:
        validate(arguments)
    except (InputError, OutputError, GenerationError) as error:
        sys.exit(str(error))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--material", type=Path, required=True, help="the folder of the videos without defects")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write to")
    parser.add_argument("--cases", type=int, default=16, help="cases of one clip (%(default)s)")
    parser.add_argument("--long-cases", type=int, default=6, help="cases of two clips (%(default)s)")
    parser.add_argument("--defects", default=None, help="names of some, with commas between; all if left out")
    parser.add_argument("--measure-only", action="store_true", help="make no videos; measure those that are there")
    parser.add_argument("--checkpoint", type=Path, default=_CHECKPOINT, help="what makes videos (%(default)s)")
    parser.add_argument(
        "--device", default="auto", help="what to make them on: auto, cpu, cuda or cuda:1 (%(default)s)"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes that measure (%(default)s)")
    return parser.parse_args()


def validate(arguments: argparse.Namespace) -> None:
    """Make what is missing, measure, and report. Raises InputError, OutputError and GenerationError."""
    defects = _choose(arguments.defects)
    wanted = {
        group: count
        for group, count in ((PLAIN, arguments.cases), (TWO_CLIPS, arguments.long_cases))
        if any(_group(defect) == group for defect in defects)
    }
    _check(arguments, wanted)
    cases = {group: draw_material(group, count) for group, count in wanted.items()}
    if not arguments.measure_only:
        _make(arguments, cases)
    material = {group: _read(arguments.material, group, some) for group, some in cases.items()}
    findings = _find_all(material, defects, arguments.jobs)
    about = {"pool": POOL, "draws": DRAWS, "cases": {group: len(some) for group, some in material.items()}}
    arguments.out.mkdir(parents=True, exist_ok=True)
    record = as_record(about, findings)
    write_atomically(arguments.out / f"{_NAME}.json", json.dumps(record, indent=1, ensure_ascii=False))
    plot_findings(arguments.out / f"{_NAME}.png", findings)
    print("\n".join(write_table(findings)))


def _choose(names: str | None) -> list[Defect]:
    known = list(dict.fromkeys(defect.name for defect in DEFECTS))
    wanted = known if names is None else names.split(",")
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise InputError(f"--defects {names}", f"there is no defect '{unknown[0]}'", f"Choose of {', '.join(known)}")
    return [defect for defect in DEFECTS if defect.name in wanted]


def _check(arguments: argparse.Namespace, wanted: dict[str, int]) -> None:
    if min(wanted.values()) < _FEWEST_CASES:
        problem = "a limit is set by the other cases, and there are none"
        raise InputError("--cases and --long-cases", problem, f"Give {_FEWEST_CASES} or more")
    if arguments.jobs < 1:
        raise InputError(f"--jobs {arguments.jobs}", "nobody would measure", "Give 1 or more")


def _group(defect: Defect) -> str:
    return TWO_CLIPS if defect.two_clips else PLAIN


def _make(arguments: argparse.Namespace, cases: dict[str, list[Case]]) -> None:
    # Late: measuring needs no model.
    import torch

    from demo.evaluation.making import Maker, default_request, default_settings, load_engine
    from s2v_runner.placement.choice import check_device
    from s2v_runner.placement.devices import choose_device

    check_device(arguments.device)
    engine = load_engine(arguments.checkpoint, torch.device(choose_device(arguments.device)))
    request = default_request()
    make_material(arguments.material, cases, Maker(engine, request), default_settings(request), _say)


def _read(folder: Path, group: str, cases: list[Case]) -> list[tuple[Specimen, ...]]:
    found = read_material(folder, cases)
    if len(found) < _FEWEST_CASES:
        problem = (
            f"it has {DRAWS} videos of {len(found)} of {len(cases)} cases of '{group}', {_FEWEST_CASES} are needed"
        )
        raise InputError(f"material '{folder}'", problem, "Leave --measure-only out, and they are made")
    return found


def _find_all(material: dict[str, list[tuple[Specimen, ...]]], defects: Sequence[Defect], jobs: int) -> list[Finding]:
    """In the order of the defects."""
    found: dict[Defect, Finding] = {}
    for group, specimens in material.items():
        some = [defect for defect in defects if _group(defect) == group]
        found |= zip(some, map(find, some, measure_all(specimens, some, jobs, _say)), strict=True)
    return [found[defect] for defect in defects]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

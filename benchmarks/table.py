"""The tables of docs/performance.md and docs/scaling.md, written from the reports.

    python -m benchmarks table
    python -m benchmarks table --check

What stands between `<!-- table: NAME REPORT … -->` and `<!-- end -->` is the table of that name over those reports.
With --check nothing is written, and the status is 1 when a page differs from what would be.
"""

import argparse
import difflib
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.crossover import Crossover
from benchmarks.layouts import Listing, Pivot, to_markdown
from benchmarks.report import Report, read_report
from s2v_runner.errors import InputError

_ROOT = Path(__file__).parent.parent
_PAGES = (_ROOT / "docs" / "performance.md", _ROOT / "docs" / "scaling.md")
_MARKED = re.compile(r"(<!-- table: (.+?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)

_CASE = ("size", "frames", "clip")
_EXACT = "flash_3,kernels=triton"
TABLES: dict[str, Pivot | Listing | Crossover] = {
    "forward": Pivot(_CASE, "variant", "forward_seconds", beside=("tokens",)),
    "forward-details": Listing(
        (*_CASE, "variant"), ("tflop_per_second", "prepare_seconds", "weights_gib", "peak_gib", "difference")
    ),
    "ways": Listing(("variant",), ("forward_seconds", "tflop_per_second", "weights_gib", "peak_gib", "difference")),
    "precision": Listing(("clip", "variant"), ("forward_seconds", "weights_gib", "difference")),
    "step": Pivot(_CASE, "variant", "step_seconds", beside=("tokens",)),
    "scaling": Listing(
        ("processes", "way"),
        ("step_seconds", "times_one", "computing_seconds", "sent_gigabytes"),
        only=lambda labels: labels["variant"] == _EXACT,
    ),
    "scaling-float8": Listing(
        ("processes", "way"), ("step_seconds", "times_one"), only=lambda labels: labels["variant"] != _EXACT
    ),
    "crossover": Crossover(_EXACT),
    "scaling-measured": Listing(("processes", "way"), ("step_seconds", "times_one", "difference")),
    "clip": Pivot(("stage", "clip"), "memory", "seconds", least=0.05),
    "clip-memory": Pivot(("stage", "clip"), "memory", "peak_gib"),
    "clip-whole": Listing(
        ("memory",),
        ("seconds", "extrapolated_seconds", "weights_gib", "peak_gib", "frame_difference"),
        only=lambda labels: labels["stage"] == "whole",
    ),
    "sweep": Listing(
        ("sweep",),
        (
            "overhead_seconds_once",
            "overhead_seconds_per_point",
            "compare_seconds_per_point",
            "full_point_seconds",
            "overhead_share_of_full_point",
        ),
    ),
    "load": Listing(
        ("load",),
        ("weights_gib", "inspect_seconds", "load_seconds", "gigabytes_a_second", "peak_over_weights"),
        only=lambda labels: labels["load"] in ("first", "again"),
    ),
    "readers": Listing(
        ("load",),
        ("seconds", "gigabytes_a_second", "peak_over_size"),
        only=lambda labels: labels["load"] not in ("first", "again"),
    ),
    "float8": Listing(
        ("matrices", "attention"),
        (
            "latent_psnr",
            "latent_difference",
            "frame_psnr",
            "mouth_r",
            "mouth_r_change",
            "lag_change",
            "ssim_change",
            "face_error_change",
        ),
    ),
    "vae": Listing(
        ("size", "direction", "precision"),
        ("seconds", "peak_gib", "difference", "largest_error_levels", "mean_error_levels"),
    ),
}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks table", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the page would change")
    parser.add_argument("--page", type=Path, nargs="+", default=_PAGES)
    options = parser.parse_args(arguments)
    changed = [_bring_up_to_date(page, options.check) for page in options.page]
    return options.check and any(changed)


def _bring_up_to_date(page: Path, only_check: bool) -> bool:
    """Whether the page changes, or would."""
    before = page.read_text(encoding="utf-8")
    after = with_tables(before)
    if only_check:
        lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "the page", "its reports", lineterm="")
        sys.stdout.writelines(f"{line}\n" for line in lines)
    elif after != before:
        page.write_text(after, encoding="utf-8")
    return after != before


def with_tables(page: str) -> str:
    """The page with every table written anew. Raises InputError for a table or a report that there is not."""
    return _MARKED.sub(lambda found: f"{found[1]}\n{_write(found[2])}\n\n{found[4]}", page)


def _write(marker: str) -> str:
    name, *paths = marker.split()
    if name not in TABLES:
        raise InputError(f"table '{name}'", "there is no such table", f"Known tables: {', '.join(TABLES)}")
    reports = [read_report(_ROOT / path) for path in paths]
    table = to_markdown(TABLES[name].write(reports))
    return f"{table}\n\n{_caption(paths, reports)}"


def _caption(paths: Sequence[str], reports: Sequence[Report]) -> str:
    """Which reports, and what they were made on."""
    made_on: dict[str, list[str]] = {}
    for path, report in zip(paths, reports, strict=True):
        made_on.setdefault(_where(report), []).append(f"`{path.removeprefix('benchmarks/')}`")
    return "; ".join(f"{', '.join(names)}: {where}" for where, names in made_on.items()) + "."


def _where(report: Report) -> str:
    hardware = report.hardware
    device = hardware.get("gpu") or hardware.get("cpu") or f"{hardware.get('cores')} CPU cores"
    torch, commit = report.versions.get("torch"), report.project.get("commit")
    facts = (device, torch and f"PyTorch {torch}", commit and f"commit {commit[:12]}")
    return ", ".join(fact for fact in facts if fact)

"""Benchmarks run as their command is, in this process, where the libraries are there already."""

from pathlib import Path

from benchmarks.__main__ import main
from benchmarks.report import Report, Row, read_report

ROOT = Path(__file__).parent.parent.parent


def report_of(folder: Path, name: str, *arguments: str) -> Report:
    """What a benchmark of the suite writes."""
    out = folder / f"{name}.json"
    assert main([name, "--out", str(out), *arguments]) == 0
    return read_report(out)


def make_report(*rows: Row, benchmark: str = "forward", gpu: str = "H200", torch: str = "2.11.0") -> Report:
    return Report(
        benchmark=benchmark,
        measured="Something.",
        options={"repeats": 3},
        hardware={"device": "cuda", "gpu": gpu},
        versions={"torch": torch},
        project={"version": "0.1.0", "commit": None, "changed": None},
        rows=rows,
    )

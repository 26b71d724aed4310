"""The tables of docs/performance.md, and the layouts they are made with."""

import dataclasses
import json
import os
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.figures import write_figure
from benchmarks.layouts import Listing, Pivot, to_markdown
from benchmarks.report import Report, Row, read_report
from benchmarks.table import TABLES
from tests.benchmarks.reports import ROOT, make_report

REPORT = make_report(
    Row({"size": "64*64", "clip": "first", "variant": "a"}, {"forward_seconds": 12.34, "tokens": 48, "tflop": 1.0}),
    Row({"size": "64*64", "clip": "first", "variant": "b"}, {"forward_seconds": 1.5, "tokens": 48}),
    Row({"size": "64*64", "clip": "later", "variant": "a"}, {"forward_seconds": 0.024, "tokens": 72}),
)


def test_the_page_says_what_its_reports_say():
    """If this fails: python -m benchmarks table."""
    assert main(["table", "--check"]) == 0


def test_every_report_of_the_suite_is_read():
    named = [path for path in (ROOT / "benchmarks/results").glob("*.json") if '"benchmark":' in path.read_text()[:80]]
    assert len(named) >= 6
    for path in named:
        assert read_report(path).benchmark in ("forward", "step", "clip", "sweep", "load", "vae", "float8", "scaling")


def page_of(folder: Path, report: Report, table: str = "forward") -> Path:
    path = folder / "report.json"
    path.write_text(json.dumps(dataclasses.asdict(report)))
    page = folder / "page.md"
    relative = os.path.relpath(path, ROOT)
    page.write_text(f"Before.\n\n<!-- table: {table} {relative} -->\n<!-- end -->\n\nAfter.\n")
    return page


def test_a_page_is_written_checked_and_written_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    page = page_of(tmp_path, REPORT)
    assert main(["table", "--page", str(page), "--check"]) == 1
    assert "+| 64×64 |" in capsys.readouterr().out
    assert main(["table", "--page", str(page)]) == 0
    written = page.read_text()
    assert written.startswith("Before.\n\n<!-- table: forward")
    assert written.endswith("<!-- end -->\n\nAfter.\n")
    assert "| 64×64 |  | first clip | 48 | 12.34 | **1.50** |" in written
    assert "H200, PyTorch 2.11.0.\n" in written
    assert main(["table", "--page", str(page), "--check"]) == 0
    assert main(["table", "--page", str(page)]) == 0
    assert page.read_text() == written

    page.write_text(written.replace("12.34", "12.33"))
    assert main(["table", "--page", str(page), "--check"]) == 1
    assert main(["table", "--page", str(page)]) == 0
    assert page.read_text() == written


def test_an_unknown_table_and_a_missing_report_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    page = page_of(tmp_path, REPORT, table="backward")
    assert main(["table", "--page", str(page)]) == 2
    assert "Known tables: forward" in capsys.readouterr().err
    page = page_of(tmp_path, REPORT)
    (tmp_path / "report.json").unlink()
    assert main(["table", "--page", str(page)]) == 2
    assert "no report of a benchmark" in capsys.readouterr().err


def test_a_pivot_has_a_column_for_each_value():
    table = Pivot(("size", "clip"), "variant", "forward_seconds", beside=("tokens",)).write([REPORT])
    assert table == [
        ["size", "clip", "tokens", "a", "b"],
        ["64×64", "first clip", "48", "12.34", "**1.50**"],
        ["64×64", "later clips", "72", "0.024", "–"],
    ]


def test_lines_that_are_small_everywhere_are_left_out():
    table = Pivot(("clip",), "variant", "forward_seconds", least=0.05).write([REPORT])
    assert [line[0] for line in table] == ["clip", "first clip"]


def test_targets_stand_beside_figures_and_scaled_figures_are_called_so():
    case = {"size": "1024*704", "frames": 80, "clip": "first"}
    figures = {"forward_seconds": 2.0, "forward_seconds_scaled_up": 8.0, "prepare_seconds": 0.5}
    report = make_report(Row({**case, "variant": "a"}, figures))
    assert Pivot(tuple(case), "variant", "forward_seconds").write([report]) == [
        [*case, "a", "target"],
        ["1024×704", "80", "first clip", "8.00 (scaled up)", "≤ 7.2 s"],
    ]
    # Of a line that is for more or less than the case, it is not the target.
    assert Pivot(("size",), "variant", "forward_seconds").write([report])[0] == ["size", "a"]
    assert Listing(("variant",), ("forward_seconds", "peak_gib")).write([report])[1] == ["a", "8.00 (scaled up)", "–"]
    listing = Listing(tuple(case), ("forward_seconds",)).write([make_report(Row(case, figures))])
    assert listing[1][-1] == "8.00 (scaled up) (target ≤ 7.2 s)"


def test_markdown():
    assert to_markdown([["a", "b"], ["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


@pytest.mark.parametrize("name", TABLES)
def test_every_table_can_be_written_of_no_rows(name: str):
    assert len(TABLES[name].write([make_report()])) == 1


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("forward_seconds", None, "–"),
        ("forward_seconds", 8.034, "8.03"),
        ("forward_seconds", 12.654, "12.65"),
        ("seconds", 1388.2, "1,388"),
        ("prepare_seconds", 0.0243, "0.024"),
        ("peak_gib", 43.12, "43.1"),
        ("tokens", 59136, "59,136"),
        ("difference", 0.0, "0"),
        ("difference", 1.243e-7, "1.2e-7"),
        ("overhead_share_of_full_point", 0.0149, "1.5 %"),
        ("tflop_per_second", 544.4, "544"),
    ],
)
def test_figures_are_written_for_people(name: str, value: float | None, written: str):
    assert write_figure(name, value) == written


def test_a_standard_error_stands_beside_its_figure():
    row = Row({"variant": "a"}, {"mouth_r_change": -0.012, "mouth_r_change_error": 0.0051, "peak_gib": 1.5})
    listing = Listing(("variant",), ("mouth_r_change", "peak_gib")).write([make_report(row)])
    assert listing[1] == ["a", "-0.012 ± 5.1e-3", "1.50"]

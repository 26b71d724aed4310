"""A sweep as its user sees it."""

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from s2v_runner.cli import main
from s2v_runner.tracking.definition import point_folder, read_definition
from s2v_runner.tracking.folder import find_sweeps
from s2v_runner.tracking.record import read_record
from tests.runs import Workshop

Said = pytest.CaptureFixture[str]


def sweep_words(workshop: Workshop, *words: str) -> list[str]:
    return ["-m", *workshop.settings, "infer_frames=4", "num_clip=1", *words]


def only_sweep(workshop: Workshop) -> Path:
    (folder,) = find_sweeps(workshop.outputs)
    return folder


def test_a_dry_run_prints_the_plan_of_the_sweep_and_writes_nothing(workshop: Workshop, capsys: Said):
    words = sweep_words(
        workshop, "sampler.steps=1,2,1", "sampler.shift=3,5", "title=Mine", "dry_run=true", "base_seed=-1"
    )
    assert main(words) == 0
    said = capsys.readouterr().out
    for line in (
        "study     Mine",
        "swept     sampler.steps=1,2 x sampler.shift=3,5",
        "points    4 (2 more would be the same video as another): 4 to make",
        "loads     one model, once",
        "videos    1 frame of 64x64",
        "seeds     one is drawn for all points",
        "time      known once a point is made",
        "4  sampler.steps=2 sampler.shift=5  (to make)",
        "nothing is loaded or written",
    ):
        assert line in said
    assert not workshop.outputs.exists()


def test_the_plan_says_what_is_there(workshop: Workshop, capsys: Said):
    words = sweep_words(workshop, "sampler.steps=1,2", "sampler.guide_scale=1e39,2")
    assert main(words) == 1
    said = capsys.readouterr()
    assert said.err.count("failed: step 1 of") == 2
    assert "2 of 4 points finished; failed: 1, 3" in said.out
    assert re.search(
        r"\[2 of 4\] sampler.steps=1 sampler.guide_scale=2\n  finished in [\d.]+ s; 2 to go, about 0:\d\d", said.out
    )
    assert said.out.rstrip().endswith("comparison.html")
    shutil.rmtree(point_folder(only_sweep(workshop), read_definition(only_sweep(workshop)).points[1]))
    assert main([*words, "dry_run=true"]) == 0
    said = capsys.readouterr()
    assert "points    4: 1 finished, 2 failed, 1 to make; what failed is tried again" in said.out
    assert re.search(r"time      about 0:\d\d left, judged by 1 finished point\n", said.out)
    assert main([*words, "dry_run=true", "resume=skip"]) == 0
    assert "what failed is left (resume=skip)" in capsys.readouterr().out


def test_a_sweep_that_is_done_is_left_alone(workshop: Workshop, capsys: Said):
    words = sweep_words(workshop, "sampler.steps=1,2", "base_seed=-1")
    assert main(words) == 0
    folder = only_sweep(workshop)
    points = [point_folder(folder, point) for point in read_definition(folder).points]
    records = [read_record(point) for point in points]
    seed = read_definition(folder).base_seed
    assert [record.base_seed for record in records] == [seed, seed]
    capsys.readouterr()
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "nothing is left to make" in said
    assert f"seeds     {seed}, drawn for all points" in said
    assert "[1 of 2]" not in said
    assert [read_record(point) for point in points] == records


def test_rows_and_grid_are_crossed(workshop: Workshop, capsys: Said):
    rows = workshop.folder / "people.csv"
    rows.write_text("name,image,prompt\nanna,picture.png,She speaks\nbela,picture.png,He speaks\n")
    out = f"save_file={workshop.folder}/{{inputs}}_{{sampler.steps}}.mp4"
    assert main(sweep_words(workshop, f"inputs={rows}", "sampler.steps=1,2", out)) == 0
    made = {path.name for path in workshop.folder.glob("*.mp4")}
    assert made == {"anna_1.mp4", "anna_2.mp4", "bela_1.mp4", "bela_2.mp4"}
    assert "[4 of 4] inputs=bela sampler.steps=2" in capsys.readouterr().out


def test_a_single_run_that_is_there_is_passed_over_on_request(workshop: Workshop, capsys: Said):
    words = [*workshop.settings, "infer_frames=4", "num_clip=1", "resume=skip"]
    assert main(words) == 0
    (folder,) = workshop.folders()
    capsys.readouterr()
    assert main(words) == 0
    assert capsys.readouterr().out == f"it is there already: {folder}/video.mp4\n"
    assert workshop.folders() == [folder]
    assert main([*words, "base_seed=-1"]) == main([*words, "base_seed=-1"]) == 0
    assert len(workshop.folders()) == 3


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 2), ("\x04", 2)])
def test_very_many_points_are_asked_about(workshop: Workshop, answer: str, status: int):
    words = sweep_words(workshop, "sampler.steps=1,2,3", "max_points=2", "dry_run=true")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "s2v_runner", *words], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    os.close(theirs)
    os.write(ours, answer.encode())
    out, error = process.communicate(timeout=120)
    os.close(ours)
    assert process.returncode == status
    assert b"3 points (3 of sampler.steps). Make them all? [y/N]" in out
    assert (b"not wanted" in error) == (status == 2)
    assert (b"3: 3 to make" in out) == (status == 0)

"""Whole runs: what they leave behind, and what they leave behind when they are cut short."""

import hashlib
import json
import resource
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from s2v_runner.errors import GenerationError, InputError
from tests.runs import Workshop, read_json

CLIPS = 3


def decode(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def nothing() -> None:
    pass


def test_a_run_leaves_its_video_and_everything_needed_to_trust_it(workshop: Workshop):
    finished = workshop.perform(
        'prompt=It\'s a "test", (你好) = ${x}', "output=lossless", f"save_file={workshop.folder}/{{sampler.steps}}.mp4"
    )
    record, folder = finished.record, finished.folder
    assert record.status == "FINISHED"
    assert record.frames is not None
    assert record.frames == {
        "count": 16,
        "height": 64,
        "width": 64,
        "sha256": record.frames["sha256"],
    }
    frames = decode(folder / record.files["frames"])
    assert hashlib.sha256(frames.tobytes()).hexdigest() == record.frames["sha256"]
    assert decode(folder / "video.mp4").shape == (16, 64, 64, 3)
    assert (folder / "video.mp4").read_bytes() == (workshop.folder / "2.mp4").read_bytes()
    assert size_of(folder / "thumbnail.png") == (64, 64)
    assert record.plan["clip_seeds"] == (7, 8, 9)
    assert record.resolved["prompt"] == 'It\'s a "test", (你好) = ${x}'
    assert record.resolved["sampler"]["shift"] == 3.0
    assert record.choices["sampler"] == "euler"
    assert set(record.inputs) == {"image", "audio"}
    assert {"denoise", "decode", "encode text", "write video"} <= set(record.attempts[0].stages)
    assert record.attempts[0].peak_memory["host"] > 0
    assert record.environment["packages"]["torch"]
    steps = [json.loads(line) for line in (folder / "steps.jsonl").read_text().splitlines()]
    assert [(step["clip"], step["step"]) for step in steps] == [
        (clip, step) for clip in range(CLIPS) for step in (1, 2)
    ]
    assert not workshop.strays()
    assert not (folder / "resume").exists()


def test_the_video_file_says_what_it_is(workshop: Workshop):
    finished = workshop.perform("num_clip=1")
    with av.open(str(finished.folder / "video.mp4")) as container:
        assert container.metadata["s2v_runner_seed"] == "7"
        assert json.loads(container.metadata["s2v_runner_config"])["sampler"]["steps"] == 2
        assert [stream.type for stream in container.streams] == ["video", "audio"]


def test_the_same_run_twice_gives_the_same_frames_and_the_same_file(workshop: Workshop):
    first, second = workshop.perform("num_clip=1"), workshop.perform("num_clip=1")
    assert first.folder != second.folder
    assert first.record.frames == second.record.frames
    assert (first.folder / "video.mp4").read_bytes() == (second.folder / "video.mp4").read_bytes()
    assert first.record.identity == second.record.identity


def test_a_seed_of_minus_one_is_drawn_and_recorded(workshop: Workshop):
    runs = [workshop.perform("num_clip=1", "base_seed=-1") for _ in range(2)]
    seeds = {run.record.base_seed for run in runs}
    assert len(seeds) == 2
    assert runs[0].record.requested["base_seed"] == -1
    assert {run.record.resolved["base_seed"] for run in runs} == seeds
    assert runs[0].record.identity == runs[1].record.identity


def test_a_copy_may_have_the_drawn_seed_in_its_name(workshop: Workshop):
    finished = workshop.perform("num_clip=1", "base_seed=-1", f"save_file={workshop.folder}/{{base_seed}}.mp4")
    assert (workshop.folder / f"{finished.record.base_seed}.mp4").exists()


def test_a_copy_may_have_the_longest_name_there_is(workshop: Workshop):
    name = "n" * 251 + ".mp4"
    workshop.perform("num_clip=1", f"save_file={workshop.folder}/{name}")
    assert (workshop.folder / name).exists()


def test_an_exact_size_is_honoured(workshop: Workshop):
    finished = workshop.perform("num_clip=1", "size=100*50", "resolution.fit=exact", "output=png")
    assert finished.record.frames is not None
    assert (finished.record.frames["width"], finished.record.frames["height"]) == (100, 50)
    stills = sorted((finished.folder / "frames").iterdir())
    assert len(stills) == finished.record.frames["count"]
    assert size_of(stills[0]) == (100, 50)


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, "run /"),
        (signal.SIGINT, "estimate"),
        (signal.SIGINT, "clip 1 of 3"),
        (signal.SIGTERM, "clip 2 of 3"),
    ],
)
def test_a_signal_ends_a_run_in_order(workshop: Workshop, number: signal.Signals, moment: str):
    child = workshop.in_child(nothing)
    child.lines_until(moment)
    child.kill(number)
    status, said = child.wait()
    assert status == 128 + number
    assert f"stopped by {number.name}" in said
    assert "Traceback" not in said
    record = workshop.only_record()
    assert record.status == "KILLED"
    assert number.name in (record.error or "")
    assert not workshop.strays()


def test_a_run_that_was_stopped_is_killed_in_mlflow_too(workshop: Workshop):
    # Many steps, so that MLflow has heard of the run before it ends by itself.
    child = workshop.in_child(nothing, "tracking=mlflow", "tracking.patience=120", "sampler.steps=5000")
    database = workshop.outputs / "mlflow.db"
    while statuses_in(database) != [("RUNNING",)]:
        time.sleep(0.1)
    child.kill(signal.SIGTERM)
    assert child.wait()[0] == 128 + signal.SIGTERM
    assert statuses_in(database) == [("KILLED",)]


def statuses_in(database: Path) -> list[tuple[str]]:
    """Of the runs that MLflow knows; none before it has made its tables."""
    if not database.exists():
        return []
    with closing(sqlite3.connect(database)) as connection:
        made = connection.execute("select name from sqlite_master where name = 'runs'").fetchall()
        return connection.execute("select status from runs").fetchall() if made else []


def test_a_killed_run_goes_on_at_its_clip_and_makes_the_same_video(workshop: Workshop):
    whole = workshop.perform("resume=force", "output=lossless")
    child = workshop.in_child(nothing, "output=lossless")
    child.lines_until("clip 2 of 3")
    child.kill(signal.SIGKILL)
    assert child.wait()[0] == -signal.SIGKILL
    cut = workshop.folders()[-1]
    assert read_json(cut / "record.json")["status"] == "RUNNING"
    assert not (cut / "video.mp4").exists()

    again = workshop.perform("output=lossless")
    assert again.folder == cut
    assert again.record.status == "FINISHED"
    assert again.record.frames == whole.record.frames
    assert np.array_equal(decode(cut / "video.mp4"), decode(whole.folder / "video.mp4"))
    assert [attempt.status for attempt in again.record.attempts] == ["KILLED", "FINISHED"]
    clips = [
        json.loads(line)["clip"] for line in (cut / "steps.jsonl").read_text().splitlines() if '"attempt": 1' in line
    ]
    assert set(clips) == {2}
    assert not workshop.strays()


def test_a_run_cut_short_keeps_the_seed_it_drew(workshop: Workshop):
    child = workshop.in_child(nothing, "base_seed=-1")
    child.lines_until("clip 1 of 3")
    child.kill(signal.SIGKILL)
    child.wait()
    seed = workshop.only_record().base_seed
    assert workshop.perform("base_seed=-1").record.base_seed == seed
    assert len(workshop.folders()) == 1


def test_force_starts_anew(workshop: Workshop):
    child = workshop.in_child(nothing, "num_clip=2")
    child.lines_until("clip 1 of 2")
    child.kill(signal.SIGKILL)
    child.wait()
    workshop.perform("num_clip=2", "resume=force")
    assert len(workshop.folders()) == 2


def test_a_state_that_is_damaged_is_not_taken_up(workshop: Workshop):
    child = workshop.in_child(nothing, "num_clip=2")
    child.lines_until("clip 1 of 2")
    child.kill(signal.SIGKILL)
    child.wait()
    (clip,) = workshop.folders()[0].glob("resume/clip_*.rgb")
    clip.write_bytes(clip.read_bytes()[:-100])
    again = workshop.perform("num_clip=2")
    assert again.record.frames == workshop.perform("num_clip=2", "resume=force").record.frames


def limit_file_size() -> None:
    # Enough for records and the log, too little for the frames of a clip.
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


def test_a_full_disk_costs_the_clip_and_not_what_was_finished(workshop: Workshop):
    status, said = workshop.in_child(limit_file_size).wait()
    assert status == 1
    assert "cannot be written" in said
    assert "Free some space" in said
    assert "Traceback" not in said
    record = workshop.only_record()
    assert record.status == "FAILED"
    assert "OutputError" in (record.error or "")
    assert not list(workshop.outputs.rglob("video.mp4"))
    assert not workshop.strays()
    assert workshop.perform().record.status == "FINISHED"
    assert len(workshop.folders()) == 1


def test_a_run_that_fails_says_so_and_the_traceback_is_in_the_log(workshop: Workshop):
    with pytest.raises(GenerationError, match="not finite"):
        workshop.perform("sampler.guide_scale=1e39", "num_clip=1")
    record = workshop.only_record()
    assert record.status == "FAILED"
    assert "step 1 of 2" in (record.error or "")
    assert "Traceback" in (workshop.folders()[0] / "run.log").read_text()


def test_two_runs_started_in_the_same_second_keep_apart(workshop: Workshop):
    children = [workshop.in_child(nothing, "num_clip=1") for _ in range(2)]
    assert [child.wait()[0] for child in children] == [0, 0]
    assert len(workshop.folders()) == 2
    hashes = {read_json(folder / "record.json")["frames"]["sha256"] for folder in workshop.folders()}
    assert len(hashes) == 1


def test_a_second_start_does_not_take_over_a_run_that_is_going_on(workshop: Workshop):
    child = workshop.in_child(nothing)
    child.lines_until("clip 1 of 3")
    workshop.perform("num_clip=3")
    assert child.wait()[0] == 0
    assert len(workshop.folders()) == 2


def test_a_run_is_in_mlflow_with_its_numbers_and_its_video(workshop: Workshop):
    finished = workshop.perform("num_clip=1", "tracking=mlflow", "tracking.patience=120")
    published = finished.outcome.published
    assert finished.outcome.problem is None
    assert published is not None
    assert published.complete
    database = sqlite3.connect(workshop.outputs / "mlflow.db")
    params = dict(database.execute("select key, value from params where run_uuid = ?", (published.run_id,)))
    assert params["sampler.steps"] == "2"
    metrics = {row[0] for row in database.execute("select key from metrics")}
    assert {"step_seconds", "exposure", "sound_excess", "clip.picture_ssim"} <= metrics
    assert "mouth_r" not in metrics
    database.close()
    (video,) = (workshop.outputs / "mlartifacts").rglob("video.mp4")
    assert video.read_bytes() == (finished.folder / "video.mp4").read_bytes()


def test_a_dead_server_costs_a_warning_and_seconds(workshop: Workshop):
    begin = time.monotonic()
    finished = workshop.perform(
        "num_clip=1", "tracking=mlflow", "tracking.uri=http://127.0.0.1:9", "tracking.patience=3"
    )
    assert finished.record.status == "FINISHED"
    assert "s2v-runner sync" in (finished.outcome.problem or "")
    assert time.monotonic() - begin < 30


@pytest.mark.parametrize("setting", ["memory=offload", "memory.t5_cpu=true", "memory.convert_model_dtype=true"])
def test_memory_settings_do_not_stop_a_run(workshop: Workshop, setting: str):
    assert workshop.perform("num_clip=1", setting).record.status == "FINISHED"


def test_an_output_folder_under_a_file_is_refused_before_anything(workshop: Workshop):
    (workshop.folder / "file").touch()
    with pytest.raises(InputError, match=r"output\.folder"):
        workshop.perform(f"output.folder={workshop.folder}/file/outputs")


def test_further_runs_of_a_process_use_the_loaded_model(workshop: Workshop):
    workshop.perform("num_clip=1")
    engine = vars(workshop.session.engines)["_engine"]
    transformer = engine.transformer
    workshop.perform("num_clip=1", "sampler.steps=1")
    assert vars(workshop.session.engines)["_engine"].transformer is transformer

"""Whole runs whose inputs are made first."""

import json
import shutil
import signal
from pathlib import Path

import av
import pytest
import soundfile

from s2v_runner.cli import main
from s2v_runner.tracking.record import read_record
from tests.runs import Workshop, read_json

SPOKEN = ("tts=espeak", "tts.text=Hello.")
BRIEFLY = (*SPOKEN, "num_clip=1")


def nothing() -> None:
    pass


def seconds_of_sound(path: Path) -> float:
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        return sum(frame.samples for frame in container.decode(stream)) / stream.rate


def test_a_text_is_spoken_and_lies_with_the_run(workshop: Workshop):
    finished = workshop.perform(*SPOKEN)
    record, folder = finished.record, finished.folder
    samples, rate = soundfile.read(folder / record.files["speech"])
    assert record.frames is not None
    assert record.frames["count"] == round(len(samples) / rate * 16)
    assert record.prepared["speech"]["facts"]["engine"] == "espeak-ng"
    assert record.inputs["audio"]["sha256"] == record.prepared["speech"]["sha256"]
    assert record.requested["tts"]["text"] == "Hello."
    assert "synthesise speech" in record.attempts[0].stages
    assert seconds_of_sound(folder / "video.mp4") == pytest.approx(len(samples) / rate, abs=0.1)
    assert "espeak-ng" in (folder / "run.log").read_text()


def test_a_text_is_spoken_once_for_all_runs_that_say_it(workshop: Workshop):
    first, second = workshop.perform(*BRIEFLY), workshop.perform(*BRIEFLY, "sampler.steps=1")
    assert "synthesise speech" in first.record.attempts[0].stages
    assert "synthesise speech" not in second.record.attempts[0].stages
    assert second.record.prepared["speech"] == first.record.prepared["speech"]
    assert (second.folder / "speech.wav").read_bytes() == (first.folder / "speech.wav").read_bytes()
    other = workshop.perform(*BRIEFLY, "tts.speed=2")
    assert "synthesise speech" in other.record.attempts[0].stages
    seconds = [each.record.prepared["speech"]["facts"]["seconds"] for each in (other, first)]
    assert seconds[0] < seconds[1]


def test_a_plan_guesses_how_long_a_speech_will_be_and_knows_once_it_is_made(
    workshop: Workshop, capsys: pytest.CaptureFixture[str]
):
    assert main([*workshop.settings, *SPOKEN, "dry_run=true"]) == 0
    assert "(speech about " in capsys.readouterr().out
    assert not workshop.outputs.exists()
    seconds = workshop.perform(*BRIEFLY).record.prepared["speech"]["facts"]["seconds"]
    assert main([*workshop.settings, *SPOKEN, "dry_run=true"]) == 0
    assert f"(speech {seconds:.2f} s)" in capsys.readouterr().out


def test_a_guess_that_is_too_short_refuses_nothing(workshop: Workshop, capsys: pytest.CaptureFixture[str]):
    assert main([*workshop.settings, *SPOKEN, "audio.start=60", "dry_run=true"]) == 0
    assert "(speech about " in capsys.readouterr().out
    assert main([*workshop.settings, *SPOKEN, "audio.start=60"]) == 2
    assert "audio.start=60" in capsys.readouterr().err


def test_a_part_of_a_recording_is_heard_and_seen(workshop: Workshop):
    finished = workshop.perform("audio.start=0.25", "audio.duration=0.5")
    record = finished.record
    assert record.frames is not None
    assert record.frames["count"] == 8
    assert seconds_of_sound(finished.folder / "video.mp4") == pytest.approx(0.5, abs=0.1)
    assert record.inputs["recording"]["path"] == record.resolved["audio"]["path"]
    assert record.inputs["audio"]["sha256"] != record.inputs["recording"]["sha256"]
    assert record.prepared["recording"]["facts"]["start"] == 0.25
    assert not (finished.folder / "recording.wav").exists()


def test_what_is_done_to_picture_and_recording_is_in_the_record(workshop: Workshop):
    prepared = workshop.perform("num_clip=1").record.prepared
    assert set(prepared) == {"recording", "picture"}
    assert prepared["picture"]["facts"]["fit"] == "cover"
    assert prepared["recording"]["facts"]["sample_rate"] == 16000


@pytest.mark.parametrize(
    "more", [BRIEFLY, ("num_clip=1", "audio.start=0.25", "audio.duration=0.5", "audio.loudness=-30")]
)
def test_a_run_is_reproduced_from_what_was_made_for_it(
    workshop: Workshop, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
):
    finished = workshop.perform(*more)
    shutil.rmtree(workshop.outputs / "cache")
    assert main(["reproduce", str(finished.folder)]) == 0
    assert "the frames are identical" in capsys.readouterr().out
    again = read_record(workshop.folders()[-1])
    assert not {"synthesise speech", "prepare recording"} & set(again.attempts[0].stages)


def test_a_run_is_reproduced_and_measured_where_its_output_folder_was_moved_to(
    workshop: Workshop, capsys: pytest.CaptureFixture[str]
):
    finished = workshop.perform(*SPOKEN, "num_clip=1")
    moved = workshop.outputs.rename(workshop.folder / "moved")
    folder = str(moved / finished.folder.relative_to(workshop.outputs))
    assert main(["measure", folder, "--again"]) == 0
    assert main(["reproduce", folder]) == 0
    assert "the frames are identical" in capsys.readouterr().out
    assert not workshop.outputs.exists()


def test_a_run_of_made_inputs_can_be_measured_again(workshop: Workshop, capsys: pytest.CaptureFixture[str]):
    finished = workshop.perform(*BRIEFLY)
    assert main(["measure", str(finished.folder), "--again"]) == 0
    assert "metrics of video.mp4" in capsys.readouterr().out


def cut_short(workshop: Workshop) -> Path:
    child = workshop.in_child(nothing, *SPOKEN)
    child.lines_until("clip 1 of")
    child.kill(signal.SIGKILL)
    child.wait()
    return workshop.folders()[-1]


def test_a_run_that_was_killed_goes_on_with_the_speech_it_had(workshop: Workshop):
    whole = workshop.perform(*SPOKEN, "resume=force")
    cut = cut_short(workshop)
    shutil.rmtree(workshop.outputs / "cache")
    again = workshop.perform(*SPOKEN)
    assert again.folder == cut
    assert "synthesise speech" not in again.record.attempts[-1].stages
    assert again.record.frames == whole.record.frames
    lines = [json.loads(line) for line in (cut / "steps.jsonl").read_text().splitlines()]
    assert min(line["clip"] for line in lines if line["attempt"] == 1) > 0


def test_clips_that_another_speech_was_heard_in_are_made_anew(workshop: Workshop):
    cut = cut_short(workshop)
    record = read_json(cut / "record.json")
    record["prepared"]["speech"]["sha256"] = "0" * 64
    (cut / "record.json").write_text(json.dumps(record))
    again = workshop.perform(*SPOKEN)
    assert again.folder == cut
    lines = [json.loads(line) for line in (cut / "steps.jsonl").read_text().splitlines()]
    assert min(line["clip"] for line in lines if line["attempt"] == 1) == 0
    assert "are made anew" in (cut / "run.log").read_text()


def test_the_points_of_a_sweep_may_say_different_things(workshop: Workshop, capsys: pytest.CaptureFixture[str]):
    words = ["-m", *workshop.settings, "tts=espeak", "num_clip=1", 'tts.text=choice("Yes.", "No, never.")']
    for guessed in (True, False):
        assert main([*words, "sampler.steps=1,2", "dry_run=true"]) == 0
        (line,) = (line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("videos"))
        assert ("about" in line) is guessed
        assert main([*words, "sampler.steps=1,2"]) == 0
        capsys.readouterr()
    records = [read_record(path.parent) for path in workshop.outputs.glob("sweeps/*/points/*/record.json")]
    said = {(record.requested["tts"]["text"], record.prepared["speech"]["sha256"]) for record in records}
    assert len(records) == 4
    assert len(said) == 2
    assert sum("synthesise speech" in record.attempts[0].stages for record in records) == 2

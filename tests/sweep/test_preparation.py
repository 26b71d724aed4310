"""A sweep before its first point is made."""

from pathlib import Path

import pytest

from s2v_runner.config.asked import read_asked
from s2v_runner.config.compose import PROJECT
from s2v_runner.errors import InputError
from s2v_runner.estimate import PLAIN_BFLOAT16
from s2v_runner.placement import gpus
from s2v_runner.sweep.preparation import PreparedSweep, name_of, prepare_sweep
from tests.runs import Workshop


def prepare(workshop: Workshop, *words: str) -> PreparedSweep:
    return prepare_sweep(read_asked([*workshop.settings, *words], PROJECT, multirun=True))


def values(sweep: PreparedSweep) -> list[str]:
    return [name_of(point.definition.values) for point in sweep.points]


def test_points_that_would_be_the_same_video_are_made_once(workshop: Workshop):
    sweep = prepare(workshop, "sampler.shift=3,3.0,auto,5", "sampler.steps=1,2")
    assert sweep.duplicates == 2
    assert values(sweep) == [
        f"sampler.shift={shift} sampler.steps={steps}" for shift in (3, "auto", 5) for steps in (1, 2)
    ]
    assert [point.definition.number for point in sweep.points] == [1, 2, 3, 4, 5, 6]


def test_the_identity_is_that_of_the_points_in_any_order(workshop: Workshop):
    first = prepare(workshop, "sampler.steps=1,2", "sampler.shift=3,5")
    assert prepare(workshop, "sampler.shift=5,3", "sampler.steps=2,1,1", "title=Another").identity == first.identity
    assert prepare(workshop, "sampler.steps=1,2", "sampler.shift=3,4").identity != first.identity
    assert first.folder == workshop.outputs / "sweeps" / first.identity[:12]


def test_what_must_be_loaded_anew_is_made_together(workshop: Workshop):
    sweep = prepare(workshop, "sampler.steps=1,2", "memory.convert_model_dtype=true,false")
    assert sweep.loads == 2
    assert [point.composed.config.memory.convert_model_dtype for point in sweep.points] == [True, True, False, False]


def test_sizes_that_do_not_fit_beside_the_encoders_are_made_together(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
):
    words = ["base_seed=1000,2000", "size=64*64,128*128"]
    small, large = (point.run.estimate_cost(PLAIN_BFLOAT16) for point in prepare(workshop, *words).points[:2])
    assert small is not None
    assert large is not None
    between = (small.peak_bytes("resident") + large.peak_bytes("resident")) // 2
    monkeypatch.setattr(gpus, "list_gpus", lambda: [gpus.Gpu("H", between, (9, 0))])
    sweep = prepare(workshop, *words)
    assert sweep.loads == 2
    assert [point.composed.config.resolution.size for point in sweep.points] == ["64*64"] * 2 + ["128*128"] * 2


def test_points_of_one_recording_are_made_together(workshop: Workshop, tmp_path: Path):
    other = tmp_path / "other.wav"
    other.write_bytes((tmp_path / "sound.wav").read_bytes()[:-3200])
    paths = f"audio.path={tmp_path / 'sound.wav'},{other}"
    sweep = prepare(workshop, "sampler.steps=1,2", paths)
    assert sweep.loads == 1
    assert [Path(point.composed.config.audio.path).name for point in sweep.points] == ["sound.wav"] * 2 + [
        "other.wav"
    ] * 2


@pytest.mark.parametrize(
    ("seeds", "warned"), [("0,1000", False), ("0,2", True), ("0,3", False), ("5,5", False), ("-1,7", False)]
)
def test_seeds_whose_clips_share_noise_are_warned_of(workshop: Workshop, seeds: str, warned: bool):
    sweep = prepare(workshop, f"base_seed={seeds}", "sampler.steps=1,2")
    assert (sweep.shared_noise is not None) == warned
    if warned:
        assert "base_seed=0 and 2 share noise" in (sweep.shared_noise or "")
        assert "3 clips" in (sweep.shared_noise or "")


def test_a_wrong_point_is_named(workshop: Workshop):
    with pytest.raises(InputError, match=r"point 2 of 3 \(infer_frames=9\): infer_frames=9: .*The nearest is 8"):
        prepare(workshop, "infer_frames=8,9,12")
    with pytest.raises(InputError, match=r"point 2 of 2 \(image=.*nowhere.png\)"):
        prepare(workshop, f"image={workshop.folder}/picture.png,{workshop.folder}/nowhere.png")


def test_a_missing_checkpoint_is_told_once(workshop: Workshop):
    with pytest.raises(InputError, match=r"^(?!point).*there is no such folder|^(?!point).*nowhere"):
        prepare(workshop, "sampler.steps=1,2", "model.ckpt_dir=/nowhere")


def test_copies_must_have_names_of_their_own(workshop: Workshop):
    with pytest.raises(InputError, match=r"points sampler.steps=1 and sampler.steps=2 would write the same file"):
        prepare(workshop, "sampler.steps=1,2", "save_file=one.mp4")
    prepare(workshop, "sampler.steps=1,2", "save_file={sampler.steps}.mp4")


def test_a_copy_may_be_called_by_its_row(workshop: Workshop, tmp_path: Path):
    rows = tmp_path / "rows.csv"
    rows.write_text("name,prompt\nanna,She speaks\nbela,He speaks\n")
    sweep = prepare(workshop, f"inputs={rows}", "save_file={inputs}.mp4")
    assert values(sweep) == ["inputs=anna", "inputs=bela"]


@pytest.mark.parametrize("word", ["output.folder=a,b", "tracking.experiment=choice(a,b)", "resume=retry,skip"])
def test_what_belongs_to_the_whole_sweep_cannot_be_swept(workshop: Workshop, word: str):
    with pytest.raises(InputError, match="it is one for the whole sweep"):
        prepare(workshop, word)


def test_a_baseline_that_is_not_there_is_refused(workshop: Workshop):
    for words in ("sampler.step=2", "sampler.steps=3", "most"):
        with pytest.raises(InputError, match="baseline"):
            prepare(workshop, "sampler.steps=1,2", f"baseline={words}")
    assert prepare(workshop, "sampler.steps=1,2", "baseline=sampler.steps=1").baseline == "sampler.steps=1"


def test_a_study_that_was_changed_does_without_its_baseline(workshop: Workshop):
    assert prepare(workshop, "+sweeps=shift").baseline == "sampler.shift=3"
    assert prepare(workshop, "+sweeps=shift", "sampler.shift=1,2").baseline is None

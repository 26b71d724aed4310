"""The mistakes people make, each answered with one message that names the value and the remedy, and exit status 2."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from s2v_runner.cli import main
from s2v_runner.config.places import asset
from tests.places import TINY_CHECKPOINT
from tests.runs import Workshop


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("nothing of the kind")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "lora.safetensors").write_text("nothing of the kind")
    save_file({"transformer.single_blocks.0.lora_A.weight": torch.zeros(2, 2)}, tmp_path / "other.safetensors")
    return tmp_path


# What is typed, and what the answer must say.
MISTAKES = {
    "an unknown key": ("sampler.stepz=3", "'sampler.steps'"),
    "an unknown key, added": ("+sampler.stepz=3", "'sampler.steps'"),
    "an unknown group": ("samplr=unipc", "'sampler'"),
    "an unknown choice": ("sampler=unipcc", "'unipc'"),
    "a key without its group": ("guide_scale=3", "'sampler.guide_scale'"),
    "no value": ("sampler.steps", "sampler.steps"),
    "an unknown command": ("chek", "'check'"),
    "an unknown option": ("--forse", "--forse"),
    "words for a number": ("sampler.steps=many", "whole number"),
    "half a step": ("sampler.steps=2.5", "whole number"),
    "no steps": ("sampler.steps=0", "from 1 on"),
    "a negative shift": ("sampler.shift=-1", "positive"),
    "a shift in words": ("sampler.shift=large", "'auto'"),
    "infinite guidance": ("sampler.guide_scale=inf", "must be a number"),
    "a clip of odd length": ("infer_frames=82", "80"),
    "no clips": ("num_clip=0", "1 or more"),
    "a negative seed": ("base_seed=-2", "-1 or more"),
    "a motion of even length": ("model.motion_frames=72", "73"),
    "an unknown size": ("size=721p", "'720p'"),
    "two sizes": ("size=720p resolution=480p", "one setting"),
    "a size of one number": ("resolution.size=720", "1024*704"),
    "a size too small": ("size=32*32", "larger size"),
    "an exact size beyond the cap": ("size=720p resolution.fit=exact", "max_area"),
    "an exact size that is odd": ("size=101*51 resolution.fit=exact", "even"),
    "several values without -m": ("sampler.steps=1,2", "-m"),
    "an unknown compat choice": ("compat.noise=portabel", "'portable'"),
    "a device that is none": ("memory.device=tpu", "auto, cpu, cuda"),
    "a quality out of range": ("output.crf=99", "51"),
    "a missing picture": ("image=none.png", "none.png"),
    "a picture that is none": ("image=file", "JPEG, PNG"),
    "a missing recording": ("audio.path=none.wav", "none.wav"),
    "a recording that is none": ("audio.path=file", "WAV, FLAC"),
    "a missing prompt file": ("prompt_file=none.txt", "none.txt"),
    "an empty prompt file": ("prompt_file=empty.txt", "empty"),
    "a pose video without pose=video": ("pose.path=dance.mp4", "pose=video"),
    "pose=video without a video": ("pose=video", "pose.path"),
    "a missing pose video": ("pose=video pose.path=none.mp4", "none.mp4"),
    "the real model without weights": ("model=wan_s2v_14b", "hf download"),
    "weights that are not there": ("model=wan_s2v_14b model.ckpt_dir=nowhere", "nowhere"),
    "weights that are none": ("model=wan_s2v_14b model.ckpt_dir=.", "layout"),
    "weights for the demo": ("model.ckpt_dir=.", "model=wan_s2v_14b"),
    "weights for some points of the demo": ("-m model.ckpt_dir=.,null", "model=wan_s2v_14b"),
    "weights for the random model": ("model=random model.ckpt_dir=.", "model=wan_s2v_14b"),
    "a LoRA that is not there": ("model.loras=none.safetensors", "there is no such file"),
    "a LoRA of another kind": ("model.loras=file", ".safetensors"),
    "a LoRA that is none": ("model.loras=lora.safetensors", "header claims"),
    "a LoRA in words": ("model.loras=lora.safetensors:much", "'much' is no scale"),
    "a LoRA for another model": ("model.loras=other.safetensors", "belong to nothing in this model"),
    "a LoRA that is not there for some points": ("-m model.loras=null,none.safetensors", "there is no such file"),
    "an output folder under a file": ("output.folder=file/outputs", "output.folder"),
    "a copy under a file": ("save_file=file/video.mp4", "save_file"),
    "a copy that is a folder": ("save_file=folder.mp4/", "save_file"),
    "a copy of another kind": ("save_file=video.avi", ".mp4"),
    "an unknown placeholder": ("save_file={sampler.step}.mp4", "'sampler.steps'"),
    "a copy that every point would write": ("-m sampler.steps=1,2 save_file=video.mp4", "{sampler.steps}"),
    "an empty sweep": ("-m", "-m sampler.steps=10,20,40"),
    "a sweep over one value": ("-m sampler.steps=10", "-m sampler.steps=10,20,40"),
    "a sweep over no value": ("-m sampler.steps=range(5,5)", "Give the values"),
    "a typo in one choice of many": ("-m sampler=unipc,dpmp,euler", "'dpmpp'"),
    "a typo in one value of many": ("-m sampler.steps=10,2O,40", "sampler.steps=2O"),
    "a wrong value among many": ("-m infer_frames=8,9 sampler.steps=1,2", "point 3 of 4 (infer_frames=9"),
    "ten thousand points by accident": ("-m base_seed=range(100) sampler.steps=range(1,101)", "max_points=10000"),
    "an unknown study": ("+sweeps=guidence", "'guidance'"),
    "two studies": ("+sweeps=steps,shift", "one after another"),
    "a study of weights that are not there": ("+sweeps=steps model=wan_s2v_14b model.ckpt_dir=nowhere", "nowhere"),
    "several output folders": ("-m output.folder=a,b", "whole sweep"),
    "a list that is not there": ("inputs=none.csv", "none.csv"),
    "a list that is none": ("inputs=file", ".jsonl"),
    "nothing to say": ("tts=espeak", "tts.text"),
    "an empty text": ("tts=espeak tts.text=", "tts.text"),
    "a text without a word": ("tts=espeak tts.text=…!", "tts.text"),
    "a text and nobody to say it": ("tts.text=hello", "tts=espeak"),
    "a language that is none": ("tts=espeak tts.text=hello tts.language=xx", "xx"),
    "a voice that is none": ("tts=espeak tts.text=hello tts.voice=robot", "robot"),
    "a speed beyond espeak-ng": ("tts=espeak tts.text=hello tts.speed=9", "tts.speed"),
    "a speed of nothing": ("tts=espeak tts.text=hello tts.speed=0", "tts.speed"),
    "a voice of one's own for espeak-ng": ("tts=espeak tts.text=hello tts.prompt_audio=file", "tts=cosyvoice"),
    "CosyVoice that is not there": ("tts=cosyvoice tts.text=hello", "tts.code"),
    "a prompt extended by a model that is not there": ("prompt_extend=local_qwen prompt_extend.model=none", "none"),
    "a prompt extended by no model": ("prompt_extend=local_qwen", "prompt_extend.model"),
    "poses without models": ("pose=extract pose.path=file", "pose.detector"),
    "poses of a missing video": ("pose=extract pose.path=none.mp4 pose.detector=file pose.estimator=file", "none.mp4"),
    "poses by a model that is none": ("pose=extract pose.path=file pose.detector=file pose.estimator=file", "file"),
    "a start beyond the end": ("audio.start=99", "audio.start=99"),
    "a start before the beginning": ("audio.start=-1", "0 or more"),
    "nothing of a recording": ("audio.duration=0", "audio.duration"),
    "a loudness above all": ("audio.loudness=3", "audio.loudness=3"),
    "a recording over the limit": ("audio.limit=2", "audio.too_long=cut"),
    "a fit that is none": ("fit=stretch", "'cover'"),
    "an end that is none": ("pose.end=bounce", "'hold'"),
    "no steps at all": ("speed=fast speed.step_share=0", "speed.step_share=0"),
    "guidance beyond noise": ("speed=fast speed.guidance_to=2", "speed.guidance_to=2"),
    "a missing calibration": ("speed=fast speed.calibration=none.json", "s2v-runner calibrate"),
    "a calibration that is none": ("speed=fast speed.calibration=file", "s2v-runner calibrate"),
    "a calibration of another solver": ("speed=fast sampler=euler", "speed.calibration=null"),
    "a calibration of other weights": (
        "model=random speed=fast speed.calibration={calibration}",
        "it was measured on other weights",
    ),
    "a calibration beyond all error": ("calibrate --error 0", "--error 0"),
    "a calibration of no steps": ("calibrate --share 0", "--share 0"),
    "a calibration that goes nowhere": ("calibrate --out nowhere/calibration.json", "nowhere"),
    "a calibration of two schedules": ("calibrate -m sampler.shift=3,5", "calibrate each"),
    "heads that do not divide": ("parallel=ulysses parallel.ulysses_size=3", "Choose one of 1, 2, 4"),
    "halves without guidance": ("parallel=cfg sampler.guide_scale=1", "Choose parallel=ulysses"),
    "processes that nobody starts": ("parallel.ulysses_size=2", "Add parallel=ulysses"),
    "a group of one": ("parallel=ulysses parallel.ulysses_size=1", "Leave parallel out"),
    "weights shared with nobody": ("parallel.dit_fsdp=true", "Add parallel=ulysses"),
    "weights shared and streamed": ("parallel=ulysses parallel.dit_fsdp=true memory=tiny", "Give one of the two"),
    "texts shared and on the CPU": (
        "parallel=ulysses parallel.t5_fsdp=true memory.t5_cpu=true",
        "memory.t5_cpu=true keeps the text encoder on the CPU",
    ),
    "texts shared with nobody": ("parallel.t5_fsdp=true", "Add parallel=ulysses"),
    "one GPU for several processes": ("parallel=ulysses memory.device=cuda:0", "CUDA_VISIBLE_DEVICES"),
    "a device for all workers": ("-m sampler.steps=1,2 parallel=points memory.device=cuda:0", "CUDA_VISIBLE_DEVICES"),
    "workers on and off": ("-m sampler.steps=1,2 parallel=points,single", "parallel: it is one for the whole sweep"),
    "no Slurm": ("-m sampler.steps=1,2 parallel=slurm", "login node"),
    "options of Slurm that are none": (
        "-m sampler.steps=1,2 parallel=slurm parallel.slurm_executor=local parallel.slurm_more=fast",
        "'fast' is no option with a value",
    ),
    "no Ray there": ("-m sampler.steps=1,2 parallel=ray parallel.address=127.0.0.1:9", "no Ray answers there"),
    "a search with workers": (
        "-m search=optuna search.objectives=seconds sampler.steps=int(interval(1,9)) parallel=points",
        "they share the search",
    ),
    "a search with several processes a video": (
        "-m search=optuna search.objectives=seconds sampler.steps=int(interval(2,9)) parallel=ulysses",
        "they share the search",
    ),
    "a face that is none": ("metrics.face=abc", "metrics.face=abc: it is not four numbers"),
    "a face that lacks its size": ("metrics.face=0.1,0.2", "metrics.face=0.1,0.2: it is not four numbers"),
    "a mouth beyond the frame": ("metrics.mouth=1,2,3,4", "metrics.mouth=1,2,3,4: it is not a part of the frame"),
    "a configuration that is not there": ("--config-name other", "other"),
    "a folder of configuration that is not there": ("--config-dir nowhere", "nowhere"),
    "a run that is none": ("reproduce nowhere", "nowhere"),
    "an argument too many": ("list everything", "everything"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_in_one_message(folder: Path, capsys: pytest.CaptureFixture[str], mistake: str):
    typed, expected = MISTAKES[mistake]
    typed = typed.replace("{calibration}", asset("demo_model/calibration.json"))
    before = sorted(folder.rglob("*"))
    assert main(typed.split()) == 2
    said = capsys.readouterr()
    assert expected in said.err
    assert said.err.startswith("s2v-runner: ")
    assert len(said.err.strip().splitlines()) == 1
    assert said.out == ""
    assert sorted(folder.rglob("*")) == before


# Found when PyTorch is asked, so the run has begun and its record says how it ended.
LATE_MISTAKES = {
    "a GPU that is not there": (["memory.device=cuda:7"], "GPUs"),
    "an attention that is none": (["speed.attention=flsh"], "flash"),
    "fused kernels without a GPU": (["speed.kernels=triton"], "Triton does not run on 'cpu'"),
    "attention without its package": (["speed.attention=flash_3"], "pip install 's2v-runner[flash]'"),
    "contradicting memory": (["memory=resident", "memory.offload_model=true"], "contradicts"),
}


@pytest.mark.parametrize("mistake", LATE_MISTAKES)
def test_a_mistake_found_late_is_in_the_record(workshop: Workshop, capsys: pytest.CaptureFixture[str], mistake: str):
    more, expected = LATE_MISTAKES[mistake]
    assert main([*workshop.settings, *more]) == 2
    assert expected in capsys.readouterr().err
    record = workshop.only_record()
    assert record.status == "FAILED"
    assert expected in (record.error or "")
    assert not workshop.strays()


@pytest.mark.parametrize("name", ["Wan2.1_VAE.pth", "models_t5_umt5-xxl-enc-bf16.pth", "config.json"])
def test_a_checkpoint_that_lacks_a_file_is_refused_by_its_name(
    workshop: Workshop, capsys: pytest.CaptureFixture[str], copy_checkpoint: Callable[[], Path], name: str
):
    weights = copy_checkpoint()
    (weights / name).unlink()
    assert main([*workshop.settings, f"model.ckpt_dir={weights}"]) == 2
    assert name in capsys.readouterr().err


@pytest.fixture
def copy_checkpoint(tmp_path: Path) -> Callable[[], Path]:
    return lambda: Path(shutil.copytree(TINY_CHECKPOINT, tmp_path / "weights"))

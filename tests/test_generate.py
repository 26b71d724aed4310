"""The original's command line. Its README's commands stand here as they stand there."""

import re
import shlex
from argparse import Namespace
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from s2v_runner.config.asked import Asked
from s2v_runner.config.schema import RunConfig
from s2v_runner.generate import SETTINGS, SWITCHES, default_name, main
from s2v_runner.placement.processes import NAMES
from s2v_runner.records import FIXED, REFERENCE
from tests.settings import flatten

Compose = Callable[..., RunConfig]
PROMPT = "A man in a red coat talks to the camera, at ease, in front of the sea."
README = {
    "one GPU": (
        "--task s2v-14B --size 1024*704 --ckpt_dir ./Wan2.2-S2V-14B/ --offload_model True --convert_model_dtype "
        f'--prompt "{PROMPT}"  --image "examples/i2v_input.JPG" --audio "examples/talk.wav"'
    ),
    "speech from text": (
        "--task s2v-14B --size 1024*704 --ckpt_dir ./Wan2.2-S2V-14B/ --offload_model True --convert_model_dtype "
        f'--prompt "{PROMPT}"  --image "examples/i2v_input.JPG" --enable_tts '
        '--tts_prompt_audio "examples/zero_shot_prompt.wav" --tts_prompt_text "今天下午我们一起去散步吧。" '
        '--tts_text "早上好，很高兴见到你。"'
    ),
    "several GPUs": (
        "--task s2v-14B --size 1024*704 --ckpt_dir ./Wan2.2-S2V-14B/ --dit_fsdp --t5_fsdp --ulysses_size 8 "
        f'--prompt "{PROMPT}" --image "examples/i2v_input.JPG" --audio "examples/talk.wav"'
    ),
    "a pose video": (
        "--task s2v-14B --size 1024*704 --ckpt_dir ./Wan2.2-S2V-14B/ --dit_fsdp --t5_fsdp --ulysses_size 8 "
        '--prompt "someone sings" --image "examples/pose.png" --audio "examples/sing.MP3" '
        '--pose_video "./examples/pose.mp4" '
    ),
    # The README writes these two for its other models, and says in prose that they serve this one.
    "a quick preview": f'--task s2v-14B --ckpt_dir w --prompt "{PROMPT}" --image a.jpg --audio a.wav --num_clip 1',
    "an extended prompt": (
        f'--task s2v-14B --ckpt_dir weights --prompt "{PROMPT}" --image a.jpg --audio a.wav --use_prompt_extend '
        "--prompt_extend_method 'dashscope' --prompt_extend_target_lang 'zh'"
    ),
}


@pytest.fixture
def compose(monkeypatch: pytest.MonkeyPatch) -> Compose:
    """What the flags compose to. Only what would start the run is left out."""
    started: list[RunConfig] = []

    def note(asked: Asked, command: tuple[str, ...]) -> int:
        assert not asked.is_sweep
        started.extend(point.config for point in asked.compose())
        return 0

    monkeypatch.setattr("s2v_runner.commands.run.carry_out", note)

    def compose(*flags: str) -> RunConfig:
        started.clear()
        assert main(flags) == 0
        (config,) = started
        return config

    return compose


def test_each_flag_sets_its_setting(compose: Compose):
    given: dict[str, tuple[str, object]] = {
        "ckpt_dir": ("my weights, v2", "my weights, v2"),
        "prompt": ("A woman, 'speaking' (softly) = ${x}\n一位女士", "A woman, 'speaking' (softly) = ${x}\n一位女士"),
        "image": ("me, myself.png", "me, myself.png"),
        "audio": ("me=me.wav", "me=me.wav"),
        "infer_frames": ("48", 48),
        "num_clip": ("2", 2),
        "size": ("832*480", "832*480"),
        "max_area": ("400000", 400000),
        "sample_steps": ("20", 20),
        "sample_guide_scale": ("5", 5.0),
        "sample_shift": ("7", 7.0),
        "sample_neg_prompt": ("", ""),
        "prompt_extend_model": ("Qwen/Qwen2.5-14B", "Qwen/Qwen2.5-14B"),
        "prompt_extend_target_lang": ("en", "en"),
        "tts_text": ("你好, 世界", "你好, 世界"),
        "tts_prompt_audio": ("voice.wav", "voice.wav"),
        "tts_prompt_text": ("希望", "希望"),
        "pose_video": ("pose.mp4", "pose.mp4"),
        "ulysses_size": ("8", 8),
        "offload_model": ("False", False),
        "base_seed": ("-5", -1),
        "save_file": ("out/{base_seed}, a.mp4", "out/{base_seed}, a.mp4"),
    }
    assert given.keys() == SETTINGS.keys()
    flags = [word for name, (typed, _) in given.items() for word in (f"--{name}", typed)]
    config = compose(*flags, *(f"--{name}" for name in SWITCHES))
    made = flatten(config.model_dump())
    assert {name: made[key] for name, key in SETTINGS.items()} == {name: value for name, (_, value) in given.items()}
    assert {name: made[key] for name, key in SWITCHES.items()} == dict.fromkeys(SWITCHES, True)
    assert (config.pose.method, config.tts.method, config.prompt_extend.method) == ("video", "none", "none")


def test_flags_that_choose(compose: Compose):
    config = compose(
        *("--sample_solver", "dpm++", "--compat", "reference"),
        *("--enable_tts", "--use_prompt_extend", "--prompt_extend_method", "dashscope"),
    )
    assert config.sampler.solver == "dpmpp"
    assert config.compat.model_dump() == vars(REFERENCE)
    assert (config.tts.method, config.prompt_extend.method) == ("cosyvoice", "dashscope")


def test_what_is_not_given_is_the_originals_own(compose: Compose):
    config = compose()
    sampler = config.sampler
    assert (sampler.solver, sampler.steps, sampler.guide_scale, sampler.shift) == ("unipc", 40, 4.5, 3.0)
    assert (config.resolution.size, config.resolution.fit, config.resolution.max_area) == ("1280*720", "area", None)
    assert (config.infer_frames, config.num_clip, config.base_seed, config.start_from_ref) == (80, None, -1, False)
    assert (config.negative_prompt, config.model.random_seed, config.model.ckpt_dir) == (None, None, None)
    assert (config.memory.offload_model, config.memory.t5_cpu, config.parallel.ulysses_size) == ("auto", False, "auto")
    assert config.compat.model_dump() == vars(FIXED)
    assert compose("--use_prompt_extend").prompt_extend.method == "local_qwen"


def test_the_shift_stays_3_for_frames_of_any_size(compose: Compose):
    for size in ("1280*720", "832*480"):
        assert compose("--size", size).sampler.shift == 3.0


@pytest.mark.parametrize(("typed", "meant"), [("True", True), ("n", False)])
def test_whether_to_offload_is_said_in_words(compose: Compose, typed: str, meant: bool):
    assert compose("--offload_model", typed).memory.offload_model is meant


@pytest.mark.parametrize("name", README)
def test_the_originals_examples_are_understood(compose: Compose, name: str):
    config = compose(*shlex.split(README[name]))
    assert config.model.ckpt_dir is not None
    assert (config.prompt == PROMPT) is (name != "a pose video")
    several = "ulysses_size 8" in README[name]
    parallel = config.parallel
    assert (parallel.mode, parallel.ulysses_size) == (("ulysses", 8) if several else ("single", "auto"))
    assert (parallel.dit_fsdp, parallel.t5_fsdp) == (several, several)


def test_launched_processes_make_one_video_whether_or_not_the_flag_says_so(
    compose: Compose, monkeypatch: pytest.MonkeyPatch
):
    for name, value in zip(NAMES, ("0", "2", "0", "2", "localhost", "29500"), strict=True):
        monkeypatch.setenv(name, value)
    assert (compose().parallel.mode, compose().parallel.ulysses_size) == ("ulysses", "auto")
    assert compose("--ulysses_size", "2").parallel.ulysses_size == 2


def test_what_the_examples_ask_for(compose: Compose):
    one = compose(*shlex.split(README["one GPU"]))
    assert (one.resolution.size, one.memory.offload_model, one.memory.convert_model_dtype) == ("1024*704", True, True)
    assert (one.image, one.audio.path) == ("examples/i2v_input.JPG", "examples/talk.wav")
    speech = compose(*shlex.split(README["speech from text"])).tts
    assert (speech.method, speech.prompt_text) == ("cosyvoice", "今天下午我们一起去散步吧。")
    pose = compose(*shlex.split(README["a pose video"]))
    assert (pose.pose.method, pose.pose.path) == ("video", "./examples/pose.mp4")
    assert compose(*shlex.split(README["a quick preview"])).num_clip == 1
    assert compose(*shlex.split(README["an extended prompt"])).prompt_extend.target_lang == "zh"


@pytest.mark.parametrize(
    ("prompt", "shown"),
    [
        ("A cat, on a board.", "A_cat_on_a_board."),
        ("AC/DC: live/.. \\ 'loud'\n{base_seed} *", "AC_DC_live_.._loud_base_seed"),
        ("春天来了花园里的花都开了" * 99, ("春天来了花园里的花都开了" * 99)[:50]),
        ("𠀀" * 99, "𠀀" * 50),
        ("😀", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_a_video_without_a_name_gets_the_originals_made_safe(prompt: str | None, shown: str):
    options = Namespace(task="s2v-14B", ulysses_size=8, prompt=prompt)
    name = default_name(options, (1280, 720), datetime(2026, 3, 1, 9, 5, 7))
    assert name == f"s2v-14B_1280x720_8_{shown}_20260301_090507.mp4"
    assert len(name.encode()) <= 255


def test_a_name_never_grows_beyond_255_bytes():
    for digits in range(40, 44):
        options = Namespace(task="s2v-14B", ulysses_size=10**digits, prompt="𠀀" * 50)
        name = default_name(options, (1280, 720), datetime(2026, 3, 1))
        assert 252 <= len(name.encode()) <= 255
        assert name.endswith("𠀀_20260301_000000.mp4")


def test_the_name_is_given_to_the_run(compose: Compose):
    name = compose("--prompt", "A cat", "--size", "1024*704").save_file
    assert re.fullmatch(r"s2v-14B_1024x704_1_A_cat_\d{8}_\d{6}\.mp4", name or "")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("--sample_step 20", "'--sample_step': the original has no such flag. Did you mean '--sample_steps'?"),
        ("--prompt a woman", "'woman': the original has no such flag"),
        ("--task t2v-A14B --frame_num 81", "--task t2v-A14B: this project runs the speech-to-video model"),
        ("--frame_num 81", "--frame_num: it belongs to other models"),
        ("--replace_flag", "--replace_flag: it belongs to other models"),
        ("--refert_num 1", "--refert_num: it belongs to other models"),
        ("--src_root_path here", "--src_root_path: it belongs to other models"),
        ("--use_relighting_lora", "--use_relighting_lora: it belongs to other models"),
        ("--size 720p", "--size 720p: it is no width*height"),
        ("--size 1280x720", "--size 1280x720: it is no width*height"),
        ("--image absent.png --ckpt_dir absent", "checkpoint folder 'absent'"),
        ("", "model.ckpt_dir: the folder of the weights is not given"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], flags: str, said: str
):
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(flags)) == 2
    output = capsys.readouterr()
    assert said in output.err
    assert output.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "flags", ["--sample_steps many", "--sample_solver euler", "--offload_model maybe", "--prompt", "--compat both"]
)
def test_values_that_a_flag_does_not_take_are_refused(capsys: pytest.CaptureFixture[str], flags: str):
    with pytest.raises(SystemExit) as stopped:
        main(flags.split())
    assert stopped.value.code == 2
    assert flags.split()[0] in capsys.readouterr().err

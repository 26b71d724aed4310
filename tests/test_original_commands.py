"""The original's example command lines, run as they stand but for the program's name: small inputs keep them short."""

import shlex
import shutil
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from s2v_runner.generate import main
from tests.inputs.prompt.asking import CHINESE, KEY
from tests.inputs.prompt.loopback import answer_parts, serving
from tests.inputs.speech.cosyvoice.standin import make_standin, write_recording
from tests.parallel.processes import started
from tests.places import TINY_CHECKPOINT
from tests.runs import read_json

PROMPT = "A man in a red coat talks to the camera, at ease, in front of the sea."
GIVEN = "--task s2v-14B --ckpt_dir D --image I.png --audio A.wav --prompt \"Someone speaks, 'calmly' / to us\""
COMMANDS = {
    "basic": ("--size 1024*704 --sample_steps 50 --sample_guide_scale 7.5", 50, 3.0),
    "high quality": (
        "--size 1280*720 --infer_frames 112 --sample_steps 60 --sample_guide_scale 5.0 --sample_shift 5.0",
        60,
        5.0,
    ),
    "fast preview": (
        "--size 960*544 --infer_frames 48 --sample_steps 25 --sample_guide_scale 4.0 --sample_shift 3.0",
        25,
        3.0,
    ),
    "several clips": ("--num_clip 5 --infer_frames 8 --sample_steps 2", 2, 3.0),
    "pose": ("--pose_video V.mp4 --start_from_ref --sample_steps 2", 2, 3.0),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(TINY_CHECKPOINT, tmp_path / "D")
    noise = np.random.default_rng(0)
    Image.fromarray(noise.integers(0, 256, (64, 64, 3), np.uint8)).save("I.png")
    soundfile.write("A.wav", noise.normal(0, 0.1, 16000), 16000)
    shutil.copy(TINY_CHECKPOINT.parent / "pose.mp4", "V.mp4")
    return tmp_path


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_of_the_original_makes_its_video(folder: Path, name: str):
    more, steps, shift = COMMANDS[name]
    assert main(shlex.split(f"{GIVEN} {more}")) == 0
    (video,) = set(folder.glob("*.mp4")) - {folder / "V.mp4"}
    assert video.name.startswith("s2v-14B_")
    assert "_1_Someone_speaks_calmly_to_us_" in video.name
    with av.open(str(video)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 16
        assert container.streams.audio
    (record,) = (read_json(path) for path in folder.glob("outputs/runs/*/*/record.json"))
    assert record["resolved"]["sampler"]["steps"] == steps
    assert record["resolved"]["sampler"]["shift"] == shift
    assert record["choices"]["compat"] == "fixed"


def test_the_example_for_several_gpus_runs_under_torchrun(folder: Path):
    words = shlex.split(
        "--task s2v-14B --size 1024*704 --ckpt_dir D --dit_fsdp --t5_fsdp --ulysses_size 2 "
        f'--prompt "{PROMPT}" --image "I.png" --audio "A.wav" --sample_steps 2'
    )
    script = Path(__file__).parent.parent / "generate.py"
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", str(script), *words]
    with started(folder, *launch) as command:
        status, output = command.end()
    assert status == 0, output
    (video,) = set(folder.glob("*.mp4")) - {folder / "V.mp4"}
    # The original puts the number of processes into the name.
    assert "_2_A_man_in_a_red_coat" in video.name
    assert "2 processes share its tokens; the weights of the transformer and the text encoder shared out" in output
    (record,) = (read_json(path) for path in folder.glob("outputs/runs/*/*/record.json"))
    assert (record["status"], record["frames"]["count"]) == ("FINISHED", 16)


def test_the_example_that_speaks_a_text_speaks_it(folder: Path, monkeypatch: pytest.MonkeyPatch):
    # Where the original looks for them.
    standin = make_standin(folder / "standin", generation=2)
    Path("CosyVoice").symlink_to(standin.code)
    Path("CosyVoice2-0.5B").symlink_to(standin.weights)
    Path("examples").mkdir()
    write_recording(folder / "examples" / "zero_shot_prompt.wav")
    monkeypatch.setenv("COSYVOICE_PYTHON", sys.executable)
    words = shlex.split(
        "--task s2v-14B --size 1024*704 --ckpt_dir D --offload_model True --convert_model_dtype "
        f'--prompt "{PROMPT}" --image "I.png" --enable_tts --tts_prompt_audio "examples/zero_shot_prompt.wav" '
        '--tts_prompt_text "希望你以后能够做的比我还好呦。" --tts_text "早上好，很高兴见到你。"'
    )
    assert main([*words, "--sample_steps", "1"]) == 0
    (record,) = (read_json(path) for path in folder.glob("outputs/runs/*/*/record.json"))
    assert record["prepared"]["speech"]["facts"]["mode"] == "zero-shot"
    (video,) = folder.glob("s2v-14B_*.mp4")
    with av.open(str(video)) as container:
        assert container.streams.audio
    assert not list(folder.glob("tts.wav"))


def test_the_example_that_follows_poses_follows_them(folder: Path):
    Path("examples").mkdir()
    tone = np.sin(np.arange(24000) * 2 * np.pi * 220 / 24000) * 0.3
    soundfile.write("examples/sing.MP3", tone, 24000, format="MP3")
    shutil.copy("V.mp4", "examples/pose.mp4")
    shutil.copy("I.png", "examples/pose.png")
    words = (
        '--task s2v-14B --size 1024*704 --ckpt_dir D --prompt "someone sings" --image "examples/pose.png" '
        '--audio "examples/sing.MP3" --pose_video "./examples/pose.mp4" --sample_steps 1'
    )
    assert main(shlex.split(words)) == 0
    (record,) = (read_json(path) for path in folder.glob("outputs/runs/*/*/record.json"))
    assert record["inputs"]["pose"]["path"].endswith("examples/pose.mp4")
    assert record["frames"]["count"] == 16


def test_the_example_that_extends_the_prompt_extends_it(folder: Path, monkeypatch: pytest.MonkeyPatch):
    more = "--use_prompt_extend --prompt_extend_method 'dashscope' --prompt_extend_target_lang 'zh' --sample_steps 1"
    with serving(answer_parts(CHINESE)) as service:
        # The original's names for both.
        monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
        monkeypatch.setenv("DASH_API_KEY", KEY)
        monkeypatch.setenv("DASH_API_URL", service.url)
        assert main(shlex.split(f"{GIVEN} {more}")) == 0
    (record,) = (read_json(path) for path in folder.glob("outputs/runs/*/*/record.json"))
    assert record["prepared"]["prompt"]["text"] == CHINESE


def test_compat_reference_makes_what_the_original_makes(folder: Path):
    assert (
        main(
            shlex.split(f"{GIVEN} --infer_frames 8 --sample_steps 1 --num_clip 1 --compat reference --save_file x.mp4")
        )
        == 0
    )
    with av.open("x.mp4") as container:
        # Whole clips, less the three frames that the first one loses.
        assert sum(1 for _ in container.decode(video=0)) == 5

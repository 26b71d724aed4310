import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from s2v_runner.config.compose import compose_run
from s2v_runner.errors import InputError
from s2v_runner.estimate import PLAIN_BFLOAT16
from s2v_runner.prepare import PreparedRun, draw_seed, prepare_run
from s2v_runner.records import FIXED, REFERENCE
from tests.places import TINY_CHECKPOINT
from tests.settings import config_with

Prepare = Callable[..., PreparedRun]


@pytest.fixture
def prepare(picture_file: Path, speech_file: Path, tmp_path: Path) -> Prepare:
    """Prepares a run of the small inputs with keys changed."""

    def prepare(changes: dict[str, Any] | None = None) -> PreparedRun:
        inputs = {
            "image": str(picture_file),
            "audio.path": str(speech_file),
            "output.folder": str(tmp_path / "outputs"),
        }
        return prepare_run(config_with({**inputs, **(changes or {})}))

    return prepare


@pytest.fixture
def pose_file(tmp_path: Path) -> Path:
    return Path(shutil.copy(TINY_CHECKPOINT.parent / "pose.mp4", tmp_path / "pose.mp4"))


def real(folder: Path) -> dict[str, Any]:
    return {"model.ckpt_dir": str(folder), "model.random_seed": None, "model.max_area": None}


@pytest.mark.parametrize(
    "changes",
    [
        {"save_file": "copy.mp4"},
        {"dry_run": True},
        {"resume": "force"},
        {"output.crf": 20, "output.frames": "png", "output.audio_kbps": 64},
        {"output.folder": "elsewhere"},
        {"output.latents": False},
        {"metrics.method": "none"},
        {"metrics.face": "0.3,0.2,0.4,0.4", "metrics.mouth": "0.4,0.5,0.2,0.1"},
        {"tracking.backend": "none"},
        {"tracking.uri": "http://localhost:5000", "tracking.experiment": "x", "tracking.run_name": "y"},
        {"sampler.guide_scale": 4.50},
        {"model.sampling_steps": 3, "model.sampling_guide_scale": 1.0},
        {"model.step_share": 0.1, "model.calibration": "absent.json"},
    ],
)
def test_a_run_is_the_same_wherever_it_goes_and_whoever_is_told(prepare: Prepare, changes: dict[str, Any]):
    assert prepare(changes).identity == prepare().identity


def test_a_run_is_the_same_on_several_machines(prepare: Prepare):
    several = {"parallel.mode": "ulysses", "parallel.ulysses_size": 4, "parallel.dit_fsdp": True}
    assert prepare(several).identity == prepare().identity


# Keys whose defaults are choices of compat.
_KEYS_OF_COMPAT = {"picture_fit": "fit", "pose_end": "pose.end"}
CHANGES: list[dict[str, Any]] = [
    {"prompt": "A man"},
    {"negative_prompt": ""},
    {"negative_prompt": "blurry"},
    {"infer_frames": 48},
    {"num_clip": 1},
    {"num_clip": 2},
    {"base_seed": 0},
    {"base_seed": 1},
    {"start_from_ref": True},
    {"model.random_seed": 1},
    {"model.motion_frames": 37},
    {"model.sample_fps": 25},
    {"sampler.solver": "euler"},
    {"sampler.steps": 39},
    {"sampler.guide_scale": 4.4},
    {"sampler.shift": 3.0},
    {"sampler.shift": 5.0},
    {"resolution.size": "960*544"},
    {"resolution.size": "64*64", "resolution.fit": "exact"},
    {"resolution.size": "64*64"},
    {"resolution.max_area": 8192},
    {"speed.attention": "sdpa_math"},
    {"speed.guidance_from": 0.1},
    {"speed.guidance_to": 0.9},
    {"speed.guidance_every": 2},
    {"speed.step_share": 0.5},
    {"memory.convert_model_dtype": True},
    *({_KEYS_OF_COMPAT.get(name, f"compat.{name}"): value} for name, value in vars(REFERENCE).items()),
    {"audio.start": 0.1},
    {"audio.duration": 0.5},
    {"audio.loudness": -23.0},
    {"audio.fade": 0.1},
    {"tts.method": "espeak", "tts.text": "hello"},
    {"tts.method": "espeak", "tts.text": "hello", "tts.speed": 1.5},
    {"tts.method": "espeak", "tts.text": "hello", "tts.voice": "en-gb"},
]


def test_each_setting_that_matters_makes_another_run(prepare: Prepare):
    identities = [prepare(changes).identity for changes in ({}, *CHANGES)]
    assert len(set(identities)) == len(CHANGES) + 1
    assert vars(FIXED).keys() == vars(REFERENCE).keys()


def test_inputs_are_known_by_their_content_and_not_by_their_path(
    prepare: Prepare, picture_file: Path, speech_file: Path, pose_file: Path, tmp_path: Path
):
    names = {"image": picture_file, "audio.path": speech_file, "pose.path": pose_file}
    given = {"pose.method": "video", **{key: str(path) for key, path in names.items()}}
    identity = prepare(given).identity
    (tmp_path / "moved").mkdir()
    for key, path in names.items():
        moved = Path(shutil.copy(path, tmp_path / "moved" / f"another{path.suffix}"))
        assert prepare({**given, key: str(moved)}).identity == identity, key
        with moved.open("ab") as file:
            file.write(b"\0\0")
        assert prepare({**given, key: str(moved)}).identity != identity, key


def test_a_prompt_is_the_same_from_a_file(prepare: Prepare, tmp_path: Path):
    path = tmp_path / "prompt.txt"
    path.write_text("A woman, 'speaking'\n", encoding="utf-8")
    from_file = prepare({"prompt_file": str(path)})
    assert from_file.identity == prepare({"prompt": "A woman, 'speaking'"}).identity
    assert from_file.request.prompt == "A woman, 'speaking'"


def test_a_checkpoint_is_known_by_its_content(prepare: Prepare, tmp_path: Path):
    moved = Path(shutil.copytree(TINY_CHECKPOINT, tmp_path / "moved"))
    one, other = prepare(real(TINY_CHECKPOINT)), prepare(real(moved))
    assert one.identity == other.identity != prepare().identity
    assert one.checkpoint is not None
    assert one.checkpoint.layout == "official"
    with (moved / "Wan2.1_VAE.pth").open("ab") as file:
        file.write(b"\0")
    assert prepare(real(moved)).identity != one.identity


def test_the_random_model_is_the_same_before_it_is_made_and_after(prepare: Prepare, tmp_path: Path):
    before = prepare()
    assert before.checkpoint is None
    shutil.copytree(TINY_CHECKPOINT, before.checkpoint_path)
    after = prepare()
    assert after.checkpoint is not None
    assert after.identity == before.identity
    assert before.checkpoint_path.is_relative_to(tmp_path / "outputs")


def test_inputs_are_told_by_path_content_and_size(prepare: Prepare, pose_file: Path, speech_file: Path):
    run = prepare({"pose.method": "video", "pose.path": str(pose_file)})
    assert set(run.inputs) == {"image", "audio", "pose"}
    assert run.inputs["audio"]["path"] == str(speech_file)
    assert run.inputs["audio"]["bytes"] == speech_file.stat().st_size
    assert all(len(given["sha256"]) == 64 for given in run.inputs.values())


def test_a_seed_to_be_drawn_is_left_open(prepare: Prepare):
    run = prepare({"base_seed": -1, "infer_frames": 8})
    assert run.config.base_seed == -1
    drawn = run.with_seed(41)
    assert drawn.request.base_seed == 41
    assert drawn.plan.clip_seeds == (41, 42, 43)
    assert (drawn.identity, drawn.config) == (run.identity, run.config)


def test_drawn_seeds_differ_and_can_be_given():
    seeds = {draw_seed() for _ in range(20)}
    assert len(seeds) > 15
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_the_plan_is_of_the_inputs_as_they_are(prepare: Prepare):
    run = prepare()
    assert (run.picture_size, run.sound.seconds) == ((80, 96), 1.0)
    assert (run.plan.num_frames, run.plan.height, run.plan.width) == (16, 128, 128)


def test_a_cost_is_of_one_pass_without_guidance_and_of_two_with_it(prepare: Prepare):
    costs = [prepare({"sampler.guide_scale": scale}).estimate_cost(PLAIN_BFLOAT16) for scale in (0.5, 1.0, 1.1)]
    operations = [cost.operations for cost in costs if cost is not None]
    assert operations == [operations[0], operations[0], 2 * operations[0]]


def test_a_checkpoint_that_does_not_say_how_big_it_is_has_no_cost(prepare: Prepare, tmp_path: Path):
    shutil.copytree(TINY_CHECKPOINT, tmp_path / "weights", ignore=shutil.ignore_patterns("config.json"))
    assert prepare(real(tmp_path / "weights")).estimate_cost(PLAIN_BFLOAT16) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model.ckpt_dir": "weights"}, "model.ckpt_dir=weights: model.random_seed=0 makes weights of its own"),
        ({"model.random_seed": None}, "model.ckpt_dir: the folder of the weights is not given. .*hf download"),
        (real(Path("absent")), "checkpoint folder 'absent': there is no such folder"),
        ({"image": "absent.png"}, "image 'absent.png': there is no such file"),
        ({"audio.path": "absent.wav"}, r"audio\.path 'absent.wav': there is no such file"),
        ({"pose.method": "video", "pose.path": "absent.mp4"}, r"pose\.path 'absent.mp4': there is no such file"),
        ({"pose.method": "video", "pose.path": "long" * 99}, r"^pose\.path 'long.*it cannot be read"),
        ({"output.folder": "long" * 99}, r"^output\.folder=long.*it cannot be looked into"),
        ({"infer_frames": 81}, "infer_frames=81"),
        ({"sampler.steps": 0}, r"sampler\.steps=0"),
        ({"parallel.dit_fsdp": True}, r"parallel\.dit_fsdp=true: there is one process"),
        (
            {"parallel.mode": "ulysses", "parallel.ulysses_size": 3},
            "4 heads do not divide among 3 processes. .*1, 2, 4",
        ),
        ({"tts.method": "espeak"}, r"^tts\.text"),
        ({"tts.text": "hello"}, r"^tts\.text=hello: it is given and tts=none"),
        ({"pose.method": "extract", "pose.path": "dance.mp4"}, r"^pose\.detector: .*yolox_l\.onnx"),
        ({"metrics.face": "0.1,0.2"}, r"^metrics\.face=0\.1,0\.2: it is not four numbers"),
        ({"metrics.mouth": "1,2,3,4"}, r"^metrics\.mouth=1,2,3,4: it is not a part of the frame"),
    ],
)
def test_what_is_wrong_is_found_before_anything_is_loaded(prepare: Prepare, changes: dict[str, Any], said: str):
    with pytest.raises(InputError, match=said):
        prepare(changes)


def test_the_run_that_comes_with_the_project_can_be_prepared(tmp_path: Path):
    run = prepare_run(compose_run([f"output.folder={tmp_path}"]).config)
    assert run.plan.height * run.plan.width == 128 * 128
    advice = run.config.model
    assert (run.request.steps, run.request.guide_scale) == (advice.sampling_steps, advice.sampling_guide_scale)
    assert list(tmp_path.iterdir()) == []


def write_lora(path: Path, value: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"diffusion_model.blocks.0.self_attn.q.diff_b": torch.full((80,), value)}, path)
    return path


def test_loras_are_known_by_content_scale_and_order(prepare: Prepare, tmp_path: Path):
    one, other = (write_lora(tmp_path / f"{value}.safetensors", value) for value in (1.0, 2.0))
    moved = write_lora(tmp_path / "elsewhere" / "moved.safetensors", 1.0)
    none = real(TINY_CHECKPOINT)

    def identity(loras: str | None) -> str:
        return prepare({**none, "model.loras": loras}).identity

    assert identity(f"{one}") == identity(f"{moved}:1.0")
    different = (None, f"{one}", f"{other}", f"{one}:0.5", f"{one}:0", f"{one}+{other}", f"{other}+{one}")
    assert len({identity(loras) for loras in different}) == len(different)
    write_lora(one, 3.0)
    assert identity(f"{one}") != identity(f"{moved}")


def test_loras_are_held_against_the_weights_before_anything_is_loaded(prepare: Prepare, tmp_path: Path):
    path = tmp_path / "a.safetensors"
    save_file({"diffusion_model.blocks.0.self_attn.q.diff_b": torch.zeros(5120)}, path)
    with pytest.raises(InputError, match="1 of its 1 tensors are not of the shapes"):
        prepare({**real(TINY_CHECKPOINT), "model.loras": str(path)})

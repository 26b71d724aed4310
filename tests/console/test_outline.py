import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from s2v_runner.config.places import asset
from s2v_runner.console.outline import place_lines, plan_lines, plan_numbers
from s2v_runner.placement.choice import Placement
from s2v_runner.prepare import PreparedRun, prepare_run
from tests.places import TINY_CHECKPOINT
from tests.settings import config_with

PLACE = Placement(
    device="cuda",
    text_device="cuda",
    dtype="bfloat16",
    attention="sdpa_cudnn",
    kernels="triton",
    matrices="model",
    autoencoder_dtype="float16",
    memory="resident",
    reason="it fits",
)


@pytest.fixture
def prepare(picture_file: Path, tmp_path: Path):
    """Prepares a run of eleven seconds of speech with keys changed."""
    speech = tmp_path / "speech.wav"
    soundfile.write(speech, np.full(11 * 8000, 0.1), 8000)
    inputs = {"image": str(picture_file), "audio.path": str(speech), "output.folder": "outputs"}
    return lambda changes: prepare_run(config_with({**inputs, **changes}))


def facts(lines: list[str]) -> dict[str, str]:
    """What each line says, by its name."""
    matches = [re.fullmatch(r"  (\w+) +(.*)", line) for line in lines]
    return {match[1]: match[2] for match in matches if match is not None}


def test_a_plan_is_a_line_a_fact(prepare):
    run = prepare({"base_seed": 7})
    assert facts(plan_lines(run)) == {
        "model": "tiny and random (seed 0): it shows how things work, and no face",
        "size": "128x128  (asked 1024*704 as area, picture 96x80, cap 16384 pixels)",
        "video": "176 frames, 11.00 s at 16 fps, in 3 clips of 80 frames  (speech 11.00 s)",
        "tokens": "1,344 in the first clip, 1,440 in later ones",
        "sampler": "unipc, 40 steps, guidance 4.5, shift 3 (auto: 16384 pixels, below 901120)",
        "seeds": "7, 8, 9",
        "identity": run.identity[:12],
    }


@pytest.mark.parametrize(
    ("changes", "name", "said"),
    [
        (
            {"num_clip": 1},
            "video",
            "77 frames, 4.81 s at 16 fps, in 1 clip of 80 frames  (speech 11.00 s, so the speech is cut)",
        ),
        ({"num_clip": 1}, "tokens", "1,344"),
        ({"num_clip": 1, "start_from_ref": True}, "tokens", "1,440"),
        ({"start_from_ref": True}, "tokens", "1,440 in the first clip, 1,440 in later ones"),
        (
            {"resolution.size": "100*60", "resolution.fit": "exact"},
            "size",
            "100x60, cut from 128x64  (asked 100*60 as exact, picture 96x80, cap 16384 pixels)",
        ),
        ({"resolution.max_area": None}, "size", "128x128  (asked 1024*704 as area, picture 96x80, no cap)"),
        ({"sampler.shift": 4}, "sampler", "unipc, 40 steps, guidance 4.5, shift 4"),
        (
            {"resolution.size": "1280*704", "resolution.fit": "exact", "resolution.max_area": None},
            "sampler",
            "unipc, 40 steps, guidance 4.5, shift 5 (auto: 901120 pixels, from 901120)",
        ),
        ({"base_seed": -1, "dry_run": True}, "seeds", "drawn when the run starts, one more for each clip"),
        ({"base_seed": 0, "infer_frames": 8}, "seeds", "0, 1, 2, 3, …"),
        (
            {"model.ckpt_dir": str(TINY_CHECKPOINT), "model.random_seed": None},
            "model",
            f"{TINY_CHECKPOINT}, official layout",
        ),
        (
            {"model.ckpt_dir": asset("demo_model"), "model.random_seed": None},
            "model",
            "the small one that comes along, trained on drawn people",
        ),
    ],
)
def test_what_differs_is_said(prepare, changes: dict[str, Any], name: str, said: str):
    assert facts(plan_lines(prepare(changes)))[name] == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"step_share": 0.5}, "40 of 80 a clip: 20 of 40 steps taken (evenly), 20 with guidance"),
        (
            {"step_share": 0.5, "guidance_every": 2},
            "30 of 80 a clip: 20 of 40 steps taken (evenly), 10 with guidance, 10 with the guidance of a step before",
        ),
        (
            {"guidance_from": 0.5},
            "70 of 80 a clip: 30 with guidance, 10 without guidance",
        ),
    ],
)
def test_passes_that_are_left_out_are_said(prepare, changes: dict[str, Any], said: str):
    run = prepare({f"speed.{key}": value for key, value in {"mode": "fast", **changes}.items()})
    assert facts(plan_lines(run))["passes"] == said
    exact, cost = prepare({}).estimate_cost(PLACE.form), run.estimate_cost(PLACE.form)
    assert cost.operations / exact.operations == pytest.approx(int(said[:2]) / 80)


def test_a_drawn_seed_is_shown_as_drawn(prepare):
    run: PreparedRun = prepare({"base_seed": -1})
    assert facts(plan_lines(run.with_seed(41)))["seeds"] == "drawn: 41, 42, 43"


def test_what_is_loaded_and_what_it_costs(prepare):
    run: PreparedRun = prepare({})
    cost = run.estimate_cost(PLACE.form)
    assert cost is not None
    told = facts(place_lines(run, PLACE, cost))
    assert told["place"] == "cuda, bfloat16, attention sdpa_cudnn, triton kernels"
    assert told["memory"] == "resident: every part stays loaded (it fits)"
    assert told["loads"] == (
        "transformer 7.0 MiB to cuda, vae 3.5 MiB to cuda, text encoder 389 KiB to cuda, "
        "audio encoder 249 KiB to cuda, from outputs/cache/random_checkpoint_1_0"
    )
    assert re.fullmatch(
        r"\d+\.\d MiB of memory at the peak, 1\d\.\d MiB of it to work in; [\d.]+ TFLOP in the transformer",
        told["estimate"],
    )


def test_a_part_that_is_elsewhere_is_said(prepare):
    run: PreparedRun = prepare({})
    apart = replace(PLACE, text_device="cpu", matrices="float8", memory="offload", reason="memory=offload")
    told = facts(place_lines(run, apart, run.estimate_cost(PLACE.form)))
    assert told["place"] == "cuda, bfloat16, matrices in float8, attention sdpa_cudnn, triton kernels"
    assert told["memory"] == "offload: encoders wait in main memory, text encoder on the CPU (memory=offload)"
    assert "text encoder 389 KiB to cpu, audio encoder 249 KiB to cuda" in told["loads"]


def test_what_is_not_known_is_not_made_up(prepare):
    told = facts(place_lines(prepare({}), PLACE, None))
    assert told["loads"] == "from outputs/cache/random_checkpoint_1_0"
    assert told["estimate"] == "none: the checkpoint does not say how big it is"


def test_every_number_is_for_the_record(prepare):
    run: PreparedRun = prepare({"base_seed": 7})
    cost = run.estimate_cost(PLACE.form)
    assert cost is not None
    numbers = json.loads(json.dumps(plan_numbers(run, PLACE, cost)))
    assert (numbers["width"], numbers["output_width"], numbers["num_clips"], numbers["shift"]) == (128, 128, 3, 3.0)
    assert (numbers["seconds"], numbers["asked_area"], numbers["picture_size"]) == (11.0, 16384, [80, 96])
    assert (numbers["tokens_first_clip"], numbers["tokens_later_clips"]) == (1344, 1440)
    assert numbers["clip_seeds"] == [7, 8, 9]
    assert (numbers["passes"], numbers["passes_a_clip"]) == (["guided"] * 40, 80)
    assert numbers["placement"]["device"] == "cuda"
    assert numbers["estimate"]["resident_bytes"] == cost.peak_bytes("resident")
    assert "estimate" not in plan_numbers(run, PLACE, None)

"""The CLIP score, with a tiny model."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPModel

from s2v_runner.errors import InputError
from s2v_runner.metrics.weighted.clip import ClipGauge
from tests.metrics.weighted.folders import NUM_TOKENS, SIDE, write_clip, write_dinov2
from tests.metrics.weighted.videos import draw, show, the_value

CPU = torch.device("cpu")
START, END = 52, 53


@pytest.fixture
def clip(tmp_path: Path) -> CLIPModel:
    return write_clip(tmp_path / "clip")


def score(clip: CLIPModel, tokens: list[int], square: np.ndarray) -> float:
    """By the model's own output, for a picture that needs no change of size."""
    pixels = torch.from_numpy(square.transpose(2, 0, 1)[None].copy()).float() / 127.5 - 1
    with torch.inference_mode():
        output = clip(input_ids=torch.tensor([[START, *tokens, END]]), pixel_values=pixels)
    return 100 * float((output.text_embeds * output.image_embeds).sum())


def test_the_score_is_a_hundred_times_the_cosine_and_not_below_zero(clip: CLIPModel, tmp_path: Path):
    # Of a wide frame the square in the middle is seen.
    frame = draw(0, SIDE, SIDE + 32)
    cosine = score(clip, [0, 27], frame[:, 16:-16])
    gauge = ClipGauge(tmp_path / "clip", "ab", 16, CPU)
    # The other way round, one of the two is above zero.
    clip.visual_projection.weight.data *= -1
    clip.save_pretrained(tmp_path / "clip")
    opposite = ClipGauge(tmp_path / "clip", "ab", 16, CPU)
    scores = [the_value(show(each, [frame], None), "clip_score") for each in (gauge, opposite)]
    assert scores == pytest.approx([max(0.0, cosine), max(0.0, -cosine)], abs=1e-3)
    assert max(scores) > 1


def test_a_long_prompt_is_cut_off(clip: CLIPModel, tmp_path: Path):
    frame = draw(3, SIDE, SIDE)
    fitting = NUM_TOKENS - 2
    long = ClipGauge(tmp_path / "clip", "a " * 200, 16, CPU)
    expected = score(clip, [26] * fitting, frame)
    assert the_value(show(long, [frame], None), "clip_score") == pytest.approx(max(0.0, expected), abs=1e-3)
    cut = ClipGauge(tmp_path / "clip", "a " * fitting, 16, CPU)
    torch.testing.assert_close(long._prompt_D, cut._prompt_D)


def test_an_empty_prompt_has_no_score(clip: CLIPModel, tmp_path: Path):
    measures = show(ClipGauge(tmp_path / "clip", " ", 16, CPU), [draw(0, SIDE, SIDE)], None)
    assert measures["clip_score"].reason == "the prompt is empty"


def refused(folder: Path, problem: str) -> None:
    with pytest.raises(InputError, match=f"metrics.clip='{re.escape(str(folder))}': {problem}") as caught:
        ClipGauge(folder, "a", 16, CPU)
    assert "\n" not in str(caught.value)
    assert "openai/clip-vit-base-patch32" in caught.value.remedy


def test_other_weights_are_refused(clip: CLIPModel, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    file = tmp_path / "clip" / "model.safetensors"
    weights = load_file(file)
    capfd.readouterr()
    save_file({name: tensor for name, tensor in weights.items() if "projection" not in name}, file)
    refused(tmp_path / "clip", "it lacks 'text_projection.weight' and 1 more")
    save_file(weights | {"classifier.weight": torch.ones(2, 2)}, file)
    refused(tmp_path / "clip", "the network has no 'classifier.weight'")
    save_file(weights | {"text_projection.weight": torch.ones(2, 2)}, file)
    refused(tmp_path / "clip", "another shape than config.json says has 'text_projection.weight'")
    file.write_bytes(file.read_bytes()[:500])
    refused(tmp_path / "clip", "Transformers cannot load it")
    # What is wrong is said once.
    assert capfd.readouterr() == ("", "")


def test_position_numbers_of_old_files_are_passed_over(clip: CLIPModel, tmp_path: Path):
    file = tmp_path / "clip" / "model.safetensors"
    numbers = {"text_model.embeddings.position_ids": torch.arange(NUM_TOKENS)[None]}
    save_file(load_file(file) | numbers, file)
    ClipGauge(tmp_path / "clip", "a", 16, CPU)


def test_other_folders_are_refused(clip: CLIPModel, tmp_path: Path):
    refused(tmp_path / "none", "there is no such folder")
    write_dinov2(tmp_path / "dino")
    refused(tmp_path / "dino", "its config.json says model_type 'dinov2' and not 'clip'")
    settings = json.loads((tmp_path / "clip" / "preprocessor_config.json").read_text())
    settings["crop_size"] = {"height": 24, "width": 24}
    (tmp_path / "clip" / "preprocessor_config.json").write_text(json.dumps(settings))
    refused(tmp_path / "clip", r"its preprocessor_config.json makes \[1, 3, 24, 24\], and its config.json wants")
    (tmp_path / "clip" / "merges.txt").unlink()
    refused(tmp_path / "clip", "it has no merges.txt")
    (tmp_path / "clip" / "config.json").write_text("no JSON")
    refused(tmp_path / "clip", "its config.json cannot be read")

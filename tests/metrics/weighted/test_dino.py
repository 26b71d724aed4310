"""The likeness that DINO sees, with tiny models of both kinds."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel, ViTConfig, ViTModel

from s2v_runner.errors import InputError
from s2v_runner.metrics.weighted.dino import DinoGauge
from tests.metrics.weighted.folders import SIDE, write_clip, write_dino, write_dinov2
from tests.metrics.weighted.videos import draw, show, the_value

CPU = torch.device("cpu")

both = pytest.mark.parametrize("write", [write_dino, write_dinov2])
Write = Callable[[Path], PreTrainedModel]


@both
def test_the_picture_itself(write: Write, tmp_path: Path):
    write(tmp_path / "dino")
    picture = draw(0, 48, 64)
    measures = show(DinoGauge(tmp_path / "dino", picture, 16, CPU), [picture] * 5, None)
    assert the_value(measures, "dino_similarity") == pytest.approx(1)


@both
def test_the_similarity_is_the_cosine_of_the_class_tokens(write: Write, tmp_path: Path):
    dino = write(tmp_path / "dino")

    def embed(square: np.ndarray) -> torch.Tensor:
        pixels = torch.from_numpy(square.transpose(2, 0, 1)[None].copy()).float() / 127.5 - 1
        with torch.inference_mode():
            return dino(pixel_values=pixels).last_hidden_state[:, 0]

    picture, frame = draw(1, SIDE, SIDE), draw(2, SIDE, SIDE)
    expected = torch.cosine_similarity(embed(picture), embed(frame)).item()
    measures = show(DinoGauge(tmp_path / "dino", picture, 16, CPU), [frame], None)
    assert the_value(measures, "dino_similarity") == pytest.approx(expected, abs=1e-5)
    assert expected < 0.999


def test_orthogonal_embeddings(tmp_path: Path):
    dino = write_dinov2(tmp_path / "dino")
    gauge = DinoGauge(tmp_path / "dino", draw(1, SIDE, SIDE), 16, CPU)
    one = gauge._reference_D
    other = torch.randn(len(one), generator=torch.Generator().manual_seed(0))
    gauge._reference_D = torch.nn.functional.normalize(other - other @ one * one, dim=0)
    measures = show(gauge, [draw(1, SIDE, SIDE)], None)
    assert the_value(measures, "dino_similarity") == pytest.approx(0, abs=1e-5)
    assert len(one) == dino.config.hidden_size


def refused(folder: Path, problem: str) -> None:
    with pytest.raises(InputError, match=f"metrics.dino='{re.escape(str(folder))}': {problem}") as caught:
        DinoGauge(folder, draw(0, SIDE, SIDE), 16, CPU)
    assert "\n" not in str(caught.value)
    assert "facebook/dinov2-base" in caught.value.remedy


def test_other_models_are_refused(tmp_path: Path):
    write_clip(tmp_path / "clip")
    refused(tmp_path / "clip", "its config.json says model_type 'clip' and not 'dinov2' or 'vit'")
    write_dinov2(tmp_path / "dino")
    file = tmp_path / "dino" / "model.safetensors"
    weights = load_file(file)
    del weights["layernorm.weight"]
    save_file(weights, file)
    refused(tmp_path / "dino", "it lacks 'layernorm.weight'")
    file.unlink()
    refused(tmp_path / "dino", "it has neither model.safetensors nor pytorch_model.bin")


def test_a_vision_transformer_that_was_taught_with_labels_is_refused(tmp_path: Path):
    write_dino(tmp_path / "vit")
    ViTModel(ViTConfig.from_pretrained(tmp_path / "vit"), add_pooling_layer=True).save_pretrained(tmp_path / "vit")
    refused(tmp_path / "vit", "the network has no 'pooler.dense.bias' and 1 more")

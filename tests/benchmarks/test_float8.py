"""Videos in 8 bits against those in float32: the emulated attention, and the report of a tiny model."""

import math
from functools import partial
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from benchmarks.float8 import summarise
from benchmarks.float8_arms import ARMS, EVERYWHERE, EXACT, emulate_flash
from s2v_runner.transformer.attention import attend_in_float8, attend_rounded
from tests.benchmarks.reports import report_of
from tests.places import TINY_CHECKPOINT

ATTEND = {
    "centred": partial(attend_in_float8, flash=emulate_flash),
    "as they are": partial(attend_rounded, flash=emulate_flash),
}


def attention_error(name: str, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> float:
    """Relative, against float32."""
    heads = [each.float().transpose(1, 2) for each in (query, key, value)]
    exact = F.scaled_dot_product_attention(heads[0], heads[1], heads[2])
    found = ATTEND[name](query, key, value)
    assert found.dtype == torch.bfloat16
    return float((found.float() - exact.transpose(1, 2)).norm() / exact.norm())


def draw_operands() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, 96, 3, 32, generator=generator).bfloat16() for _ in range(3)]


@pytest.mark.parametrize("name", ATTEND)
def test_emulated_attention_is_off_by_the_rounding_of_eight_bits(name: str):
    assert 0.01 < attention_error(name, *draw_operands()) < 0.06


def test_keys_with_a_mean_round_finer_without_it():
    query, key, value = draw_operands()
    key = key + 8
    assert attention_error("centred", query, key, value) < 0.06
    assert attention_error("as they are", query, key, value) > 2 * attention_error("centred", query, key, value)


def test_values_of_any_size_are_scaled():
    query, key, value = draw_operands()
    errors = [attention_error("centred", query, key, value * size) for size in (1, 2.0**20, 2.0**-20)]
    assert errors == pytest.approx([errors[0]] * 3, rel=1e-3)


def test_numerators_are_rounded_and_their_sum_is_not():
    """Of two keys the second weighs 0.588, between two values of float8."""
    query = torch.tensor([[[[1.0, 0.0]]]])
    key = torch.tensor([[[[0.0, 0.0]], [[-0.75, 0.0]]]])
    value = torch.tensor([[[[0.0, 1.0]], [[1.0, 0.0]]]])
    one = torch.ones(1, 1)
    operands = (each.to(torch.float8_e4m3fn) for each in (query, key, value))
    found = emulate_flash(*operands, q_descale=one, k_descale=one, v_descale=one)[0, 0, 0]
    weight = math.exp(-0.75 / 2**0.5)
    rounded = float(torch.tensor(256 * weight).to(torch.float8_e4m3fn)) / 256
    assert rounded == pytest.approx(weight, rel=1 / 16)
    assert rounded != pytest.approx(weight, rel=1 / 50)
    assert found.tolist() == pytest.approx([rounded / (1 + weight), 1 / (1 + weight)], rel=1 / 256)


def test_a_report_has_every_arm_and_the_file_spares_the_second_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    arguments = ("--checkpoint", str(TINY_CHECKPOINT), "--device", "cpu", "--cases", "1", "--frames", "5")
    arguments += ("--steps", "1", "--kept", str(tmp_path / "kept.jsonl"))
    report = report_of(tmp_path, "float8", *arguments)
    assert "float32: " in capsys.readouterr().err
    exact, *others = report.rows
    assert [row.labels["arm"] for row in report.rows] == list(EVERYWHERE)
    assert exact.figures["latent_psnr"] is None
    assert "mouth_r_change" not in exact.figures
    differences = {row.labels["arm"]: row.figures["latent_difference"] or 0.0 for row in others}
    assert 0 < differences["bfloat16"] < differences["attention"] < differences["both"] < 0.5
    for row in others:
        change = (row.figures["ssim"] or 0) - (exact.figures["ssim"] or 0)
        assert row.figures["ssim_change"] == pytest.approx(change, abs=2e-6)
    assert report_of(tmp_path, "float8", *arguments).rows == report.rows
    assert "float32: " not in capsys.readouterr().err


def test_changes_are_paired_case_by_case():
    cases = [
        {EXACT: figures_of(r, None), "bfloat16": figures_of(r + change, 40.0)}
        for r, change in ((0.5, 0.01), (0.9, 0.03))
    ]
    _, row = summarise((EXACT, "bfloat16"), cases)
    assert row.figures["mouth_r"] == pytest.approx(0.72)
    assert row.figures["mouth_r_change"] == pytest.approx(0.02)
    assert row.figures["mouth_r_change_error"] == pytest.approx(0.01)
    assert row.figures["latent_psnr"] == 40.0
    (_, alone) = summarise((EXACT, "bfloat16"), cases[:1])
    assert alone.figures["mouth_r_change_error"] is None


def figures_of(mouth_r: float, latent_psnr: float | None) -> dict[str, float | None]:
    return {"latent_psnr": latent_psnr, "mouth_r": mouth_r, "lag": 0.0, "ssim": 0.9, "face_error": 3.0}


def test_arms_say_what_they_round():
    assert ARMS["bfloat16"].labels == {"matrices": "bfloat16", "attention": "bfloat16"}
    assert ARMS["both"].labels == {"matrices": "float8", "attention": "float8, keys less their mean"}
    assert ARMS["kernel"].labels == {"matrices": "float8", "attention": "flash_3_float8"}

"""How far apart the latents of two videos are."""

from pathlib import Path

import pytest
import torch

from s2v_runner.comparison.latents import measure_latent_distance
from s2v_runner.metrics.measures import unknown
from s2v_runner.sampling.states import write_latents


def keep(folder: Path, *clips: torch.Tensor) -> Path:
    folder.mkdir()
    for clip, latents in enumerate(clips):
        write_latents(folder / f"{clip:04}.safetensors", latents)
    return folder


def test_it_is_the_difference_as_a_share_of_the_baseline(tmp_path: Path):
    one = torch.full((1, 2, 3, 4, 4), 3.0)
    baseline = keep(tmp_path / "baseline", one, one)
    assert measure_latent_distance(keep(tmp_path / "same", one, one), baseline).value == 0
    off = measure_latent_distance(keep(tmp_path / "off", one + 0.3, one - 0.3), baseline)
    assert off.value == pytest.approx(0.1, rel=1e-2)


def test_clips_that_one_of_them_has_do_not_count(tmp_path: Path):
    one = torch.ones(1, 2, 3, 4, 4)
    baseline = keep(tmp_path / "baseline", one)
    assert measure_latent_distance(keep(tmp_path / "longer", one, 9 * one), baseline).value == 0


def test_why_there_is_none(tmp_path: Path):
    one = keep(tmp_path / "one", torch.ones(1, 2, 3, 4, 4))
    assert measure_latent_distance(None, one) == unknown("its latents were not kept")
    assert measure_latent_distance(one, None) == unknown("those of its baseline were not kept")
    wider = keep(tmp_path / "wider", torch.ones(1, 2, 3, 4, 8))
    assert measure_latent_distance(wider, one) == unknown("the latents of clip 1 are of another size")
    (wider / "0000.safetensors").write_bytes(b"nothing")
    assert "cannot be read" in (measure_latent_distance(wider, one).reason or "")

from dataclasses import asdict
from typing import Any

import pytest

from s2v_runner.errors import InputError
from s2v_runner.estimate import Estimate
from s2v_runner.placement.choice import DTYPE_BYTES, Placement, PlacementRequest, choose_placement

GIB = 2**30


def cost(dtype_bytes: int) -> Estimate:
    """Of 10 GiB a byte of a matrix's number."""
    return Estimate(
        weight_bytes={"transformer": 8 * dtype_bytes * GIB}, working_bytes=2 * dtype_bytes * GIB, operations=1.0
    )


def choose(device: str, free: int | None = 24 * GIB, known: bool = True, **asked: Any) -> Placement:
    defaults = {
        "mode": "auto",
        "offload_model": "auto",
        "convert_model_dtype": "auto",
        "t5_cpu": False,
        "attention": "auto",
        "autoencoder": "auto",
    }
    request = PlacementRequest(**{**defaults, **asked})
    return choose_placement(request, device, free, cost if known else lambda _: None)


def test_on_a_gpu_matrices_are_bfloat16_and_attention_is_cudnns():
    assert asdict(choose("cuda:1")) == {
        "device": "cuda:1",
        "text_device": "cuda:1",
        "dtype": "bfloat16",
        "attention": "sdpa_cudnn",
        "autoencoder_dtype": "float16",
        "offload": False,
        "reason": "20.0 GiB fit the 24.0 GiB that are free",
    }


def test_on_the_cpu_everything_is_float32_and_in_one_place():
    placed = choose("cpu", free=None)
    assert (placed.dtype, placed.autoencoder_dtype) == ("float32", "float32")
    assert (placed.attention, placed.offload) == ("sdpa", False)
    assert placed.reason == "there is one memory"
    assert choose("cpu", mode="offload").offload is False


@pytest.mark.parametrize(("device", "asked"), [("cuda", False), ("cpu", True)])
def test_the_precision_that_is_asked_for_is_taken(device: str, asked: bool):
    placed = choose(device, convert_model_dtype=asked)
    assert placed.dtype == ("bfloat16" if asked else "float32")
    assert placed.dtype_bytes == DTYPE_BYTES[placed.dtype] == (2 if asked else 4)


@pytest.mark.parametrize(("device", "asked"), [("cuda", "float32"), ("cpu", "float16")])
def test_what_the_autoencoder_multiplies_is_taken_as_asked(device: str, asked: str):
    assert choose(device, autoencoder=asked).autoencoder_dtype == asked


def test_an_attention_that_is_asked_for_is_taken():
    assert choose("cuda", attention="sage").attention == "sage"


def test_the_text_encoder_may_stay_on_the_cpu():
    placed = choose("cuda", t5_cpu=True)
    assert (placed.device, placed.text_device) == ("cuda", "cpu")


@pytest.mark.parametrize(
    ("asked", "free", "offload", "reason"),
    [
        ({}, 20 * GIB, False, "20.0 GiB fit the 20.0 GiB"),
        ({}, 20 * GIB - 1, True, "20.0 GiB do not fit the 20.0 GiB"),
        ({"convert_model_dtype": False}, 24 * GIB, True, "40.0 GiB do not fit the 24.0 GiB"),
        ({}, None, True, "not known"),
        ({"offload_model": True}, 999 * GIB, True, "memory.offload_model=true"),
        ({"offload_model": False}, 1, False, "memory.offload_model=false"),
        ({"mode": "resident"}, 1, False, "memory=resident"),
        ({"mode": "offload"}, 999 * GIB, True, "memory=offload"),
        ({"mode": "resident", "offload_model": False}, 1, False, "memory=resident"),
        ({"mode": "offload", "offload_model": True}, 999 * GIB, True, "memory=offload"),
    ],
)
def test_parts_leave_the_gpu_when_they_must_or_when_it_is_asked(
    asked: dict[str, Any], free: int | None, offload: bool, reason: str
):
    placed = choose("cuda", free, **asked)
    assert placed.offload is offload
    assert placed.reason.startswith(reason) or reason in placed.reason


def test_what_cannot_be_estimated_is_offloaded():
    assert choose("cuda", known=False).offload is True


@pytest.mark.parametrize("device", ["cuda", "cpu"])
@pytest.mark.parametrize(("mode", "offload_model"), [("resident", True), ("offload", False)])
def test_settings_that_contradict_each_other_are_refused(device: str, mode: str, offload_model: bool):
    with pytest.raises(
        InputError, match=f"memory.offload_model={str(offload_model).lower()}: it contradicts memory={mode}"
    ):
        choose(device, mode=mode, offload_model=offload_model)

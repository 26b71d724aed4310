import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from s2v_runner.errors import InputError
from s2v_runner.estimate import MEMORY_MODES, Estimate, Form
from s2v_runner.placement.choice import Placement, PlacementRequest, choose_placement, next_mode
from s2v_runner.placement.hardware import FLASH_3_MODULE, Hardware

GIB = 2**30


def cost(form: Form) -> Estimate:
    """Of 20 GiB with everything in 16 bits, 18 with one part or the other, 6 with two blocks of ten, 5 by layers."""
    size = form.dtype_bytes * GIB // 2
    return Estimate(
        weight_bytes={"transformer": 15 * size, "text_encoder": 3 * size},
        is_text_on_device=form.is_text_on_device,
        block_bytes=(size * 3 // 2,) * 10,
        step_bytes=2 * size,
        decode_bytes=size,
        operations=1.0,
    )


def choose(
    device: str,
    free: int | None = 24 * GIB,
    known: bool = True,
    capability: tuple[int, int] | None = (8, 0),
    **asked: Any,
) -> Placement:
    defaults = {
        "mode": "auto",
        "offload_model": "auto",
        "convert_model_dtype": "auto",
        "t5_cpu": False,
        "dit_fsdp": False,
        "attention": "auto",
        "kernels": "auto",
        "matrices": "model",
        "autoencoder": "auto",
    }
    request = PlacementRequest(**{**defaults, **asked})
    hardware = Hardware(device, free, capability if device.startswith("cuda") else None)
    return choose_placement(request, hardware, cost if known else lambda _: None)


def test_on_a_gpu_matrices_are_bfloat16_and_kernels_are_fused():
    assert asdict(choose("cuda:1")) == {
        "device": "cuda:1",
        "text_device": "cuda:1",
        "dtype": "bfloat16",
        "attention": "sdpa_cudnn",
        "kernels": "triton",
        "matrices": "model",
        "autoencoder_dtype": "float16",
        "memory": "resident",
        "reason": "its 20.0 GiB fit the 24.0 GiB that are free",
    }


@pytest.fixture
def with_flash_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of that name, which is looked for and not imported."""
    (tmp_path / f"{FLASH_3_MODULE}.py").touch()
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("with_flash_3")
def test_on_hopper_attention_is_flash_3s_where_it_is_installed():
    assert choose("cuda", capability=(9, 0)).attention == "flash_3"
    assert choose("cuda", capability=(9, 0), matrices="float8").attention == "flash_3_float8"
    assert choose("cuda", capability=(9, 0), matrices="float8", attention="flash_3").attention == "flash_3"
    assert choose("cuda", capability=(10, 0)).attention == "sdpa_cudnn"
    assert choose("cuda", capability=None).attention == "sdpa_cudnn"
    assert choose("cpu", capability=(9, 0)).attention == "sdpa"


def test_matrices_are_in_eight_bits_where_the_gpu_multiplies_them():
    assert choose("cuda", capability=(8, 9), matrices="auto").matrices == "float8"
    assert choose("cuda", capability=(8, 6), matrices="auto").matrices == "model"
    assert choose("cuda", capability=None, matrices="auto").matrices == "model"
    assert choose("cpu", matrices="auto").matrices == "model"
    assert choose("cuda", capability=(8, 6), matrices="float8_weights").matrices == "float8_weights"


def test_without_it_attention_is_cudnns(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, FLASH_3_MODULE, None)
    assert choose("cuda", capability=(9, 0)).attention == "sdpa_cudnn"


def test_in_float32_kernels_are_pytorchs_own():
    placed = choose("cuda", capability=(9, 0), convert_model_dtype=False, matrices="auto")
    assert (placed.kernels, placed.attention, placed.matrices) == ("plain", "sdpa", "model")
    assert choose("cuda", convert_model_dtype=False, kernels="triton").kernels == "triton"
    assert choose("cuda", convert_model_dtype=False, attention="sdpa_cudnn").attention == "sdpa_cudnn"
    assert choose("cuda", kernels="plain").kernels == "plain"


def test_on_the_cpu_everything_is_float32_and_in_one_place():
    placed = choose("cpu", free=None)
    assert (placed.dtype, placed.attention, placed.kernels, placed.autoencoder_dtype, placed.memory) == (
        "float32",
        "sdpa",
        "plain",
        "float32",
        "resident",
    )
    assert placed.reason == "there is one memory"
    assert choose("cpu", mode="stream").memory == "resident"


@pytest.mark.parametrize(("device", "asked"), [("cuda", False), ("cpu", True)])
def test_the_precision_that_is_asked_for_is_taken(device: str, asked: bool):
    placed = choose(device, convert_model_dtype=asked)
    assert placed.dtype == ("bfloat16" if asked else "float32")
    assert placed.form.dtype_bytes == placed.form.matrix_bytes == (2 if asked else 4)
    assert choose(device, convert_model_dtype=asked, matrices="float8").form.matrix_bytes == 1


@pytest.mark.parametrize(("device", "asked"), [("cuda", "float32"), ("cpu", "float16")])
def test_what_the_autoencoder_multiplies_is_taken_as_asked(device: str, asked: str):
    assert choose(device, autoencoder=asked).autoencoder_dtype == asked


def test_an_attention_that_is_asked_for_is_taken():
    assert choose("cuda", attention="sage").attention == "sage"


def test_the_text_encoder_may_stay_on_the_cpu():
    placed = choose("cuda", t5_cpu=True)
    assert (placed.device, placed.text_device) == ("cuda", "cpu")


@pytest.mark.parametrize(
    ("asked", "free", "memory", "reason"),
    [
        ({}, 20 * GIB, "resident", "its 20.0 GiB fit the 20.0 GiB that are free"),
        ({}, 20 * GIB - 1, "offload", "its 18.0 GiB fit the 20.0 GiB that are free, the 20.0 GiB of resident do not"),
        ({}, 16 * GIB, "stream", "its 6.0 GiB fit the 16.0 GiB that are free, the 18.0 GiB of offload do not"),
        ({}, 4 * GIB, "tiny", "its 5.0 GiB do not fit the 4.0 GiB that are free"),
        # Weights that are shared out do not wait in main memory.
        ({"dit_fsdp": True}, 4 * GIB, "offload", "its 18.0 GiB do not fit the 4.0 GiB that are free"),
        ({"t5_cpu": True}, 17 * GIB, "resident", "its 17.0 GiB fit the 17.0 GiB that are free"),
        ({"convert_model_dtype": False}, 24 * GIB, "stream", "its 12.0 GiB fit the 24.0 GiB"),
        ({}, None, "offload", "not known"),
        ({"offload_model": True}, 999 * GIB, "offload", "memory.offload_model=true"),
        ({"offload_model": False}, 1, "resident", "memory.offload_model=false"),
        ({"mode": "resident"}, 1, "resident", "memory=resident"),
        ({"mode": "offload"}, 999 * GIB, "offload", "memory=offload"),
        ({"mode": "tiny"}, 999 * GIB, "tiny", "memory=tiny"),
        ({"mode": "resident", "offload_model": False}, 1, "resident", "memory=resident"),
        ({"mode": "stream", "offload_model": True}, 999 * GIB, "stream", "memory=stream"),
    ],
)
def test_parts_leave_the_gpu_when_they_must_or_when_it_is_asked(
    asked: dict[str, Any], free: int | None, memory: str, reason: str
):
    placed = choose("cuda", free, **asked)
    assert placed.memory == memory
    assert reason in placed.reason


def test_what_cannot_be_estimated_is_offloaded():
    assert choose("cuda", known=False).memory == "offload"


def test_after_the_last_mode_there_is_none():
    assert [next_mode(mode) for mode in MEMORY_MODES] == ["offload", "stream", "tiny", None]


@pytest.mark.parametrize("device", ["cuda", "cpu"])
@pytest.mark.parametrize(("mode", "offload_model"), [("resident", True), ("offload", False), ("tiny", False)])
def test_settings_that_contradict_each_other_are_refused(device: str, mode: str, offload_model: bool):
    with pytest.raises(
        InputError, match=f"memory.offload_model={str(offload_model).lower()}: it contradicts memory={mode}"
    ):
        choose(device, mode=mode, offload_model=offload_model)

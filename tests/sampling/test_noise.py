import hashlib

import pytest
import torch

from s2v_runner.records import FIXED, REFERENCE
from s2v_runner.sampling.noise import draw_noise
from tests.conftest import CPU

SHAPE = (16, 2, 8, 8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_portable_noise_has_the_same_bits_whatever_the_dtype(dtype: torch.dtype):
    noise = draw_noise(SHAPE, 42, CPU, dtype, FIXED)
    assert noise.dtype == torch.float32
    digest = hashlib.sha256(noise.numpy().tobytes()).hexdigest()
    # Of PyTorch's CPU generator: this is what must come out on every machine and every device.
    assert digest == "cce876c98a066192c1175d87bb9e40a78c0364b4c1194fd710634ae8ecf385cb"


def test_portable_noise_is_drawn_before_it_knows_its_device():
    # The meta device draws nothing, so a generator that asked it would fail or differ.
    assert draw_noise(SHAPE, 42, torch.device("meta"), torch.bfloat16, FIXED).shape == SHAPE


def test_native_noise_is_of_the_models_dtype():
    assert draw_noise(SHAPE, 42, CPU, torch.bfloat16, REFERENCE).dtype == torch.bfloat16


def test_seeds_differ():
    assert not torch.equal(
        draw_noise(SHAPE, 1, CPU, torch.float32, FIXED), draw_noise(SHAPE, 2, CPU, torch.float32, FIXED)
    )

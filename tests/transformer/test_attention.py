import sys

import pytest
import torch

from s2v_runner.errors import InputError
from s2v_runner.placement.hardware import FLASH_3_MODULE
from s2v_runner.transformer.attention import resolve_attention, try_attention
from tests.conftest import CPU

QUERY, KEY, VALUE = torch.randn(3, 2, 7, 4, 16, generator=torch.Generator().manual_seed(0))


def plain_attention() -> torch.Tensor:
    scores = torch.einsum("bske,btke->bkst", QUERY, KEY) / 4
    return torch.einsum("bkst,btke->bske", scores.softmax(-1), VALUE)


@pytest.mark.parametrize("backend", ["sdpa", "sdpa_math", "sdpa_flash", "native", "_native_math"])
def test_every_kernel_of_this_machine_computes_attention(backend: str):
    attend = resolve_attention(backend)
    try_attention(attend, backend, CPU, torch.float32, 16)
    assert torch.allclose(attend(QUERY, KEY, VALUE), plain_attention(), atol=1e-6)


@pytest.mark.parametrize("backend", ["sdpa_cudnn", "sdpa_efficient"])
def test_a_kernel_that_cannot_serve_is_refused_and_not_replaced(backend: str):
    with pytest.raises(InputError) as caught:
        try_attention(resolve_attention(backend), backend, CPU, torch.float32, 16)
    assert f"'{backend}'" in str(caught.value)
    assert "'sdpa'" in str(caught.value)


@pytest.mark.parametrize("backend", ["flash", "sage", "xformers", "_flash_3"])
def test_a_kernel_whose_package_is_missing_is_refused(backend: str):
    with pytest.raises(InputError, match=f"'{backend}'"):
        try_attention(resolve_attention(backend), backend, CPU, torch.float32, 16)


@pytest.mark.parametrize("backend", ["flash_3", "flash_3_float8"])
def test_flash_attention_3_is_refused_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch, backend: str):
    # As where it is not installed.
    monkeypatch.setitem(sys.modules, FLASH_3_MODULE, None)
    with pytest.raises(InputError, match=rf"'{backend}'.*s2v-runner\[flash\]"):
        resolve_attention(backend)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(InputError, match=r"'sdap'.*sdpa_cudnn.*sage"):
        resolve_attention("sdap")

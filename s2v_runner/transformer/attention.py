"""Attention kernels, chosen by name and never behind the caller's back.

`sdpa` lets PyTorch choose among its kernels; `sdpa_cudnn`, `sdpa_flash`, `sdpa_efficient` and `sdpa_math`
insist on one. `flash_3` is FlashAttention-3 (Shah et al., 2024) for Hopper, from the package fa3-fwd, and
`flash_3_float8` the same with queries, keys and values in 8 bits. Any other name goes to Diffusers' attention
dispatch (`flash`, `sage`, `xformers`, `flex`, …), which needs the package behind that kernel. A kernel that cannot
serve is an error, not a detour.
"""

import re
import warnings
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from s2v_runner.errors import InputError
from s2v_runner.transformer.linear import FLOAT8, FLOAT8_LARGEST, LEAST_SCALE

AttentionFunction = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""(query_BSKE, key_BTKE, value_BTKE) → BSKE, softmax over T at scale 1/√E, no mask."""

_TORCH_KERNELS = {
    "sdpa_cudnn": SDPBackend.CUDNN_ATTENTION,
    "sdpa_flash": SDPBackend.FLASH_ATTENTION,
    "sdpa_efficient": SDPBackend.EFFICIENT_ATTENTION,
    "sdpa_math": SDPBackend.MATH,
}


FLASH_3, FLASH_3_FLOAT8 = "flash_3", "flash_3_float8"


def resolve_attention(backend: str) -> AttentionFunction:
    """The attention function of that name; see the module for the names.

    Raises InputError for a name that neither PyTorch nor the installed Diffusers knows, or whose package is missing.
    """
    if backend == "sdpa":
        return _attend_with_torch
    if backend == FLASH_3:
        return _import_flash_3(backend)
    if backend == FLASH_3_FLOAT8:
        return partial(attend_in_float8, flash=_import_flash_3(backend))
    if backend in _TORCH_KERNELS:
        return partial(_attend_with_torch_kernel, kernel=_TORCH_KERNELS[backend])
    return _resolve_from_diffusers(backend)


def resolve_cross_attention(backend: str) -> AttentionFunction:
    """The function for attention to few keys: the same, but never in 8 bits, which gains nothing there."""
    return resolve_attention(FLASH_3 if backend == FLASH_3_FLOAT8 else backend)


def try_attention(
    attend: AttentionFunction, backend: str, device: torch.device, dtype: torch.dtype, head_dim: int
) -> None:
    """Run the kernel once on two tokens, so that one that cannot serve is refused before a model is loaded.

    Raises InputError with the kernel's own reason.
    """
    tokens_BSKE = torch.zeros(1, 2, 1, head_dim, device=device, dtype=dtype)
    # A kernel's reasons for refusing come as warnings before the error.
    with warnings.catch_warnings(record=True) as reasons:
        warnings.simplefilter("always")
        failure = _failure(attend, tokens_BSKE)
    if failure is not None:
        reason = "; ".join(
            _plain_reasons([str(given.message) for given in reasons]) or [str(failure).strip().rstrip(".")]
        )
        raise InputError(
            f"attention backend '{backend}'",
            f"it cannot run on {device} in {dtype} with heads of {head_dim} ({reason})",
            "Choose 'sdpa', which lets PyTorch pick a kernel that can",
        ) from failure


def _failure(attend: AttentionFunction, tokens_BSKE: torch.Tensor) -> Exception | None:
    try:
        attend(tokens_BSKE, tokens_BSKE, tokens_BSKE)
    except Exception as error:  # a kernel whose package is missing can fail in any way
        return error
    return None


def _attend_with_torch(query_BSKE: torch.Tensor, key_BTKE: torch.Tensor, value_BTKE: torch.Tensor) -> torch.Tensor:
    query, key, value = (tensor.transpose(1, 2) for tensor in (query_BSKE, key_BTKE, value_BTKE))
    return F.scaled_dot_product_attention(query, key, value).transpose(1, 2)


def _attend_with_torch_kernel(
    query_BSKE: torch.Tensor, key_BTKE: torch.Tensor, value_BTKE: torch.Tensor, *, kernel: SDPBackend
) -> torch.Tensor:
    with sdpa_kernel(kernel):
        return _attend_with_torch(query_BSKE, key_BTKE, value_BTKE)


def _import_flash_3(backend: str) -> AttentionFunction:
    try:
        from fa3_fwd_interface import flash_attn_func  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise InputError(
            f"attention backend '{backend}'",
            f"FlashAttention-3 is not there ({error})",
            "Install it for a Hopper GPU: pip install 's2v-runner[flash]'",
        ) from error
    return flash_attn_func


def attend_in_float8(
    query_BSKE: torch.Tensor, key_BTKE: torch.Tensor, value_BTKE: torch.Tensor, *, flash: Callable[..., torch.Tensor]
) -> torch.Tensor:
    """Attention in float8 (e4m3), the result in the dtype of the values.

    The mean of a head's keys is taken off first: it adds the same to all scores of a query, so the softmax does not see
    it, and what is left is smaller and rounds finer (SageAttention, Zhang et al., 2025).
    """
    centred_BTKE = key_BTKE - key_BTKE.mean(dim=1, keepdim=True)
    return attend_rounded(query_BSKE, centred_BTKE, value_BTKE, flash=flash)


def attend_rounded(
    query_BSKE: torch.Tensor, key_BTKE: torch.Tensor, value_BTKE: torch.Tensor, *, flash: Callable[..., torch.Tensor]
) -> torch.Tensor:
    """The same of keys as they are given.

    Queries and keys have been RMS-normed and need no scale; values have one for each head, a power of two, which rounds
    nothing by itself. `flash` takes the three in float8 and what undoes their scales, [B, K] each.
    """
    batch, _, num_heads, _ = value_BTKE.shape
    largest_BK = value_BTKE.abs().amax(dim=(1, 3)).float().clamp_min(LEAST_SCALE)
    descale_BK = torch.exp2(torch.ceil(torch.log2(largest_BK / FLOAT8_LARGEST)))
    scaled_BTKE = value_BTKE / descale_BK[:, None, :, None].to(value_BTKE.dtype)
    ones_BK = torch.ones(batch, num_heads, device=value_BTKE.device)
    operands = (tensor.to(FLOAT8) for tensor in (query_BSKE, key_BTKE, scaled_BTKE))
    return flash(*operands, q_descale=ones_BK, k_descale=ones_BK, v_descale=descale_BK)


def _plain_reasons(warned: list[str]) -> list[str]:
    """What PyTorch says against the kernel that was insisted on, without its headings, places and other kernels."""
    without_places = (re.sub(r"\s*\(Triggered internally.*", "", text, flags=re.DOTALL) for text in warned)
    empty = ("not used because", "has been runtime disabled")
    return [text.rstrip(".") for text in without_places if not any(phrase in text for phrase in empty)]


def _resolve_from_diffusers(backend: str) -> AttentionFunction:
    # Imported here because Diffusers takes seconds to import and the kernels above do without it.
    from diffusers.models.attention_dispatch import AttentionBackendName, dispatch_attention_fn

    names = [member.value for member in AttentionBackendName]
    if backend not in names:
        known = ", ".join(["sdpa", *_TORCH_KERNELS, FLASH_3, FLASH_3_FLOAT8, *names])
        raise InputError(f"attention backend '{backend}'", "is not known", f"Known backends: {known}")
    # The backend is passed with every call because Diffusers' setter changes a default of the whole process.
    return partial(dispatch_attention_fn, backend=AttentionBackendName(backend))

"""The noise a clip begins as."""

from collections.abc import Callable

import torch

from s2v_runner.records import Compat


def draw_noise(
    shape: tuple[int, ...], seed: int, device: torch.device, dtype: torch.dtype, compat: Compat
) -> torch.Tensor:
    """Normal noise for one clip, on `device`.

    Portable noise is drawn on the CPU and stays float32: the same bits whatever the device or the model's dtype.
    Native noise is what the original draws: on the device, in the model's dtype.
    """
    return _DRAWS[compat.noise](shape, seed, device, dtype)


def _portable(shape: tuple[int, ...], seed: int, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float32).to(device)


def _native(shape: tuple[int, ...], seed: int, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    generator = torch.Generator(device).manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=dtype, device=device)


_DRAWS: dict[str, Callable[[tuple[int, ...], int, torch.device, torch.dtype], torch.Tensor]] = {
    "portable": _portable,
    "native": _native,
}

"""The device that a run is for, as far as choices depend on it."""

import importlib.util
from dataclasses import dataclass

FLASH_3_MODULE = "fa3_fwd_interface"
_HOPPER = (9, 0)
FIRST_WITH_FLOAT8 = (8, 9)
"""The compute capability of Ada Lovelace."""


@dataclass(frozen=True)
class Hardware:
    device: str
    free_bytes: int | None
    """Of a GPU's memory; None for the CPU, and where it is not known."""
    capability: tuple[int, int] | None
    """Of a GPU, as CUDA numbers its generations; None for the CPU, and where it is not known."""

    @property
    def is_gpu(self) -> bool:
        return self.device.startswith("cuda")

    @property
    def has_float8(self) -> bool:
        """Whether tensor cores multiply 8 bits."""
        return self.capability is not None and self.capability >= FIRST_WITH_FLOAT8

    @property
    def has_flash_3(self) -> bool:
        """Whether FlashAttention-3 runs here: it is written for Hopper."""
        return self.capability == _HOPPER and importlib.util.find_spec(FLASH_3_MODULE) is not None

    @property
    def has_triton(self) -> bool:
        return self.is_gpu and importlib.util.find_spec("triton") is not None

"""The ways to compute the demo model that are held against float32, down to 8 bits everywhere.

FlashAttention-3 needs a Hopper GPU; here is what it computes in 8 bits, in PyTorch's own operations.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch

from s2v_runner.checkpoint.shards import UNSHARDED
from s2v_runner.engine import Engine, EngineSettings
from s2v_runner.records import MatrixName
from s2v_runner.transformer import S2VTransformer
from s2v_runner.transformer.attention import FLASH_3_FLOAT8, AttentionFunction, attend_in_float8, attend_rounded
from s2v_runner.transformer.blocks import TransformerBlock
from s2v_runner.transformer.linear import FLOAT8

_NUMERATOR_SCALE = 256.0
"""What the kernel multiplies the softmax's numerators with, so that fewer of them underflow."""


@dataclass(frozen=True)
class Arm:
    """One way. Attention to the text and to the speech is never in 8 bits."""

    dtype: torch.dtype
    """Of matrices and attention that are not in 8 bits."""
    matrices: MatrixName = "model"
    attention: str = "sdpa"
    """The kernel, by name."""
    attend: AttentionFunction | None = None
    """What stands in its place among all tokens."""
    attention_words: str | None = None
    """How that attention is called in the report; None where it is in the dtype."""

    @property
    def labels(self) -> dict[str, str]:
        dtype = str(self.dtype).removeprefix("torch.")
        matrices = dtype if self.matrices == "model" else self.matrices
        return {"matrices": matrices, "attention": self.attention_words or dtype}

    def engine(self, settings: EngineSettings) -> Engine:
        """A loaded engine of the same checkpoint on the same device. Raises InputError where this arm cannot run."""
        chosen = replace(
            settings,
            dtype=self.dtype,
            autoencoder_dtype=torch.float32,
            attention=self.attention,
            kernels="plain",
            matrices=self.matrices,
        )
        engine = Engine(chosen, lambda *_: None, UNSHARDED)
        engine.check()
        if self.attend is not None:
            _put_attention(engine.transformer, self.attend)
        return engine


def _put_attention(transformer: S2VTransformer, attend: AttentionFunction) -> None:
    for block in transformer.blocks:
        assert isinstance(block, TransformerBlock)
        block.self_attention.attend = attend


def emulate_flash(
    query_BSKE: torch.Tensor,
    key_BTKE: torch.Tensor,
    value_BTKE: torch.Tensor,
    *,
    q_descale: torch.Tensor,
    k_descale: torch.Tensor,
    v_descale: torch.Tensor,
) -> torch.Tensor:
    """Attention of operands in float8 as FlashAttention-3 rounds it, bfloat16 [B, S, K, E].

    The numerators of the softmax are rounded to float8 before they meet the values; their sum is of what they were
    before. All sums are float32. The kernel takes keys a tile at a time and so may round against an earlier maximum.
    Source: `hopper/softmax.h` of Dao-AILab/flash-attention.
    """
    scale_BK = q_descale * k_descale / query_BSKE.shape[-1] ** 0.5
    scores_BKST = torch.einsum("bske,btke->bkst", query_BSKE.float(), key_BTKE.float()) * scale_BK[:, :, None, None]
    numerators_BKST = torch.exp(scores_BKST - scores_BKST.amax(dim=-1, keepdim=True)) * _NUMERATOR_SCALE
    sums_BKS1 = numerators_BKST.sum(dim=-1, keepdim=True)
    found_BKSE = numerators_BKST.to(FLOAT8).float() @ value_BTKE.float().transpose(1, 2)
    found_BKSE = found_BKSE / sums_BKS1 * v_descale[:, :, None, None]
    return found_BKSE.transpose(1, 2).to(torch.bfloat16)


def _in_eight_bits(matrices: MatrixName, attend: Callable[..., torch.Tensor], words: str) -> Arm:
    emulated = partial(attend, flash=emulate_flash)
    return Arm(torch.bfloat16, matrices, attend=emulated, attention_words=f"float8, {words}")


_CENTRED, _AS_THEY_ARE = "keys less their mean", "keys as they are"
EXACT = "float32"
ARMS: Mapping[str, Arm] = {
    EXACT: Arm(torch.float32),
    "bfloat16": Arm(torch.bfloat16),
    "float8_weights": Arm(torch.bfloat16, "float8_weights"),
    "matrices": Arm(torch.bfloat16, "float8"),
    "attention": _in_eight_bits("model", attend_in_float8, _CENTRED),
    "both": _in_eight_bits("float8", attend_in_float8, _CENTRED),
    "both_uncentred": _in_eight_bits("float8", attend_rounded, _AS_THEY_ARE),
    "kernel": Arm(torch.bfloat16, "float8", attention=FLASH_3_FLOAT8, attention_words=FLASH_3_FLOAT8),
}
"""By name; `kernel` is `both` with the GPU's own attention."""
EVERYWHERE = tuple(name for name in ARMS if name != "kernel")

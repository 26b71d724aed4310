"""How much there is to compute in a forward pass: counted, not timed."""

from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.clips import ClipCase, draw_conditioning, draw_latents
from s2v_runner.transformer import S2VTransformer, TransformerConfig, plain_backend

_TERA = 1e12


@dataclass(frozen=True)
class Work:
    tokens: int
    tflop: float
    """Tera-operations of matrix products and attention, two a multiply-add."""


@torch.no_grad()
def count_work(config: TransformerConfig, case: ClipCase) -> Work:
    """The work of one forward pass.

    Counted where tensors have shapes and no values, with PyTorch's own kernels: how much is to be computed does not
    depend on the kernel that does it.
    """
    meta = torch.device("meta")
    with meta:
        transformer = S2VTransformer(config, plain_backend("sdpa"))
    prepared = transformer.prepare(draw_conditioning(config, case, meta))
    with FlopCounterMode(display=False) as counter:
        transformer(draw_latents(config, case, meta), torch.empty(1, device=meta), prepared)
    tokens = prepared.rope.cos_S1P.shape[0]
    return Work(tokens=tokens, tflop=counter.get_total_flops() / _TERA)

"""Random weights, for benchmarks and tests that need a model and not a trained one."""

import torch

from s2v_runner.transformer.backend import Backend
from s2v_runner.transformer.config import TransformerConfig
from s2v_runner.transformer.linear import fill_parameter
from s2v_runner.transformer.model import FLOAT32_PREFIXES, S2VTransformer

_DEVIATION = 0.02


@torch.no_grad()
def random_transformer(
    config: TransformerConfig, backend: Backend, device: torch.device, dtype: torch.dtype, seed: int
) -> S2VTransformer:
    """A transformer of random weights on `device`, in `dtype` but for its float32 parts, made tensor by tensor."""
    with torch.device("meta"):
        transformer = S2VTransformer(config, backend)
    generator = torch.Generator(device).manual_seed(seed)
    for name, empty in list(transformer.named_parameters()):
        if name.endswith(".weight_scale"):
            continue
        owner, _, leaf = name.rpartition(".")
        kept = torch.float32 if name.startswith(FLOAT32_PREFIXES) else dtype
        tensor = torch.empty(empty.shape, device=device, dtype=kept)
        tensor.normal_(std=_DEVIATION, generator=generator)
        if owner.endswith("norm") and leaf == "weight":
            tensor += 1
        fill_parameter(transformer, name, tensor)
    return transformer.eval()

"""The ways to build the transformer that are measured against each other."""

import dataclasses
from dataclasses import dataclass

import torch

from s2v_runner.errors import InputError
from s2v_runner.transformer import S2VTransformer, TransformerConfig, resolve_attention
from s2v_runner.transformer.attention import try_attention


@dataclass(frozen=True)
class Variant:
    """One way. A further choice is a further field with a default, and its part of `build` and `check`."""

    attention: str

    def __str__(self) -> str:
        """As it is typed: the attention backend, then every other choice that is not the default."""
        chosen = [
            f"{field.name}={value}"
            for field in dataclasses.fields(self)
            if field.name != "attention" and (value := getattr(self, field.name)) != field.default
        ]
        return ",".join((self.attention, *chosen))

    def check(self, config: TransformerConfig, device: torch.device, dtype: torch.dtype) -> None:
        """Raises InputError where this cannot run."""
        try_attention(resolve_attention(self.attention), self.attention, device, dtype, config.head_dim)

    def build(self, plain: S2VTransformer) -> S2VTransformer:
        """The same model this way. Weights that stay as they are in `plain` are shared with it."""
        with torch.device("meta"):
            transformer = S2VTransformer(plain.config, resolve_attention(self.attention))
        transformer.load_state_dict(plain.state_dict(), assign=True)
        return transformer.requires_grad_(False).eval()


def parse_variant(text: str) -> Variant:
    """`sdpa_cudnn`, or with further choices `sdpa_cudnn,name=value,…`. Raises InputError."""
    attention, *others = text.split(",")
    known = [field.name for field in dataclasses.fields(Variant) if field.name != "attention"]
    chosen = {name: value for name, _, value in (entry.partition("=") for entry in others)}
    for name in chosen:
        if name not in known:
            remedy = f"Give an attention backend, then any of {', '.join(known)}" if known else "Give a backend alone"
            raise InputError(f"variant '{text}'", f"there is no choice '{name}'", remedy)
    resolve_attention(attention)
    return Variant(attention, **chosen)


def without_blocks(transformer: S2VTransformer) -> S2VTransformer:
    """What is around the blocks, sharing its weights: what a part of the blocks is scaled up from."""
    config = dataclasses.replace(transformer.config, num_layers=0, audio_injection_layers=())
    with torch.device("meta"):
        rest = S2VTransformer(config, resolve_attention("sdpa"))
    kept = {name: tensor for name, tensor in transformer.state_dict().items() if not name.startswith("blocks.")}
    rest.load_state_dict(kept, assign=True)
    return rest.requires_grad_(False).eval()

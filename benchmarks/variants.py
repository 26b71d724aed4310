"""The ways to build the transformer that are measured against each other."""

import dataclasses
from dataclasses import dataclass
from typing import Literal, get_args

import torch

from s2v_runner.errors import InputError
from s2v_runner.records import KernelName, MatrixName
from s2v_runner.transformer import (
    WHOLE_SEQUENCE,
    Backend,
    S2VTransformer,
    Sequence,
    TransformerConfig,
    plain_backend,
    resolve_attention,
    resolve_backend,
)
from s2v_runner.transformer.attention import try_attention
from s2v_runner.transformer.linear import fill_parameter, put_parameter

WeightName = Literal["model", "float32"]
_CHOICES = {
    "kernels": get_args(KernelName),
    "matrices": get_args(MatrixName),
    "weights": get_args(WeightName),
}


@dataclass(frozen=True)
class Variant:
    """One way. A further choice is a further field with a default, and its part of `backend`."""

    attention: str
    kernels: KernelName = "plain"
    matrices: MatrixName = "model"
    weights: WeightName = "model"
    """float32 widens the same weights: what the others round from."""

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
        backend = self.backend(device, dtype)
        try_attention(backend.attend, self.attention, device, self._dtype(dtype), config.head_dim)

    def backend(self, device: torch.device, dtype: torch.dtype) -> Backend:
        dtype = self._dtype(dtype)
        return resolve_backend(self.attention, self.kernels, self.matrices, device, dtype, WHOLE_SEQUENCE)

    def _dtype(self, dtype: torch.dtype) -> torch.dtype:
        return torch.float32 if self.weights == "float32" else dtype

    def build(self, plain: S2VTransformer) -> S2VTransformer:
        """The same model this way. Weights that stay as they are in `plain` are shared with it."""
        parameters = dict(plain.named_parameters())
        backend = self.backend(next(iter(parameters.values())).device, plain.dtype)
        with torch.device("meta"):
            transformer = S2VTransformer(plain.config, backend)
        for name, parameter in parameters.items():
            kept = torch.float32 if parameter.dtype == torch.float32 else self._dtype(parameter.dtype)
            fill_parameter(transformer, name, parameter.detach().to(kept))
        return transformer.requires_grad_(False).eval()


def with_sequence(transformer: S2VTransformer, backend: Backend, sequence: Sequence) -> S2VTransformer:
    """The same parameters, and a backend whose tokens are shared out otherwise."""
    with torch.device("meta"):
        other = S2VTransformer(transformer.config, dataclasses.replace(backend, sequence=sequence))
    for name, parameter in transformer.named_parameters():
        put_parameter(other, name, parameter.detach())
    return other.eval()


def parse_variant(text: str) -> Variant:
    """`sdpa_cudnn`, or with further choices `sdpa_cudnn,name=value,…`. Raises InputError."""
    attention, *others = text.split(",")
    known = [field.name for field in dataclasses.fields(Variant) if field.name != "attention"]
    chosen = {name: value for name, _, value in (entry.partition("=") for entry in others)}
    for name in chosen:
        if name not in known:
            remedy = f"Give an attention backend, then any of {', '.join(known)}" if known else "Give a backend alone"
            raise InputError(f"variant '{text}'", f"there is no choice '{name}'", remedy)
        if chosen[name] not in _CHOICES[name]:
            raise InputError(
                f"variant '{text}'", f"'{chosen[name]}' is no choice of {name}", f"Give {', '.join(_CHOICES[name])}"
            )
    resolve_attention(attention)
    return Variant(attention, **chosen)  # pyright: ignore[reportArgumentType]


def without_blocks(transformer: S2VTransformer) -> S2VTransformer:
    """What is around the blocks, sharing its weights: what a part of the blocks is scaled up from."""
    config = dataclasses.replace(transformer.config, num_layers=0, audio_injection_layers=())
    with torch.device("meta"):
        rest = S2VTransformer(config, plain_backend("sdpa"))
    kept = {name: tensor for name, tensor in transformer.state_dict().items() if not name.startswith("blocks.")}
    rest.load_state_dict(kept, assign=True)
    return rest.requires_grad_(False).eval()

"""Checkpoint files → modules, strictly, each tensor straight to its device and dtype."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import nn
from transformers import UMT5EncoderModel, Wav2Vec2Model

from s2v_runner.autoencoder import Autoencoder
from s2v_runner.checkpoint.inspection import InspectedPart
from s2v_runner.checkpoint.parts import PartPlan
from s2v_runner.checkpoint.tensors import DamagedFileError
from s2v_runner.errors import InputError
from s2v_runner.transformer import S2VTransformer

Part = TypeVar("Part", bound=nn.Module)

Progress = Callable[[str, int, int], None]
"""Told after each tensor: its name, how many are loaded, how many there are."""


def load_transformer(
    part: InspectedPart, device: torch.device, dtype: torch.dtype, progress: Progress
) -> S2VTransformer:
    """The transformer, its float32 parts in float32 and the rest in `dtype`.

    `part` must have been found sound. Raises InputError when a weight is not finite.
    """
    return _load(part, device, dtype, progress, S2VTransformer)


def load_vae(part: InspectedPart, device: torch.device, operands: torch.dtype, progress: Progress) -> Autoencoder:
    """The video autoencoder, its convolutions behind a norm in `operands`, the rest in float32 as the original runs it.

    Raises as `load_transformer` does.
    """
    autoencoder = _load(part, device, operands, progress, Autoencoder)
    autoencoder.arrange()
    return autoencoder


def load_text_encoder(
    part: InspectedPart, device: torch.device, dtype: torch.dtype, progress: Progress
) -> UMT5EncoderModel:
    """The text encoder. Raises as `load_transformer` does."""
    encoder = _load(part, device, dtype, progress, UMT5EncoderModel)
    encoder.tie_weights()
    return encoder


def load_audio_encoder(part: InspectedPart, device: torch.device, progress: Progress) -> Wav2Vec2Model:
    """The speech encoder, in float32 as the original runs it. Raises as `load_transformer` does."""
    return _load(part, device, torch.float32, progress, Wav2Vec2Model)


def _load(part: InspectedPart, device: torch.device, dtype: torch.dtype, progress: Progress, kind: type[Part]) -> Part:
    assert part.plan is not None, part.problems
    with torch.device("meta"):
        module = part.plan.build()
    assert isinstance(module, kind)
    _fill(module, part.plan, part, device, dtype, progress)
    return module.eval().requires_grad_(False)


def _fill(
    module: nn.Module,
    plan: PartPlan,
    part: InspectedPart,
    device: torch.device,
    dtype: torch.dtype,
    progress: Progress,
) -> None:
    ours_of = {published: ours for ours, published in plan.names.items()}
    sums: list[tuple[str, torch.Tensor]] = []
    for published, tensor in _read(part, device):
        if published not in ours_of:
            continue
        ours = ours_of[published]
        target = torch.float32 if ours.startswith(plan.float32_prefixes) else dtype
        _place(module, ours, tensor.to(target))
        # Weights are small numbers: their sum is finite exactly when each of them is, and takes no room.
        sums.append((published, tensor.sum(dtype=torch.float32)))
        progress(published, len(sums), len(ours_of))
    left = [name for name, tensor in module.state_dict().items() if tensor.is_meta and name in plan.names]
    assert not left, left
    broken = [published for published, total in sums if not torch.isfinite(total)]
    if broken:
        others = f", as do {len(broken) - 1} more" if broken[1:] else ""
        raise InputError(
            f"{part.name} weights",
            f"'{broken[0]}' holds values that are not finite{others}",
            "Fetch the files again; `s2v-runner check --deep` finds them all",
        )


def _read(part: InspectedPart, device: torch.device) -> Iterator[tuple[str, torch.Tensor]]:
    for file in part.store.files:
        try:
            yield from file.read(device)
        except DamagedFileError as error:
            raise InputError(f"weights '{file.path}'", str(error), "Fetch the file again") from error


def _place(module: nn.Module, name: str, tensor: torch.Tensor) -> None:
    """Put a tensor where the empty parameter of that name was."""
    owner_name, _, leaf = name.rpartition(".")
    owner = module.get_submodule(owner_name)
    assert leaf in owner._parameters, name
    owner._parameters[leaf] = nn.Parameter(tensor, requires_grad=False)

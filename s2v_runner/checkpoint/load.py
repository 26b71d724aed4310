"""Checkpoint files → modules, strictly, each tensor straight to its device and dtype."""

from collections.abc import Callable, Iterator, Sequence, Set
from typing import TypeVar

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from torch import nn
from transformers import UMT5EncoderModel, Wav2Vec2Model

from s2v_runner.checkpoint.headers import DamagedFileError
from s2v_runner.checkpoint.inspection import InspectedPart
from s2v_runner.checkpoint.parts import PartPlan
from s2v_runner.checkpoint.reading import open_reader
from s2v_runner.checkpoint.tensors import TensorEntry
from s2v_runner.errors import InputError
from s2v_runner.transformer import S2VTransformer

Part = TypeVar("Part", bound=nn.Module)

Progress = Callable[[str, int, int], None]
"""Told after each tensor: its name, how many are loaded, how many there are."""

Place = Callable[[str, tuple[int, ...], torch.dtype], torch.Tensor]
"""Gives the tensor that is to be filled for a parameter, by our name for it, its shape and its dtype."""


def place_on(device: torch.device) -> Place:
    """Each parameter in memory of its own on the device."""
    return lambda _, shape, dtype: torch.empty(shape, dtype=dtype, device=device)


def load_transformer(
    part: InspectedPart, device: torch.device, place: Place, dtype: torch.dtype, progress: Progress
) -> S2VTransformer:
    """The transformer, its float32 parts in float32 and the rest in `dtype`.

    Its parameters are the tensors that `place` gives, which may be on `device` or in main memory.
    `part` must have been found sound. Raises InputError when a weight is not finite or a file is damaged.
    """
    return _load(part, device, place, dtype, progress, S2VTransformer)


def load_vae(part: InspectedPart, device: torch.device, progress: Progress) -> AutoencoderKLWan:
    """The video autoencoder, in float32 as the original runs it. Raises as `load_transformer` does."""
    return _load(part, device, place_on(device), torch.float32, progress, AutoencoderKLWan)


def load_text_encoder(
    part: InspectedPart, device: torch.device, dtype: torch.dtype, progress: Progress
) -> UMT5EncoderModel:
    """The text encoder. Raises as `load_transformer` does."""
    encoder = _load(part, device, place_on(device), dtype, progress, UMT5EncoderModel)
    encoder.tie_weights()
    return encoder


def load_audio_encoder(part: InspectedPart, device: torch.device, progress: Progress) -> Wav2Vec2Model:
    """The speech encoder, in float32 as the original runs it. Raises as `load_transformer` does."""
    return _load(part, device, place_on(device), torch.float32, progress, Wav2Vec2Model)


def _load(
    part: InspectedPart, device: torch.device, place: Place, dtype: torch.dtype, progress: Progress, kind: type[Part]
) -> Part:
    assert part.plan is not None, part.problems
    with torch.device("meta"):
        module = part.plan.build()
    assert isinstance(module, kind)
    _fill(module, part.plan, part, device, place, dtype, progress)
    return module.eval().requires_grad_(False)


def _fill(
    module: nn.Module,
    plan: PartPlan,
    part: InspectedPart,
    device: torch.device,
    place: Place,
    dtype: torch.dtype,
    progress: Progress,
) -> None:
    ours_of = {published: ours for ours, published in plan.names.items()}
    parameters: dict[str, torch.Tensor] = {}
    sums: list[tuple[str, torch.Tensor]] = []

    def receive(entry: TensorEntry) -> torch.Tensor:
        """Where the file's numbers go: into the parameter itself, unless they are to be converted."""
        ours = ours_of[entry.name]
        kept = torch.float32 if ours.startswith(plan.float32_prefixes) else dtype
        parameter = parameters[entry.name] = place(ours, entry.shape, kept)
        assert (parameter.shape, parameter.dtype) == (entry.shape, kept), ours
        if entry.dtype == kept:
            return parameter
        return torch.empty(entry.shape, dtype=entry.dtype, device=parameter.device)

    for entry, tensor in _read(part, ours_of.keys(), receive, device):
        parameter = parameters.pop(entry.name)
        if tensor is not parameter:
            parameter.copy_(tensor)
        _put(module, ours_of[entry.name], parameter)
        # Weights are small numbers: their sum is finite exactly when each of them is, and takes no room.
        sums.append((entry.name, tensor.sum(dtype=torch.float32)))
        progress(entry.name, len(sums), len(ours_of))
    left = [name for name, tensor in module.state_dict().items() if tensor.is_meta and name in plan.names]
    assert not left, left
    broken = _find_broken(sums)
    if broken:
        others = f", as do {len(broken) - 1} more" if broken[1:] else ""
        raise InputError(
            f"{part.name} weights",
            f"'{broken[0]}' holds values that are not finite{others}",
            "Fetch the files again; `s2v-runner check --deep` finds them all",
        )


def _read(
    part: InspectedPart, wanted: Set[str], receive: Callable[[TensorEntry], torch.Tensor], device: torch.device
) -> Iterator[tuple[TensorEntry, torch.Tensor]]:
    with open_reader(device) as reader:
        for file in part.store.files:
            entries = [entry for entry in file.entries if entry.name in wanted]
            try:
                yield from file.fill(entries, receive, reader)
            except DamagedFileError as error:
                raise InputError(f"weights '{file.path}'", str(error), "Fetch the file again") from error


def _find_broken(sums: Sequence[tuple[str, torch.Tensor]]) -> list[str]:
    """The names of sums that are not finite. A GPU is asked once, since each question waits for all it has to do."""
    broken: list[str] = []
    for device in {total.device for _, total in sums}:
        there = [(name, total) for name, total in sums if total.device == device]
        finite = torch.isfinite(torch.stack([total for _, total in there])).tolist()
        broken += [name for (name, _), fine in zip(there, finite, strict=True) if not fine]
    return broken


def _put(module: nn.Module, name: str, tensor: torch.Tensor) -> None:
    """Put a tensor where the empty parameter of that name was."""
    owner_name, _, leaf = name.rpartition(".")
    owner = module.get_submodule(owner_name)
    assert leaf in owner._parameters, name
    owner._parameters[leaf] = nn.Parameter(tensor, requires_grad=False)

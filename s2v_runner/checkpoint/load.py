"""Checkpoint files → modules, strictly, each tensor straight to its device and dtype."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch
from torch import nn
from transformers import UMT5EncoderModel, Wav2Vec2Model

from s2v_runner.autoencoder import Autoencoder
from s2v_runner.checkpoint.headers import DamagedFileError
from s2v_runner.checkpoint.inspection import InspectedPart
from s2v_runner.checkpoint.loras import Changes
from s2v_runner.checkpoint.merging import Merger
from s2v_runner.checkpoint.parts import PartPlan
from s2v_runner.checkpoint.reading import open_reader
from s2v_runner.checkpoint.shards import UNSHARDED, Shards
from s2v_runner.checkpoint.tensors import TensorEntry
from s2v_runner.errors import InputError
from s2v_runner.transformer import S2VTransformer
from s2v_runner.transformer.linear import Float8Linear, put_parameter, quantise

Part = TypeVar("Part", bound=nn.Module)

Progress = Callable[[str, int, int], None]
"""Told after each tensor: its name, how many are loaded, how many there are."""

_NO_CHANGES: Changes = {}

Place = Callable[[str, tuple[int, ...], torch.dtype], torch.Tensor]
"""Gives the tensor that is to be filled for a parameter, by our name for it, its shape and its dtype."""


def place_on(device: torch.device) -> Place:
    """Each parameter in memory of its own on the device."""
    return lambda _, shape, dtype: torch.empty(shape, dtype=dtype, device=device)


def load_transformer(
    part: InspectedPart,
    device: torch.device,
    place: Place,
    dtype: torch.dtype,
    changes: Changes,
    shards: Shards,
    progress: Progress,
) -> S2VTransformer:
    """The transformer with changes merged into it, its float32 parts in float32 and the rest in `dtype`.

    Its parameters are the tensors that `place` gives, which may be on `device` or in main memory. Where they are shared
    out, only the rows that are kept here are read, and `place` is asked for room for these.
    `part` must have been found sound. Raises InputError when a weight is not finite or a file is damaged.
    """
    return _load(part, device, place, dtype, changes, shards, progress, S2VTransformer)


def load_vae(part: InspectedPart, device: torch.device, operands: torch.dtype, progress: Progress) -> Autoencoder:
    """The video autoencoder, its convolutions behind a norm in `operands`, the rest in float32 as the original runs it.

    Raises as `load_transformer` does.
    """
    autoencoder = _load(part, device, place_on(device), operands, _NO_CHANGES, UNSHARDED, progress, Autoencoder)
    autoencoder.arrange()
    return autoencoder


def load_text_encoder(
    part: InspectedPart, device: torch.device, dtype: torch.dtype, shards: Shards, progress: Progress
) -> UMT5EncoderModel:
    """The text encoder. Raises as `load_transformer` does."""
    encoder = _load(part, device, place_on(device), dtype, _NO_CHANGES, shards, progress, UMT5EncoderModel)
    encoder.tie_weights()
    return encoder


def load_audio_encoder(part: InspectedPart, device: torch.device, progress: Progress) -> Wav2Vec2Model:
    """The speech encoder, in float32 as the original runs it. Raises as `load_transformer` does."""
    return _load(part, device, place_on(device), torch.float32, _NO_CHANGES, UNSHARDED, progress, Wav2Vec2Model)


def _load(
    part: InspectedPart,
    device: torch.device,
    place: Place,
    dtype: torch.dtype,
    changes: Changes,
    shards: Shards,
    progress: Progress,
    kind: type[Part],
) -> Part:
    assert part.plan is not None, part.problems
    with torch.device("meta"):
        module = part.plan.build()
    assert isinstance(module, kind)
    shards.wrap(module)
    with Merger(changes) as merger:
        sums = _fill(part, device, _Fitting(module, part.plan, device, place, dtype, merger, shards), progress)
    left = [name for name, tensor in module.state_dict().items() if tensor.is_meta and name in part.plan.names]
    assert not left, left
    _require_finite(f"{part.name} weights", "Fetch the files again; `s2v-runner check --deep` finds them all", sums)
    for path in {path for (path, _), _ in merger.sums}:
        read = [(key, total) for (source, key), total in merger.sums if source == path]
        _require_finite(f"LoRA '{path}'", "Fetch the file again, or leave it out", read)
    return module.eval().requires_grad_(False)


class _Fitting:
    """From the tensors of files to parameters."""

    def __init__(
        self,
        module: nn.Module,
        plan: PartPlan,
        device: torch.device,
        place: Place,
        dtype: torch.dtype,
        merger: Merger,
        shards: Shards,
    ) -> None:
        self.ours = {published: ours for ours, published in plan.names.items()}
        """Our names of those that are wanted."""
        self._float32_prefixes = plan.float32_prefixes
        self._rounded = {f"{name}.weight" for name, layer in module.named_modules() if isinstance(layer, Float8Linear)}
        """The weights that are kept in 8 bits."""
        self._module = module
        self._device = device
        self._place = place
        self._dtype = dtype
        self._merger = merger
        self._shards = shards
        self._rows: dict[str, range] = {}
        """Those that are kept of a parameter, by our name."""
        self._parameters: dict[str, torch.Tensor] = {}
        """What is being filled."""

    def choose(self, entry: TensorEntry) -> TensorEntry:
        """What is read of a tensor of the file."""
        rows = self._rows[self.ours[entry.name]] = self._shards.rows(entry.row_count)
        return entry.of_rows(rows)

    def receive(self, entry: TensorEntry) -> torch.Tensor:
        """Where the file's numbers go: into the parameter itself, unless they are to be converted."""
        ours = self.ours[entry.name]
        if ours in self._rounded:
            return torch.empty(entry.shape, dtype=entry.dtype, device=self._device)
        kept = torch.float32 if ours.startswith(self._float32_prefixes) else self._dtype
        parameter = self._parameters[ours] = self._place(ours, entry.shape, kept)
        assert (parameter.shape, parameter.dtype) == (entry.shape, kept), ours
        if entry.dtype == kept:
            return parameter
        return torch.empty(entry.shape, dtype=entry.dtype, device=parameter.device)

    def finish(self, ours: str, tensor: torch.Tensor) -> None:
        """Put the parameter in its place, once its numbers have come, or the two that a weight in 8 bits becomes."""
        if self._merger.changes(ours):
            tensor = self._merger.merge(ours, tensor, self._rows[ours])
        if ours in self._rounded:
            rounded = quantise(tensor)
            for name, part in {ours: rounded.values, f"{ours}_scale": rounded.scale}.items():
                self._put(name, self._place(name, tuple(part.shape), part.dtype).copy_(part))
            return
        parameter = self._parameters.pop(ours)
        self._put(ours, parameter if tensor is parameter else parameter.copy_(tensor))

    def _put(self, name: str, rows: torch.Tensor) -> None:
        put_parameter(self._module, name, self._shards.assemble(self._module.get_parameter(name), rows))


def _fill(
    part: InspectedPart, device: torch.device, fitting: _Fitting, progress: Progress
) -> list[tuple[str, torch.Tensor]]:
    """Put every parameter in its place, and give the sum of the numbers of each in the files."""
    sums: list[tuple[str, torch.Tensor]] = []
    for entry, tensor in _read(part, fitting, device):
        # Weights are small numbers: their sum is finite exactly when each of them is, and takes no room.
        sums.append((entry.name, tensor.sum(dtype=torch.float32)))
        fitting.finish(fitting.ours[entry.name], tensor)
        progress(entry.name, len(sums), len(fitting.ours))
    return sums


def _read(part: InspectedPart, fitting: _Fitting, device: torch.device) -> Iterator[tuple[TensorEntry, torch.Tensor]]:
    with open_reader(device) as reader:
        for file in part.store.files:
            entries = [fitting.choose(entry) for entry in file.entries if entry.name in fitting.ours]
            try:
                yield from file.fill(entries, fitting.receive, reader)
            except DamagedFileError as error:
                raise InputError(f"weights '{file.path}'", str(error), "Fetch the file again") from error


def _require_finite(subject: str, remedy: str, sums: Sequence[tuple[str, torch.Tensor]]) -> None:
    """Raise InputError that names a sum that is not finite, if one is.

    A device is asked once for all, since each question waits for everything that it has to do.
    """
    broken: list[str] = []
    for device in {total.device for _, total in sums}:
        there = [(name, total) for name, total in sums if total.device == device]
        finite = torch.isfinite(torch.stack([total for _, total in there])).tolist()
        broken += [name for (name, _), fine in zip(there, finite, strict=True) if not fine]
    if broken:
        others = f", as do {len(broken) - 1} more" if broken[1:] else ""
        raise InputError(subject, f"'{broken[0]}' holds values that are not finite{others}", remedy)

"""LoRA files: which parameters of the transformer they change, told from their headers. Nothing heavy is imported.

The names of their tensors are those that are in use for Wan: `lora_A` and `lora_B` (PEFT, Diffusers), `lora_down`,
`lora_up` and `alpha` (kohya-ss/musubi-tuner, ComfyUI), and the whole differences `diff`, `diff_b` and `diff_m` that
come with LoRAs extracted from fine-tuned weights (lightx2v). Modules may have the official or Diffusers' names.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from s2v_runner.checkpoint.headers import DamagedFileError, Header, HeaderEntry, read_header
from s2v_runner.checkpoint.layout import CheckpointFolder, read_json
from s2v_runner.checkpoint.names import TransformerNames, module_names, recognise_dialect
from s2v_runner.errors import InputError

_PREFIXES = ("base_model.model.", "model.diffusion_model.", "diffusion_model.", "transformer.")
_FLAT_PREFIX = "lora_unet_"
_KEY = re.compile(
    r"(?P<module>.+?)\."
    r"(?:lora_(?P<half>A|B|down|up)(?:\.default)?\.(?P<leaf>weight|bias)|(?P<role>alpha|diff|diff_b|diff_m))"
)
_HALVES = {("A", "weight"): "down", ("down", "weight"): "down", ("B", "weight"): "up", ("up", "weight"): "up"}
_HALVES |= {("B", "bias"): "up_bias", ("up", "bias"): "up_bias"}
# Wan's image-to-video models attend to an encoded picture beside the text. S2V has nothing of the kind: it sees its
# picture as latents. So there is nothing that these could change.
_OF_PICTURES = re.compile(
    r"(?:^|[._])(?:k_img|v_img|norm_k_img|img_emb|add_k_proj|add_v_proj|norm_added_k|image_embedder)(?:[._]|$)"
)
_DTYPES = ("F32", "F16", "BF16")
_ALPHA_DTYPES = (*_DTYPES, "F64", "I64", "I32")
_PEFT = "lora_adapter_metadata"
_FILES_KNOWN = 64
_NAMED = 3
_REMEDY = "Give a LoRA of Wan2.2-S2V-14B, or of Wan2.1 or 2.2 T2V-14B, which has the same layers"


@dataclass(frozen=True)
class Lora:
    """A LoRA file that is to be added to the weights."""

    path: Path
    scale: float
    sha256: str
    left_out: int
    """How many of its tensors are of layers for encoded pictures, which the model does not have."""


@dataclass(frozen=True)
class Change:
    """What one file adds to one parameter: scale · alpha / rank times the product of the factors."""

    lora: Lora
    factors: tuple[str, ...]
    """Keys of the file: `up` and `down`, or a difference by itself."""
    rank: int
    alpha: str | float
    """A number or the key that has it. It is the rank where the file says nothing."""


Changes = Mapping[str, Sequence[Change]]
"""By our names of the parameters."""


def count_left_out(path: Path) -> int:
    """How many tensors of a LoRA are of layers for encoded pictures. Raises InputError for a file that is none."""
    return sum(bool(_OF_PICTURES.search(entry.name)) for entry in _header_of(path).entries)


def check_loras(loras: Sequence[Lora], checkpoint: CheckpointFolder) -> None:
    """Refuse a LoRA that does not fit the checkpoint's transformer, from headers alone. Raises InputError.

    Where the transformer itself is not as it should be, that is left to whoever loads it.
    """
    part = checkpoint.parts["transformer"]
    try:
        entries = [entry for path in part.weights for entry in read_header(path).entries]
        config = {} if part.config is None else read_json(part.config)
    except (DamagedFileError, InputError):
        return
    dialect, layers = recognise_dialect(entry.name for entry in entries), config.get("audio_inject_layers")
    if dialect is None or part.absent or not isinstance(layers, list) or not all(type(n) is int for n in layers):
        return
    ours = TransformerNames(dialect, tuple(layers)).ours(entry.name for entry in entries)
    plan_changes(loras, {ours[entry.name]: entry.shape for entry in entries if entry.name in ours}, tuple(layers))


def plan_changes(
    loras: Sequence[Lora], shapes: Mapping[str, tuple[int, ...]], injection_layers: tuple[int, ...]
) -> Changes:
    """What the LoRAs change in a transformer whose parameters, by our names, have these shapes.

    Raises InputError where a file holds anything that belongs nowhere, does not fit, or cannot be read.
    """
    modules = module_names(shapes, injection_layers)
    modules |= {name.replace(".", "_"): ours for name, ours in modules.items()}
    changes: dict[str, list[Change]] = {}
    for lora in loras:
        for parameter, change in _plan_file(lora, shapes, modules):
            # None of it is not a little of it: weights stay as they are to the bit.
            if lora.scale != 0:
                changes.setdefault(parameter, []).append(change)
    return changes


def _plan_file(
    lora: Lora, shapes: Mapping[str, tuple[int, ...]], modules: Mapping[str, str]
) -> list[tuple[str, Change]]:
    header = _header_of(lora.path)
    refuse = _Refusal(lora.path, len(header.entries))
    found: dict[str, dict[str, HeaderEntry]] = {}
    nowhere: list[str] = []
    for entry in header.entries:
        if _OF_PICTURES.search(entry.name):
            continue
        module, role = _recognise(entry.name, modules)
        if module is None or role in found.setdefault(module, {}):
            nowhere.append(entry.name)
        else:
            found[module][role] = entry
    refuse.any(nowhere, "belong to nothing in this model")
    if not found:
        raise InputError(f"LoRA '{lora.path}'", "it changes nothing in this model", _REMEDY)
    refuse.any([name for tensors in found.values() for name in _halves(tensors)], "lack their other half")
    unread = [name for tensors in found.values() for name in _unreadable(tensors)]
    refuse.any(unread, f"are not {', '.join(_DTYPES)}")
    alphas = _StatedAlphas(lora.path, header)
    planned = [
        each for module, tensors in found.items() for each in _plan_module(lora, module, tensors, alphas, shapes)
    ]
    unfit = [each.change.factors[0] for each in planned if shapes.get(each.parameter) != each.shape]
    refuse.any(unfit, "are not of the shapes of this model's layers")
    return [(each.parameter, each.change) for each in planned]


@dataclass(frozen=True)
class _Planned:
    parameter: str
    change: Change
    shape: tuple[int, ...] | None
    """Of what is added; None where the factors do not fit each other."""


def _plan_module(
    lora: Lora,
    module: str,
    tensors: Mapping[str, HeaderEntry],
    alphas: "_StatedAlphas",
    shapes: Mapping[str, tuple[int, ...]],
) -> Iterator[_Planned]:
    # Tables such as the modulation are parameters without a leaf of their own.
    weight = module if module in shapes else f"{module}.weight"
    if "down" in tensors:
        down, up = tensors["down"], tensors["up"]
        rank = down.shape[0] if down.shape else 0
        alpha = tensors["alpha"].name if "alpha" in tensors else alphas.of(down.name, rank)
        # A convolution is factored into one of its own shape and one of a single pixel.
        fits = rank > 0 and len(down.shape) > 1 and up.shape[1:2] == (rank,) and math.prod(up.shape[1:]) == rank
        shape = (up.shape[0], *down.shape[1:]) if fits else None
        yield _Planned(weight, Change(lora, (up.name, down.name), rank, alpha), shape)
        if "up_bias" in tensors:
            bias = tensors["up_bias"]
            yield _Planned(f"{module}.bias", Change(lora, (bias.name,), rank, alpha), bias.shape)
    for role, parameter in (("diff", weight), ("diff_b", f"{module}.bias")):
        if role in tensors:
            difference = tensors[role]
            yield _Planned(parameter, Change(lora, (difference.name,), 1, 1.0), difference.shape)


def _recognise(key: str, modules: Mapping[str, str]) -> tuple[str | None, str]:
    """Our name of the module that a key is of, or None, and what it is to it."""
    match = _KEY.fullmatch(key)
    if match is None:
        return None, ""
    module, role = match["module"], match["role"] or _HALVES.get((match["half"], match["leaf"]))
    is_flat = module.startswith(_FLAT_PREFIX)
    if role == "diff_m":
        # Of the table that a block or the head has beside its layers.
        module, role = f"{module}{'_' if is_flat else '.'}modulation", "diff"
    if role is None:
        return None, ""
    if is_flat:
        return modules.get(module.removeprefix(_FLAT_PREFIX)), role
    prefix = next((prefix for prefix in _PREFIXES if module.startswith(prefix)), "")
    return modules.get(module.removeprefix(prefix)), role


def _halves(tensors: Mapping[str, HeaderEntry]) -> list[str]:
    """The keys of a module that mean nothing by themselves."""
    if {"down", "up"} <= tensors.keys():
        return []
    return [entry.name for role, entry in tensors.items() if role in ("down", "up", "up_bias", "alpha")]


def _unreadable(tensors: Mapping[str, HeaderEntry]) -> list[str]:
    return [
        entry.name
        for role, entry in tensors.items()
        if entry.dtype not in (_ALPHA_DTYPES if role == "alpha" else _DTYPES)
        or (role == "alpha" and math.prod(entry.shape) != 1)
    ]


class _StatedAlphas:
    """What PEFT's settings, which Diffusers keeps in the header, say of alpha."""

    def __init__(self, path: Path, header: Header) -> None:
        try:
            stated = json.loads(header.metadata.get(_PEFT, "{}"))
            settings = {key.rpartition(".")[2]: value for key, value in stated.items()}
            self._alpha = None if settings.get("lora_alpha") is None else float(settings["lora_alpha"])
            self._patterns = {key: float(value) for key, value in (settings.get("alpha_pattern") or {}).items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise InputError(
                f"LoRA '{path}'", f"its settings '{_PEFT}' cannot be read ({error})", "Save the LoRA again"
            ) from error
        for setting in ("use_rslora", "use_dora"):
            if settings.get(setting):
                raise InputError(f"LoRA '{path}'", f"it was trained with {setting}, which is not merged here", _REMEDY)

    def of(self, key: str, rank: int) -> float:
        """The alpha of a layer, by a key of it; the rank where nothing is said."""
        module = key.partition(".lora_")[0]
        for pattern, alpha in self._patterns.items():
            if module == pattern or module.endswith(f".{pattern}"):
                return alpha
        return float(rank) if self._alpha is None else self._alpha


@dataclass(frozen=True)
class _Refusal:
    path: Path
    count: int

    def any(self, keys: Sequence[str], problem: str) -> None:
        """Raise InputError that names some of the keys, if there are any."""
        if keys:
            named = ", ".join(f"'{key}'" for key in keys[:_NAMED])
            detail = f"{len(keys)} of its {self.count} tensors {problem}, such as {named}"
            raise InputError(f"LoRA '{self.path}'", detail, _REMEDY)


def _header_of(path: Path) -> Header:
    try:
        state = path.stat()
        return _known_header(path, state.st_size, state.st_mtime_ns)
    except FileNotFoundError as error:
        raise InputError(f"LoRA '{path}'", "there is no such file", "Give the path of a .safetensors file") from error
    except OSError as error:
        raise InputError(f"LoRA '{path}'", f"it cannot be read ({error})", "Give a file you may read") from error
    except DamagedFileError as error:
        raise InputError(f"LoRA '{path}'", str(error), "Fetch the file again") from error


# The points of a sweep ask for the same few files again and again.
@lru_cache(maxsize=_FILES_KNOWN)
def _known_header(path: Path, _size: int, _time: int) -> Header:
    return read_header(path)

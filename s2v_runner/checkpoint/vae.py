"""The video autoencoder of a checkpoint, official names to those of Diffusers' `AutoencoderKLWan`, which ours are too.

The names follow `convert_vae` in Diffusers' `scripts/convert_wan_to_diffusers.py`; where that lists the indices
of the released model, the same rule is followed for any number of residual blocks.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby

import torch

from s2v_runner.autoencoder import Autoencoder, AutoencoderConfig, float32_parameters
from s2v_runner.checkpoint.parts import PartPlan, Shapes, UnfitError

_OFFICIAL_SIGN = "conv1.weight"

_TOP = {
    "conv1": "quant_conv",
    "conv2": "post_quant_conv",
    "encoder.conv1": "encoder.conv_in",
    "decoder.conv1": "decoder.conv_in",
    "encoder.head.0": "encoder.norm_out",
    "encoder.head.2": "encoder.conv_out",
    "decoder.head.0": "decoder.norm_out",
    "decoder.head.2": "decoder.conv_out",
}
# Of the released model (`Wan2_1_VAE` in `wan/modules/vae2_1.py` of the original): no file holds them.
_LATENTS_MEAN = (
    -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508,
    0.4134, -0.0715, 0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921,
)  # fmt: skip
_LATENTS_DEVIATION = (
    2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743,
    3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.9160,
)  # fmt: skip
_MIDDLE = {"0": "resnets.0", "1": "attentions.0", "2": "resnets.1"}
_RESIDUAL = {"0": "norm1", "2": "conv1", "3": "norm2", "6": "conv2"}
_UPSAMPLING = re.compile(r"decoder\.up_blocks\.(\d+)\.(resnets|upsamplers)\.(\d+)")


def plan_vae(shapes: Shapes) -> PartPlan:
    """How to load the autoencoder that the tensors' shapes describe, under either naming.

    Raises UnfitError when they are not an autoencoder of this kind.
    """
    if _OFFICIAL_SIGN in shapes:
        up_stages = _upsampling_stages(shapes)
        published = {_diffusers_name(name, up_stages): name for name in shapes}
    else:
        published = {name: name for name in shapes}
    by_ours = {ours: shapes[name] for ours, name in published.items()}
    build = _builder(by_ours)
    with torch.device("meta"):
        empty = build()
    return PartPlan(
        build=build,
        names={name: published.get(name, name) for name in empty.state_dict()},
        float32_prefixes=float32_parameters(empty),
        sizes={"latent_channels": by_ours["post_quant_conv.weight"][0]},
    )


def assemble_vae(weights: Mapping[str, torch.Tensor], operands: torch.dtype) -> Autoencoder:
    """An autoencoder of weights at hand, under either naming; which of them stay float32, see `float32_parameters`."""
    plan = plan_vae({name: tuple(tensor.shape) for name, tensor in weights.items()})
    with torch.device("meta"):
        autoencoder = plan.build()
    assert isinstance(autoencoder, Autoencoder)
    state = {
        ours: weights[published].to(torch.float32 if ours in plan.float32_prefixes else operands)
        for ours, published in plan.names.items()
    }
    autoencoder.load_state_dict(state, assign=True)
    autoencoder.arrange()
    return autoencoder.eval().requires_grad_(False)


def official_vae_names(names: Iterable[str]) -> dict[str, str]:
    """Diffusers' name of each tensor of an autoencoder → its official one."""
    places = sorted({(int(m[1]), m[2] == "upsamplers", int(m[3])) for name in names if (m := _UPSAMPLING.match(name))})
    up_stages = {_up_place(*place): index for index, place in enumerate(places)}
    return {name: _official_name(name, up_stages) for name in names}


def _builder(shapes: Shapes) -> Callable[[], Autoencoder]:
    stages = _encoder_stages(shapes)
    try:
        base_dim = shapes["encoder.conv_in.weight"][0]
        latent_channels = shapes["post_quant_conv.weight"][0]
    except KeyError as error:
        raise UnfitError(f"tensor {error}, which the sizes are read from, is missing") from error
    if not stages or len({len(widths) for widths, _ in stages}) != 1:
        raise UnfitError("its encoder has stages of different depths, or none")
    config = AutoencoderConfig(
        base_dim=base_dim,
        latent_channels=latent_channels,
        multipliers=tuple(widths[-1] // base_dim for widths, _ in stages),
        num_residual_blocks=len(stages[0][0]),
        halves_time=tuple(bool(temporal) for _, temporal in stages[:-1]),
        latents_mean=_LATENTS_MEAN,
        latents_deviation=_LATENTS_DEVIATION,
    )
    return lambda: Autoencoder(config)


def _encoder_stages(shapes: Shapes) -> list[tuple[list[int], bool]]:
    """For each resolution: the widths of its residual blocks, and whether time is halved after it."""
    stages: list[tuple[list[int], bool]] = [([], False)]
    index = 0
    while any(name.startswith(f"encoder.down_blocks.{index}.") for name in shapes):
        block = f"encoder.down_blocks.{index}"
        if f"{block}.resample.1.weight" in shapes:
            stages[-1] = (stages[-1][0], f"{block}.time_conv.weight" in shapes)
            stages.append(([], False))
        elif f"{block}.conv1.weight" in shapes:
            stages[-1][0].append(shapes[f"{block}.conv1.weight"][0])
        index += 1
    return [stage for stage in stages if stage[0]]


def _upsampling_stages(names: Iterable[str]) -> dict[int, tuple[int, str]]:
    """Official `decoder.upsamples.N` → stage and place in it, since Diffusers nests what is flat there."""
    places = sorted({(int(match[1]), match[2] == "resample") for match in _matches(names)})
    indices = {index: any(resample for _, resample in group) for index, group in groupby(places, lambda p: p[0])}
    stages, stage, place = {}, 0, 0
    for index, is_resample in indices.items():
        stages[index] = (stage, "upsamplers.0" if is_resample else f"resnets.{place}")
        stage, place = (stage + 1, 0) if is_resample else (stage, place + 1)
    return stages


def _matches(names: Iterable[str]) -> Iterable[re.Match[str]]:
    pattern = re.compile(r"decoder\.upsamples\.(\d+)\.(\w+)")
    return (match for name in names if (match := pattern.match(name)))


def _diffusers_name(name: str, up_stages: dict[int, tuple[int, str]]) -> str:
    stem, _, leaf = name.rpartition(".")
    if stem in _TOP:
        return f"{_TOP[stem]}.{leaf}"
    parts = name.split(".")
    half = parts[0]
    if parts[1:2] == ["middle"] and len(parts) > 3:
        return ".".join([half, "mid_block", _MIDDLE.get(parts[2], parts[2]), *_block_rest(parts[3:])])
    if parts[1:2] == ["downsamples"]:
        return ".".join([half, "down_blocks", parts[2], *_block_rest(parts[3:])])
    if parts[1:2] == ["upsamples"]:
        stage, place = up_stages[int(parts[2])]
        return ".".join([half, "up_blocks", str(stage), place, *_block_rest(parts[3:])])
    return name


def _block_rest(parts: list[str]) -> list[str]:
    if parts[0] == "residual":
        return [_RESIDUAL.get(parts[1], parts[1]), *parts[2:]]
    if parts[0] == "shortcut":
        return ["conv_shortcut", *parts[1:]]
    return parts


def _up_place(stage: int, is_resample: bool, number: int) -> str:
    return f"{stage}.{'upsamplers' if is_resample else 'resnets'}.{number}"


def _official_name(name: str, up_stages: dict[str, int]) -> str:
    """The inverse of `_diffusers_name`."""
    stem, _, leaf = name.rpartition(".")
    official = {ours: theirs for theirs, ours in _TOP.items()}
    if stem in official:
        return f"{official[stem]}.{leaf}"
    half, group, *rest = name.split(".")
    if group == "mid_block":
        middle = {ours: theirs for theirs, ours in _MIDDLE.items()}
        return ".".join([half, "middle", middle[".".join(rest[:2])], *_official_rest(rest[2:])])
    if group == "down_blocks":
        return ".".join([half, "downsamples", rest[0], *_official_rest(rest[1:])])
    return ".".join([half, "upsamples", str(up_stages[".".join(rest[:3])]), *_official_rest(rest[3:])])


def _official_rest(parts: list[str]) -> list[str]:
    residual = {ours: theirs for theirs, ours in _RESIDUAL.items()}
    if parts[0] in residual:
        return ["residual", residual[parts[0]], *parts[1:]]
    if parts[0] == "conv_shortcut":
        return ["shortcut", *parts[1:]]
    return parts

"""LoRA files of random factors, in every naming, and what they come to when one adds them by hand."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from s2v_runner.checkpoint.loras import Lora, count_left_out
from s2v_runner.checkpoint.names import TransformerNames
from s2v_runner.checkpoint.shards import UNSHARDED
from s2v_runner.engine import Engine
from tests.conftest import make_engine

RANK, WIDTH = 3, 80
# A linear layer of each kind, one of S2V's own, and a convolution.
MODULES = (
    "blocks.0.self_attention.query",
    "blocks.1.text_attention.output",
    "blocks.2.feed_forward.expand",
    "blocks.3.feed_forward.contract",
    "blocks.2.audio_injection.value",
    "time_embedding.project",
    "head.project",
    "patch_embedding",
)
Tensors = dict[str, torch.Tensor]


def names_of(engine: Engine, dialect: str) -> TransformerNames:
    return TransformerNames(dialect, engine.transformer_config.audio_injection_layers)


def write(path: Path, tensors: Mapping[str, torch.Tensor], metadata: dict[str, str] | None = None) -> Path:
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata)
    return path


def lora_at(path: Path, scale: float = 1.0) -> Lora:
    return Lora(path, scale, "", count_left_out(path))


def merged(folder: Path, *loras: Lora, dtype: torch.dtype = torch.float32) -> Tensors:
    engine = Engine(replace(make_engine(folder, dtype).settings, loras=loras), lambda *_: None, UNSHARDED)
    engine.check()
    return dict(engine.transformer.state_dict())


def factors_of(engine: Engine, seed: int) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """For each module `down` and `up`."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {module: engine.transformer.state_dict()[f"{module}.weight"].shape for module in MODULES}
    return {
        module: (
            torch.randn(RANK, *shape[1:], generator=generator),
            torch.randn(shape[0], RANK, *[1] * (len(shape) - 2), generator=generator),
        )
        for module, shape in shapes.items()
    }


def product(down: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
    return (up.flatten(1).double() @ down.flatten(1).double()).reshape(up.shape[0], *down.shape[1:])


Naming = Callable[[Engine, str, torch.Tensor, torch.Tensor], Tensors]


def diffusers(engine: Engine, module: str, down: torch.Tensor, up: torch.Tensor) -> Tensors:
    name = f"transformer.{names_of(engine, 'diffusers').published(module)}"
    return {f"{name}.lora_A.weight": down, f"{name}.lora_B.weight": up}


def peft(engine: Engine, module: str, down: torch.Tensor, up: torch.Tensor) -> Tensors:
    name = f"base_model.model.{names_of(engine, 'diffusers_nested').published(module)}"
    return {f"{name}.lora_A.default.weight": down, f"{name}.lora_B.default.weight": up}


def bare(engine: Engine, module: str, down: torch.Tensor, up: torch.Tensor) -> Tensors:
    name = names_of(engine, "official").published(module)
    return {f"{name}.lora_A.default.weight": down, f"{name}.lora_B.default.weight": up}


def comfy(engine: Engine, module: str, down: torch.Tensor, up: torch.Tensor) -> Tensors:
    name = f"diffusion_model.{names_of(engine, 'official').published(module)}"
    # Alpha is twice the rank, and the factor half as large.
    alpha = torch.tensor(2.0 * RANK)
    return {f"{name}.lora_down.weight": down / 2, f"{name}.lora_up.weight": up, f"{name}.alpha": alpha}


def kohya(engine: Engine, module: str, down: torch.Tensor, up: torch.Tensor) -> Tensors:
    name = f"lora_unet_{names_of(engine, 'official').published(module).replace('.', '_')}"
    alpha = torch.tensor(2 * RANK)
    return {f"{name}.lora_down.weight": down / 2, f"{name}.lora_up.weight": up, f"{name}.alpha": alpha}


def whole(engine: Engine, module: str, down: torch.Tensor, up: torch.Tensor) -> Tensors:
    name = f"diffusion_model.{names_of(engine, 'official').published(module)}"
    return {f"{name}.diff": product(down, up).float()}


NAMINGS: tuple[Naming, ...] = (diffusers, peft, bare, comfy, kohya, whole)


def write_lora(path: Path, engine: Engine, naming: Naming, seed: int) -> Path:
    tensors: Tensors = {}
    for module, (down, up) in factors_of(engine, seed).items():
        tensors |= naming(engine, module, down, up)
    return write(path, tensors)


def by_hand(engine: Engine, *parts: tuple[int, float]) -> Tensors:
    """The weights with the LoRAs of these seeds, each as often as its scale says."""
    expected = {name: tensor.double() for name, tensor in engine.transformer.state_dict().items()}
    for seed, scale in parts:
        for module, factors in factors_of(engine, seed).items():
            expected[f"{module}.weight"] = expected[f"{module}.weight"] + scale * product(*factors)
    return expected


def assert_near(found: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name].double(), tensor.double(), rtol=1e-6, atol=1e-6, msg=name)

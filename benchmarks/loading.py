"""Time and peak memory of loading a transformer, and of reading its file in the ways there are.

    python -m benchmarks.loading --layers 12 --folder /fast/disk --out loading.json

Writes a random checkpoint of the released model's width and so many layers into a folder of its own, loads it
twice, the second time from warm pages, and removes it. Between the two nothing but the file is read, three times each
way in turn: by the library that its format comes from, and by this project.
"""

import argparse
import dataclasses
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from benchmarks.arguments import make_parser
from benchmarks.machine import GIBIBYTE, allocated_gib, describe_machine, peak_gib, reset_peak, timed, write_report
from benchmarks.models import RELEASED, TINY
from s2v_runner.checkpoint.inspection import InspectedPart, inspect_checkpoint
from s2v_runner.checkpoint.layout import locate_checkpoint
from s2v_runner.checkpoint.load import load_transformer, place_on
from s2v_runner.checkpoint.names import TransformerNames
from s2v_runner.checkpoint.shards import UNSHARDED
from s2v_runner.checkpoint.tensors import TensorFile
from s2v_runner.transformer import TransformerConfig, plain_backend
from s2v_runner.transformer.initialisation import random_transformer

WEIGHTS = "diffusion_pytorch_model.safetensors"
REPEATS = 3


def main() -> None:
    options = _parse()
    device = torch.device(options.device)
    base = TINY if options.tiny else RELEASED
    layers = tuple(layer for layer in base.audio_injection_layers if layer < options.layers)
    config = dataclasses.replace(base, num_layers=options.layers, audio_injection_layers=layers)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        write_checkpoint(Path(folder), config, device)
        runs = [measure(Path(folder), device)]
        readers = compare_readers(Path(folder), device)
        runs.append(measure(Path(folder), device))
    report = {"layers": options.layers, **describe_machine(device), "runs": runs, "readers": readers}
    write_report(options.out, report)


def write_checkpoint(folder: Path, config: TransformerConfig, device: torch.device) -> None:
    """The transformer's part of an official folder, in bfloat16."""
    transformer = random_transformer(config, plain_backend("sdpa"), device, torch.bfloat16, seed=0)
    names = TransformerNames("official", config.audio_injection_layers)
    tensors = {names.published(name): tensor.cpu().bfloat16() for name, tensor in transformer.state_dict().items()}
    save_file(tensors, folder / WEIGHTS)
    stated = {"num_heads": config.num_heads, "eps": config.norm_epsilon, "text_len": config.text_length}
    stated["audio_inject_layers"] = list(config.audio_injection_layers)
    (folder / "config.json").write_text(json.dumps(stated), encoding="utf-8")
    (folder / "Wan2.1_VAE.pth").touch()


def compare_readers(folder: Path, device: torch.device) -> dict[str, list[dict[str, float]]]:
    """Reading alone, from warm pages: each way by the file's format and who reads it."""
    safetensors = folder / WEIGHTS
    pickled = folder / "weights.pth"
    torch.save(load_file(safetensors), pickled)
    ways: dict[str, Callable[[], Iterable[torch.Tensor]]] = {
        "safetensors, by its library": lambda: read_by_library(safetensors, device),
        "safetensors, staged": lambda: read_staged(safetensors, device),
        "pth, by PyTorch": lambda: read_by_pytorch(pickled, device),
        "pth, staged": lambda: read_staged(pickled, device),
    }
    results: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for _ in range(REPEATS):
        for name, read in ways.items():
            results[name].append(measure_reading(read, device))
    pickled.unlink()
    return results


def measure_reading(read: Callable[[], Iterable[torch.Tensor]], device: torch.device) -> dict[str, float]:
    """Seconds, the rate, and the peak of device memory as a multiple of what was read."""
    before = allocated_gib(device)
    reset_peak(device)
    seconds, tensors = timed(device, lambda: list(read()))
    size = sum(tensor.nbytes for tensor in tensors)
    return {
        "seconds": seconds,
        "gigabytes_a_second": size / 1e9 / seconds,
        "peak_over_size": (peak_gib(device) - before) * GIBIBYTE / size,
    }


def read_by_library(path: Path, device: torch.device) -> Iterator[torch.Tensor]:
    with safe_open(path, framework="pt", device=str(device)) as file:
        for name in file.keys():  # noqa: SIM118, it is no mapping
            # In main memory it is a window onto the file.
            yield file.get_tensor(name).clone() if device.type == "cpu" else file.get_tensor(name)


def read_by_pytorch(path: Path, device: torch.device) -> Iterator[torch.Tensor]:
    for tensor in torch.load(path, map_location="cpu", weights_only=True, mmap=True).values():
        yield tensor.to(device, copy=True)


def read_staged(path: Path, device: torch.device) -> Iterator[torch.Tensor]:
    for _, tensor in TensorFile(path).read(device):
        yield tensor


def measure(folder: Path, device: torch.device) -> dict[str, float]:
    """Seconds, the rate, and the peak of device memory as a multiple of the weights'."""
    before = allocated_gib(device)
    reset_peak(device)

    def inspect() -> InspectedPart:
        return inspect_checkpoint(locate_checkpoint(folder), plain_backend("sdpa"))["transformer"]

    inspecting, part = timed(device, inspect)
    place = place_on(device)
    loading, transformer = timed(
        device, lambda: load_transformer(part, device, place, torch.bfloat16, {}, UNSHARDED, lambda *_: None)
    )
    size = sum(parameter.numel() * parameter.element_size() for parameter in transformer.parameters())
    return {
        "weights_gib": size / GIBIBYTE,
        "inspect_seconds": inspecting,
        "load_seconds": loading,
        "gigabytes_a_second": size / 1e9 / loading,
        "peak_over_weights": (peak_gib(device) - before) * GIBIBYTE / size,
    }


def _parse() -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--folder", type=Path, help="where to put the checkpoint; the system's own by default")
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""Time and peak memory of loading a transformer from safetensors.

    python -m benchmarks.loading --layers 12 --folder /fast/disk --out loading.json

Writes a random checkpoint of the released model's width and so many layers into a folder of its own, loads it
twice, the second time from warm pages, and removes it.
"""

import argparse
import dataclasses
import json
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file

from benchmarks.arguments import make_parser
from benchmarks.machine import GIBIBYTE, allocated_gib, describe_machine, peak_gib, reset_peak, timed, write_report
from benchmarks.models import RELEASED, TINY
from s2v_runner.checkpoint.inspection import InspectedPart, inspect_checkpoint
from s2v_runner.checkpoint.layout import locate_checkpoint
from s2v_runner.checkpoint.load import load_transformer
from s2v_runner.checkpoint.names import TransformerNames
from s2v_runner.transformer import TransformerConfig, plain_backend
from s2v_runner.transformer.initialisation import random_transformer


def main() -> None:
    options = _parse()
    device = torch.device(options.device)
    base = TINY if options.tiny else RELEASED
    layers = tuple(layer for layer in base.audio_injection_layers if layer < options.layers)
    config = dataclasses.replace(base, num_layers=options.layers, audio_injection_layers=layers)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        write_checkpoint(Path(folder), config, device)
        runs = [measure(Path(folder), device) for _ in range(2)]
    write_report(options.out, {"layers": options.layers, **describe_machine(device), "runs": runs})


def write_checkpoint(folder: Path, config: TransformerConfig, device: torch.device) -> None:
    """The transformer's part of an official folder, in bfloat16."""
    transformer = random_transformer(config, plain_backend("sdpa"), device, torch.bfloat16, seed=0)
    names = TransformerNames("official", config.audio_injection_layers)
    tensors = {names.published(name): tensor.cpu().bfloat16() for name, tensor in transformer.state_dict().items()}
    save_file(tensors, folder / "diffusion_pytorch_model.safetensors")
    stated = {"num_heads": config.num_heads, "eps": config.norm_epsilon, "text_len": config.text_length}
    stated["audio_inject_layers"] = list(config.audio_injection_layers)
    (folder / "config.json").write_text(json.dumps(stated), encoding="utf-8")
    (folder / "Wan2.1_VAE.pth").touch()


def measure(folder: Path, device: torch.device) -> dict[str, float]:
    """Seconds, the rate, and the peak of device memory as a multiple of the weights'."""
    before = allocated_gib(device)
    reset_peak(device)

    def inspect() -> InspectedPart:
        return inspect_checkpoint(locate_checkpoint(folder), plain_backend("sdpa"))["transformer"]

    inspecting, part = timed(device, inspect)
    loading, transformer = timed(device, lambda: load_transformer(part, device, torch.bfloat16, lambda *_: None))
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

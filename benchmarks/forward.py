"""Time and peak memory of one forward pass of the transformer.

    python -m benchmarks.forward --size 1024*704 --attention sdpa_cudnn sdpa_flash --out forward.json

Random weights of the released model's size unless told otherwise; no weights are needed and only PyTorch is
imported. Each figure is the median of the repeats, after a warm-up.
"""

import argparse
import json
import platform
import statistics
import time
from pathlib import Path
from typing import Any

import torch

from s2v_runner.transformer import Conditioning, S2VTransformer, TransformerConfig, resolve_attention
from s2v_runner.transformer.initialisation import random_transformer
from s2v_runner.transformer.layers import AttentionLayer

RELEASED = TransformerConfig(
    model_dim=5120,
    feed_forward_dim=13824,
    num_heads=40,
    num_layers=40,
    frequency_dim=256,
    latent_channels=16,
    pose_channels=16,
    text_dim=4096,
    text_length=512,
    audio_dim=1024,
    num_audio_layers=25,
    num_audio_tokens=4,
    audio_injection_layers=(0, 4, 8, 12, 16, 20, 24, 27, 30, 33, 36, 39),
    norm_epsilon=1e-6,
)
TINY = TransformerConfig(
    model_dim=128,
    feed_forward_dim=256,
    num_heads=4,
    num_layers=2,
    frequency_dim=64,
    latent_channels=16,
    pose_channels=16,
    text_dim=64,
    text_length=32,
    audio_dim=32,
    num_audio_layers=25,
    num_audio_tokens=4,
    audio_injection_layers=(0,),
    norm_epsilon=1e-6,
)
MOTION_FRAMES = 73
GIBIBYTE = 2**30


def main() -> None:
    options = _parse()
    device = torch.device(options.device)
    dtype = getattr(torch, options.dtype)
    config = TINY if options.tiny else RELEASED
    transformer = random_transformer(config, resolve_attention("sdpa"), device, dtype, seed=0)
    weights = _allocated(device)
    results = []
    for backend in options.attention:
        _use_attention(transformer, backend)
        for with_motion in (False, True):
            result = measure(transformer, _conditioning(config, options, device, with_motion), options.repeats)
            results.append({"attention": backend, "motion": with_motion, **result})
            print(json.dumps(results[-1]), flush=True)
    report = {
        "size": options.size,
        "frames": options.frames,
        "dtype": options.dtype,
        "weights_gib": weights / GIBIBYTE,
        "device": _device_name(device),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "results": results,
    }
    if options.out:
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


@torch.no_grad()
def measure(transformer: S2VTransformer, conditioning: Conditioning, repeats: int) -> dict[str, Any]:
    """Seconds of prepare and of forward, tokens, and the peak of allocated memory in GiB."""
    device = conditioning.text_BTC.device
    _reset_peak(device)
    prepare_seconds, prepared = _timed(device, lambda: transformer.prepare(conditioning))
    latents = torch.randn_like(conditioning.pose_BCFHW)
    timestep = torch.tensor([500.0], device=device)
    _timed(device, lambda: transformer(latents, timestep, prepared))
    seconds = [_timed(device, lambda: transformer(latents, timestep, prepared))[0] for _ in range(repeats)]
    return {
        "tokens": prepared.pose_BND.shape[1] + prepared.context_BSD.shape[1],
        "forward_seconds": statistics.median(seconds),
        "forward_seconds_all": seconds,
        "prepare_seconds": prepare_seconds,
        "peak_gib": _peak(device) / GIBIBYTE,
    }


def _conditioning(
    config: TransformerConfig, options: argparse.Namespace, device: torch.device, with_motion: bool
) -> Conditioning:
    width, height = (int(side) for side in options.size.split("*"))
    if width % 64 or height % 64:
        raise SystemExit(f"--size {options.size}: both sides must be multiples of 64")
    frames, rows, columns = options.frames // 4, height // 8, width // 8

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, device=device)

    return Conditioning(
        text_BTC=draw(1, config.text_length, config.text_dim),
        audio_BJCV=draw(1, config.num_audio_layers, config.audio_dim, options.frames),
        reference_BC1HW=draw(1, config.latent_channels, 1, rows, columns),
        pose_BCFHW=draw(1, config.pose_channels, frames, rows, columns),
        motion_BCMHW=draw(1, config.latent_channels, 19, rows, columns) if with_motion else None,
        motion_frames=MOTION_FRAMES,
    )


def _use_attention(transformer: S2VTransformer, backend: str) -> None:
    for layer in transformer.modules():
        if isinstance(layer, AttentionLayer):
            layer.attend = resolve_attention(backend)


def _timed(device: torch.device, call: Any) -> tuple[float, Any]:
    _synchronise(device)
    begin = time.perf_counter()
    result = call()
    _synchronise(device)
    return time.perf_counter() - begin, result


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _allocated(device: torch.device) -> int:
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else 0


def _peak(device: torch.device) -> int:
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0


def _reset_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="1024*704", help="width*height of the video")
    parser.add_argument("--frames", type=int, default=80, help="video frames of the clip")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype", default="bfloat16", choices=("bfloat16", "float32"))
    parser.add_argument("--attention", nargs="+", default=["sdpa"], help="attention backends, measured in turn")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tiny", action="store_true", help="a tiny model, to try the benchmark itself")
    parser.add_argument("--out", type=Path, help="where to write the report, as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()

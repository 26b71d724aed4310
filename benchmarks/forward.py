"""Time and peak memory of one forward pass of the transformer.

    python -m benchmarks.forward --size 1024*704 --attention sdpa_cudnn sdpa_flash --out forward.json

Random weights of the released model's size unless told otherwise; no weights are needed and only PyTorch is
imported. Each figure is the median of the repeats, after a warm-up.
"""

import argparse
import statistics
from typing import Any

import torch

from benchmarks.arguments import make_parser, parse_backend, parse_frames, parse_size
from benchmarks.machine import allocated_gib, describe_machine, peak_gib, reset_peak, timed, write_report
from benchmarks.models import MOTION_FRAMES, RELEASED, TINY
from s2v_runner.transformer import Conditioning, S2VTransformer, TransformerConfig, plain_backend, resolve_attention
from s2v_runner.transformer.initialisation import random_transformer
from s2v_runner.transformer.layers import AttentionLayer


def main() -> None:
    options = _parse()
    device = torch.device(options.device)
    config = TINY if options.tiny else RELEASED
    transformer = random_transformer(config, plain_backend("sdpa"), device, getattr(torch, options.dtype), seed=0)
    weights = allocated_gib(device)
    results = []
    for backend in options.attention:
        _use_attention(transformer, backend)
        for with_motion in (False, True):
            conditioning = _conditioning(config, options.size, options.frames, device, with_motion)
            measured = measure(transformer, conditioning, options.repeats)
            results.append({"attention": backend, "motion": with_motion, **measured})
    write_report(
        options.out,
        {
            "size": "*".join(str(side) for side in options.size),
            "frames": options.frames,
            "dtype": options.dtype,
            "weights_gib": weights,
            **describe_machine(device),
            "results": results,
        },
    )


@torch.no_grad()
def measure(transformer: S2VTransformer, conditioning: Conditioning, repeats: int) -> dict[str, Any]:
    """Seconds of prepare and of forward, tokens, and the peak of allocated memory in GiB."""
    device = conditioning.text_BTC.device
    reset_peak(device)
    prepared = transformer.prepare(conditioning)
    prepares = [timed(device, lambda: transformer.prepare(conditioning))[0] for _ in range(repeats)]
    latents = torch.randn_like(conditioning.pose_BCFHW)
    timestep = torch.tensor([500.0], device=device)
    transformer(latents, timestep, prepared)
    forwards = [timed(device, lambda: transformer(latents, timestep, prepared))[0] for _ in range(repeats)]
    return {
        "tokens": latents.shape[2] * latents.shape[3] * latents.shape[4] // 4 + prepared.context_BSD.shape[1],
        "forward_seconds": statistics.median(forwards),
        "forward_seconds_all": forwards,
        "prepare_seconds": statistics.median(prepares),
        "peak_gib": peak_gib(device),
    }


def _conditioning(
    config: TransformerConfig, size: tuple[int, int], video_frames: int, device: torch.device, with_motion: bool
) -> Conditioning:
    width, height = size
    frames, rows, columns = video_frames // 4, height // 8, width // 8

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, device=device)

    return Conditioning(
        text_BTC=draw(1, config.text_length, config.text_dim),
        audio_BJCV=draw(1, config.num_audio_layers, config.audio_dim, video_frames),
        reference_BC1HW=draw(1, config.latent_channels, 1, rows, columns),
        pose_BCFHW=draw(1, config.pose_channels, frames, rows, columns),
        motion_BCMHW=draw(1, config.latent_channels, 19, rows, columns) if with_motion else None,
        motion_frames=MOTION_FRAMES,
    )


def _use_attention(transformer: S2VTransformer, backend: str) -> None:
    for layer in transformer.modules():
        if isinstance(layer, AttentionLayer):
            layer.attend = resolve_attention(backend)


def _parse() -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument("--size", type=parse_size, default="1024*704", help="width*height of the video")
    parser.add_argument("--frames", type=parse_frames, default=80, help="video frames of the clip")
    parser.add_argument("--dtype", default="bfloat16", choices=("bfloat16", "float32"))
    parser.add_argument(
        "--attention", type=parse_backend, nargs="+", default=["sdpa"], help="backends, measured in turn"
    )
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()

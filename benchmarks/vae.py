"""Time, peak memory and accuracy of the autoencoder, by precision.

    python -m benchmarks vae --sizes 1024*704 --precisions float32 tf32 bfloat16 --out vae.json

Random weights of the released model's size unless told otherwise. Each precision is held against float32 without TF32,
which is measured first whether it is asked for or not. Pixels are compared in levels: 1/255 of the range of a picture.
"""

import argparse
import statistics
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import torch

from benchmarks.arguments import Size, add_model, make_suite_parser, parse_count, parse_size
from benchmarks.autoencoders import EXACT, PRECISIONS, Autoencoder, random_autoencoder
from benchmarks.distances import relative_distance
from benchmarks.machine import allocated_gib, alternate, peak_gib, reset_peak
from benchmarks.report import Report, Row, keep_report, stated
from benchmarks.surroundings import describe_surroundings

_LEVELS = 255 / 2
"""In −1 … 1."""
_STRIDE = 8
_CHANNELS = 16

Chunks = list[torch.Tensor]


def main(arguments: Sequence[str]) -> None:
    options = _parse(arguments)
    model, device = options.model, options.device
    sizes = options.sizes or [Size(model.size)]
    latents = options.latents or model.frames // 4 + 1
    names = dict.fromkeys((EXACT, *options.precisions))
    autoencoders = {name: random_autoencoder(model.autoencoder_width, PRECISIONS[name], device) for name in names}
    rows = [row for size in sizes for row in measure(autoencoders, size, latents, options.repeats, device)]
    report = Report(
        benchmark="vae",
        measured=f"Encoding and decoding {latents} latent frames of noise with random weights; seconds are of "
        "one latent frame. Errors are against float32 without TF32, of pixels in levels of 1/255.",
        options=stated({**vars(options), "model": model.name, "sizes": sizes, "latents": latents}),
        **describe_surroundings(device, options.commit),
        rows=tuple(rows),
    )
    keep_report(options.out, report)


@torch.no_grad()
def measure(
    autoencoders: dict[str, Autoencoder], size: tuple[int, int], latents: int, repeats: int, device: torch.device
) -> Iterator[Row]:
    """One size with each of them, the first being what the others are held against."""
    width, height = size
    generator = torch.Generator(device).manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, device=device, generator=generator)

    video = draw(1, 3, 4 * latents - 3, height, width).clamp(-1, 1)
    noise = draw(1, _CHANNELS, latents, height // _STRIDE, width // _STRIDE)
    answers = {name: _try(each, video, noise, device) for name, each in autoencoders.items()}
    encodings = alternate(device, {name: _encoding(each, video) for name, each in autoencoders.items()}, repeats)
    decodings = alternate(device, {name: _decoding(each, noise) for name, each in autoencoders.items()}, repeats)
    exact, exact_chunks, _ = next(iter(answers.values()))
    for name, (encoded, chunks, peaks) in answers.items():
        labels = {"size": f"{width}*{height}", "precision": name}
        for direction, seconds in (("encode", encodings[name]), ("decode", decodings[name])):
            each = [value / latents for value in seconds]
            figures: dict[str, float | None] = {
                "seconds": statistics.median(each),
                "peak_gib": peaks[direction] if device.type == "cuda" else None,
                "weights_gib": autoencoders[name].weights_gib,
            }
            figures |= (
                _errors(chunks, exact_chunks)
                if direction == "decode"
                else {"difference": relative_distance(encoded, exact)}
            )
            yield Row({**labels, "direction": direction}, figures, {"seconds": each})


def _try(
    autoencoder: Autoencoder, video: torch.Tensor, noise: torch.Tensor, device: torch.device
) -> tuple[torch.Tensor, Chunks, dict[str, float]]:
    """Latents, pixels and the peak of each direction; the first call of both. What it gives is kept on the CPU."""
    peaks = {}
    reset_peak(device)
    # Weights of the other autoencoders are there too, and are no part of what this one takes.
    others = allocated_gib(device) - autoencoder.weights_gib
    encoded = autoencoder.encode(video).cpu()
    peaks["encode"] = peak_gib(device) - others
    reset_peak(device)
    chunks = [chunk.cpu() for chunk in autoencoder.decode(noise)]
    peaks["decode"] = peak_gib(device) - others
    return encoded, chunks, peaks


def _encoding(autoencoder: Autoencoder, video: torch.Tensor) -> Callable[[], object]:
    return lambda: autoencoder.encode(video)


def _decoding(autoencoder: Autoencoder, noise: torch.Tensor) -> Callable[[], object]:
    # Each chunk is let go as the next one comes.
    return lambda: deque(autoencoder.decode(noise), maxlen=0)


def _errors(chunks: Chunks, exact: Chunks) -> dict[str, float | None]:
    """Of pixels, in levels."""
    differences = [(chunk.float() - other).abs() * _LEVELS for chunk, other in zip(chunks, exact, strict=True)]
    count = sum(difference.numel() for difference in differences)
    return {
        "largest_error_levels": max(float(difference.max()) for difference in differences),
        "mean_error_levels": sum(float(difference.sum(dtype=torch.float64)) for difference in differences) / count,
    }


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = make_suite_parser("vae", __doc__)
    add_model(parser)
    parser.add_argument("--sizes", type=parse_size, nargs="+", help="width*height of the video; the model's own")
    parser.add_argument("--latents", type=parse_count, help="latent frames; a clip's and the picture's")
    parser.add_argument("--precisions", choices=tuple(PRECISIONS), nargs="+", default=["tf32"])
    parser.add_argument("--repeats", type=parse_count, default=3)
    return parser.parse_args(arguments)

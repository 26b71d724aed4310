"""Time and peak memory of loading a transformer from safetensors, in a report of the suite.

    python -m benchmarks load --layers 12 --folder /fast/disk --out load.json

Writes a random checkpoint of the model's width and so many blocks into a folder of its own, loads it twice, the second
time from warm pages, and removes it. The measurement itself is in `loading.py`.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.arguments import add_model, make_suite_parser, parse_count
from benchmarks.loading import compare_readers, measure, write_checkpoint
from benchmarks.machine import medians
from benchmarks.models import with_layers
from benchmarks.report import Report, Row, keep_report, stated
from benchmarks.surroundings import describe_surroundings
from s2v_runner.errors import InputError

_LOADS = ("first", "again")
_NEEDS_GPU = "peak_over_weights"


def main(arguments: Sequence[str]) -> None:
    parser = make_suite_parser("load", __doc__)
    add_model(parser)
    parser.add_argument("--layers", type=parse_count, help="blocks; all of the model's")
    parser.add_argument("--folder", type=Path, help="where to put the checkpoint; the system's own by default")
    options = parser.parse_args(arguments)
    whole = options.model.transformer
    layers = options.layers or whole.num_layers
    if layers > whole.num_layers:
        raise InputError(f"--layers {layers}", f"the model has {whole.num_layers} blocks", "Give as many or fewer")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        write_checkpoint(Path(folder), with_layers(whole, layers), options.device)
        rows = [Row({"load": name}, _figures(Path(folder), options.device)) for name in _LOADS]
        readers = compare_readers(Path(folder), options.device)
    rows += [Row({"load": name}, medians(repeats), _by_figure(repeats)) for name, repeats in readers.items()]
    report = Report(
        benchmark="load",
        measured=f"Loading a transformer of {layers} blocks in bfloat16 from safetensors, twice; the headers apart.",
        options=stated({**vars(options), "model": options.model.name, "layers": layers}),
        **describe_surroundings(options.device, options.commit),
        rows=tuple(rows),
    )
    keep_report(options.out, report)


def _figures(folder: Path, device: torch.device) -> dict[str, float | None]:
    figures = dict[str, float | None](measure(folder, device))
    # Memory is counted on the device alone.
    return figures if device.type == "cuda" else {**figures, _NEEDS_GPU: None}


def _by_figure(repeats: list[dict[str, float]]) -> dict[str, list[float]]:
    return {name: [row[name] for row in repeats] for name in repeats[0]}

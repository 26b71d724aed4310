"""What a sweep costs around the model, in seconds: once, and with each point.

    python -m benchmarks sweep --repeats 3 --out sweep.json
    python -m benchmarks sweep --swept sampler.shift=3,5,7 -- model=wan_s2v_14b model.ckpt_dir=weights …

Each repeat is the command itself in a fresh process and an empty output folder. What the points' records say went into
the model (loading, encoding inputs, denoising, decoding) is not counted, nor the import of the libraries, and the
encoding of the video is reported apart. The rest is the runner's: composing, planning, reading inputs, records, MLflow,
waiting for it, measuring the videos and writing the comparison. What each point costs is the time from the last step of
the first point to that of the last one, less what the model took of it, and its share of the comparison; the rest of
the command's time is spent once.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch

from benchmarks.arguments import make_suite_parser, parse_count
from benchmarks.machine import medians
from benchmarks.report import Report, Row, keep_report, stated
from benchmarks.surroundings import describe_surroundings

TINY = ("model=random", "infer_frames=16", "num_clip=1", "base_seed=1")
_MODEL = ("load ", "encode ", "check weights", "denoise", "decode")
_WRITING, _IMPORTING = "write video", "import libraries"


def main(arguments: Sequence[str]) -> None:
    parser = make_suite_parser("sweep", __doc__)
    parser.add_argument("--repeats", type=parse_count, default=3)
    parser.add_argument("--swept", default="sampler.steps=2,4,6,8,10,12")
    parser.add_argument(
        "--full-steps", type=parse_count, default=40, help="steps of the point that the overhead is a share of"
    )
    parser.add_argument(
        "settings", nargs="*", default=TINY, help="of the points; by default the random model's, and short"
    )
    options = parser.parse_args(arguments)
    rows = [measure((options.swept, *options.settings), options.full_steps) for _ in range(options.repeats)]
    repeats = {name: [row[name] for row in rows] for name in rows[0]}
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    report = Report(
        benchmark="sweep",
        measured="A sweep by the command line: what it takes around the model, once and with each point.",
        options=stated(vars(options)),
        **describe_surroundings(device, options.commit),
        rows=(Row({"sweep": f"{rows[0]['points']} points of {options.settings[0]}"}, medians(rows), repeats),),
    )
    keep_report(options.out, report)


def measure(settings: Sequence[str], full_steps: int) -> dict[str, float]:
    """Seconds of one sweep, by what they went into."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "s2v_runner", "-m", *settings, f"output.folder={folder}/outputs"]
        begin = time.perf_counter()
        subprocess.run(command, check=True, stdout=sys.stderr)
        wall = time.perf_counter() - begin
        (sweep,) = Path(folder).glob("outputs/sweeps/*/record.json")
        compare = _stages(json.loads(sweep.read_text()))["compare"]
        paths = sorted(sweep.parent.glob("points/*/record.json"))
        points = [json.loads(path.read_text()) for path in paths]
        ends = [json.loads(path.with_name("steps.jsonl").read_text().splitlines()[-1])["at"] for path in paths]
    stages = [_stages(point) for point in points]
    model, writing = _sum(stages, _MODEL), _sum(stages, (_WRITING,))
    later = stages[1:]
    between = (ends[-1] - ends[0] - _sum(later, (*_MODEL, _WRITING))) / len(later)
    each = between + compare / len(points)
    overhead = wall - model - writing - _sum(stages, (_IMPORTING,))
    # A point as it would be with all its steps: nothing else of it changes.
    steps = [point["resolved"]["sampler"]["steps"] for point in points]
    full = statistics.median(
        point["denoise"] / count * full_steps + point["decode"] for point, count in zip(stages, steps, strict=True)
    )
    return {
        "points": len(points),
        "wall_seconds": wall,
        "model_seconds_per_point": model / len(points),
        "writing_seconds_per_point": writing / len(points),
        "compare_seconds_per_point": compare / len(points),
        "overhead_seconds_per_point": each,
        "overhead_seconds_once": overhead - each * len(points),
        "full_point_seconds": full,
        "overhead_share_of_full_point": each / full,
    }


def _stages(record: Mapping[str, object]) -> dict[str, float]:
    attempts = record["attempts"]
    assert isinstance(attempts, list)
    return attempts[-1]["stages"]


def _sum(points: Iterable[Mapping[str, float]], beginnings: tuple[str, ...]) -> float:
    return sum(seconds for stages in points for name, seconds in stages.items() if name.startswith(beginnings))

"""Data and media of comparison pages, small and made up: every tile's shade tells the point and the frame."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from playwright.sync_api import Page

from s2v_runner.comparison.assemble import assemble_page
from tests.browser import await_true

FPS = 16
FRAMES = 24
TILE = (48, 32)  # width, height
_RATE = 16000
_CRF = "12"

METRICS = (
    ("psnr", "PSNR to the baseline", "dB", "higher", 1, "quality"),
    ("lpips", "LPIPS to the baseline", "", "lower", 3, "quality"),
    ("seconds", "Time", "s", "lower", 1, "time"),
    ("per_step", "Time a step", "s", "lower", 2, "time"),
    ("memory", "Peak memory", "GiB", "lower", 1, "memory"),
    ("motion", "Motion", "", None, 2, "description"),
)
STEPS, GUIDANCE, SHIFT = "sampler.steps", "sampler.guide_scale", "sampler.shift"
NAMES = {STEPS: "steps", GUIDANCE: "guidance", SHIFT: "shift", "sampler.solver": "solver"}

Point = dict[str, Any]
Draw = Callable[[Point, int], np.ndarray]


@dataclass(frozen=True)
class Sample:
    """What a page is assembled from."""

    data: dict[str, Any]
    media: Mapping[str, Path]

    def point(self, number: int) -> Point:
        return self.data["points"][number - 1]

    def write(self, folder: Path) -> Path:
        """The page, as a file."""
        path = folder / "comparison.html"
        path.write_text("".join(assemble_page(self.data, self.media)), encoding="utf-8")
        return path


def shade_of(point: Point, frame: int) -> int:
    """The grey of a point's tile: of 7 neighbours no two are alike, and no two frames."""
    return 20 + 12 * (point["number"] % 7) + 5 * frame


def grey_tile(point: Point, frame: int) -> np.ndarray:
    width, height = TILE
    return np.full((height, width, 3), shade_of(point, frame), np.uint8)


def sample_points(parameters: Mapping[str, Sequence[Any]]) -> list[Point]:
    """Every combination, measured as if more steps were slower and closer to the last, which is the baseline."""
    combinations = list(itertools.product(*parameters.values()))
    points = []
    for number, values in enumerate(combinations, 1):
        settings = dict(zip(parameters, values, strict=True))
        name = ", ".join(f"{NAMES.get(key, key)} {value}" for key, value in settings.items())
        points.append(_finished_point(number, name, settings, len(combinations)))
    return points


def _finished_point(number: int, name: str, settings: dict[str, Any], baseline: int) -> Point:
    steps, guidance = settings.get(STEPS, 20), settings.get(GUIDANCE, 3)
    is_baseline = number == baseline
    wobble = (number * 37 % 11) / 11
    per_step = 1.3 if guidance > 1 else 0.7
    folder = f"points/{number:04}_{number:012x}"
    return {
        "number": number,
        "name": name,
        "values": settings,
        "status": "FINISHED",
        "error": None,
        "metrics": {
            "psnr": None if is_baseline else round(18 + 0.5 * steps - abs(guidance - 4) + wobble, 4),
            "lpips": 0.0 if is_baseline else round(0.4 / (1 + 0.1 * steps) + 0.02 * wobble, 5),
            "seconds": round(6 + steps * per_step + wobble, 3),
            "per_step": round(per_step + 0.02 * wobble, 4),
            "memory": 41.5,
            "motion": round(2 + wobble, 3),
        },
        "reasons": {"psnr": "identical to the baseline"} if is_baseline else {},
        "baseline": baseline,
        "folder": folder,
        "video": f"{folder}/video.mp4",
        "width": 1024,
        "height": 704,
        "frames": FRAMES,
        "fps": FPS,
        "seconds": FRAMES / FPS,
        "tile": None,
        "sound": 0,
    }


def unmade(point: Point, status: str, error: str | None) -> None:
    """Turn a point into one that has no video and no measures."""
    point.update(status=status, error=error, video=None, sound=None)
    point["metrics"] = dict.fromkeys(point["metrics"])
    point["reasons"] = dict.fromkeys(point["metrics"], "there is no video")


def make_sample(
    folder: Path,
    parameters: Mapping[str, Sequence[Any]],
    points: Sequence[Point],
    draw: Draw,
    mosaics: int,
    sounds: int,
) -> Sample:
    """Lay the points that are finished out in mosaics, and give them sounds in turn."""
    shown = [point for point in points if point["status"] == "FINISHED"]
    shares = [shown[index::mosaics] for index in range(mosaics)]
    media = {f"mosaic-{index}": folder / f"mosaic-{index}.mp4" for index in range(mosaics)}
    sizes = [_write_mosaic(media[f"mosaic-{index}"], index, share, draw) for index, share in enumerate(shares)]
    for index in range(sounds):
        media[f"sound-{index}"] = _write_sound(folder / f"sound-{index}.mp4", 220 * (index + 1))
    for order, point in enumerate(shown):
        point["sound"] = order % sounds if sounds else None
    data = {
        "title": "Steps and guidance",
        "identity": "3f2a91c0b7de4455",
        "command": "python -m s2v_runner +sweeps=guidance sampler.steps=10,20,40",
        "made": "2026-11-22 15:04",
        "summary": [
            ["seed", "1347279643, drawn for all"],
            ["model", "Wan2.2-S2V-14B"],
            ["size", "1024×704, 24 frames"],
        ],
        "parameters": [
            {
                "key": key,
                "name": NAMES.get(key, key),
                "values": list(values),
                "numeric": all(isinstance(value, int | float) for value in values),
            }
            for key, values in parameters.items()
        ],
        "metrics": [
            {
                "key": key,
                "name": name,
                "unit": unit,
                "better": better,
                "digits": digits,
                "help": f"What {name.lower()} is.",
                "kind": kind,
            }
            for key, name, unit, better, digits, kind in METRICS
        ],
        "baseline": points[-1]["name"],
        "points": list(points),
        "mosaics": sizes,
        "sounds": [{"id": f"sound-{index}", "seconds": 1.5, "name": f"speech {index}.wav"} for index in range(sounds)],
    }
    return Sample(data, media)


def _write_mosaic(path: Path, index: int, points: Sequence[Point], draw: Draw) -> dict[str, Any]:
    tiles = [[draw(point, frame) for point in points] for frame in range(FRAMES)]
    tile_height, tile_width = tiles[0][0].shape[:2]
    columns = max(1, min(len(points), 1920 // tile_width))
    width, height = columns * tile_width, -(-len(points) // columns) * tile_height
    for place, point in enumerate(points):
        x, y = place % columns * tile_width, place // columns * tile_height
        point["tile"] = {"mosaic": index, "x": x, "y": y, "width": tile_width, "height": tile_height}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=FPS, options={"crf": _CRF, "preset": "veryfast", "g": "8", "threads": "1"}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for pictures in tiles:
            whole = np.zeros((height, width, 3), np.uint8)
            for point, picture in zip(points, pictures, strict=True):
                x, y = point["tile"]["x"], point["tile"]["y"]
                whole[y : y + tile_height, x : x + tile_width] = picture
            container.mux(stream.encode(av.VideoFrame.from_ndarray(whole, format="rgb24")))
        container.mux(stream.encode(None))
    return {"id": f"mosaic-{index}", "width": width, "height": height, "fps": FPS, "frames": FRAMES}


def _write_sound(path: Path, pitch: int) -> Path:
    samples = 0.2 * np.sin(2 * np.pi * pitch * np.arange(_RATE * FRAMES // FPS) / _RATE)
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=_RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples.astype(np.float32)[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = _RATE, 0, Fraction(1, _RATE)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def show_page(page: Page, sample: Sample, folder: Path) -> str:
    """Open the page from the disk, and wait until it can play; its address."""
    address = sample.write(folder).as_uri()
    page.goto(address)
    page.wait_for_selector("#transport:not([hidden])")
    page.evaluate("document.getElementById('videos').scrollIntoView({ behavior: 'instant' })")
    return address


def read_shade(page: Page, canvas: str, share: float) -> int:
    """The red of a canvas, that far from its left edge to its right, half-way down."""
    return page.evaluate(
        """([selector, share]) => {
            const canvas = document.querySelector(selector);
            const probe = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
            const [x, y] = [Math.floor(canvas.width * share), canvas.height >> 1];
            probe.drawImage(canvas, x, y, 1, 1, 0, 0, 1, 1);
            return probe.getImageData(0, 0, 1, 1).data[0];
        }""",
        [canvas, share],
    )


def await_shades(page: Page, sample: Sample, frame: int) -> None:
    """Wait until every card shows this frame of its point."""
    wanted = {point["number"]: shade_of(point, frame) for point in sample.data["points"] if point["tile"]}
    await_true(
        page,
        """(wanted) => {
            const probe = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
            return Object.entries(wanted).every(([number, shade]) => {
                const canvas = document.querySelector(`.card[data-point="${number}"] canvas`);
                probe.drawImage(canvas, canvas.width >> 1, canvas.height >> 1, 1, 1, 0, 0, 1, 1);
                return Math.abs(probe.getImageData(0, 0, 1, 1).data[0] - shade) <= 2;
            });
        }""",
        wanted,
    )


def await_shade(page: Page, canvas: str, share: float, shade: int, within: int) -> None:
    """Wait until a canvas has this red there, or one so near."""
    for _ in range(100):
        if abs(read_shade(page, canvas, share) - shade) <= within:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{canvas} is {read_shade(page, canvas, share)}, not {shade}")

"""Videos without defects: the demo model's, of people that it has never met.

Each case is made twice, from two noises: what differs between the two is what two good videos may differ by.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from demo.evaluation.cases import GROUPS, POOLS, Case, draw_cases
from demo.evaluation.making import Maker, Settings
from demo.world.head import render
from demo.world.performance import FRAMES_PER_SECOND
from s2v_runner.inputs.picture import fit_picture
from s2v_runner.plan import SPEECH_RATE
from s2v_runner.records import FIXED, Picture
from s2v_runner.video.lossless import LosslessWriter
from s2v_runner.video.pixels import to_eight_bit
from s2v_runner.video.reading import open_video

POOL = "validation"
DRAWS = 2
"""Videos of each case."""
PLAIN, TWO_CLIPS = "plain", "two clips"
_OTHER_NOISE = 1000
_STARTS = "starts"
_PICTURE_SIDE = 512


@dataclass(frozen=True, eq=False)
class Specimen:
    """A video and all that a gauge is told of it. Each is itself alone."""

    name: str
    frames: np.ndarray
    """[frames, rows, columns, 3], 8 bits."""
    picture: np.ndarray
    """[rows, columns, 3], 8 bits."""
    samples: np.ndarray
    """Mono at SPEECH_RATE, float32, as long as the frames."""
    clip_starts: tuple[int, ...]

    @property
    def seconds(self) -> float:
        return len(self.frames) / FRAMES_PER_SECOND


def draw_material(group: str, count: int) -> list[Case]:
    """The cases of a group. Raises RuntimeError where espeak-ng fails."""
    return draw_cases(POOLS[POOL], GROUPS[group], count, 0)


def make_material(
    folder: Path, cases: dict[str, list[Case]], maker: Maker, settings: Settings, say: Callable[[str], None]
) -> None:
    """Make the videos that are not there. Raises GenerationError and OutputError."""
    folder.mkdir(parents=True, exist_ok=True)
    for group, some in cases.items():
        for case in some:
            for draw in range(DRAWS):
                path = _path(folder, case, draw)
                if path.is_file():
                    continue
                made = maker.make(replace(case, noise_seed=case.noise_seed + _OTHER_NOISE * draw), settings)
                frames = to_eight_bit(made.video_BCVHW, FIXED)
                hidden = path.with_name(f".{path.name}")
                with LosslessWriter(
                    path=hidden, height=frames.shape[1], width=frames.shape[2], fps=FRAMES_PER_SECOND
                ) as writer:
                    writer.write(frames)
                path.with_suffix(".json").write_text(json.dumps({_STARTS: made.starts}))
                hidden.rename(path)
                say(f"{group}: {path.name}")


def read_material(folder: Path, cases: list[Case]) -> list[tuple[Specimen, ...]]:
    """The videos of each case all of whose draws are there. Raises InputError for one that cannot be read."""
    there = [case for case in cases if all(_path(folder, case, draw).is_file() for draw in range(DRAWS))]
    return [tuple(_read(folder, case, draw) for draw in range(DRAWS)) for case in there]


def _read(folder: Path, case: Case, draw: int) -> Specimen:
    path = _path(folder, case, draw)
    with open_video(path) as reader:
        frames = np.stack([frame.rgb for frame in reader])
    starts = json.loads(path.with_suffix(".json").read_text())[_STARTS]
    picture = to_eight_bit(render(case.identities, case.portrait, _PICTURE_SIDE), FIXED)[0]
    length = round(len(frames) / FRAMES_PER_SECOND * SPEECH_RATE)
    return Specimen(
        name=f"{case.name} {draw}",
        frames=frames,
        picture=fit_picture(Picture(picture), frames.shape[1], frames.shape[2], FIXED),
        samples=case.waveform[:length].astype(np.float32),
        clip_starts=tuple(starts),
    )


def _path(folder: Path, case: Case, draw: int) -> Path:
    return folder / f"{case.name.replace(' ', '_')}_{draw}.mkv"

"""The values that travel from stage to stage. All of them are frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

Value = str | int | float | bool | None
"""What a setting can be."""

SOLVER_NAMES = ("unipc", "dpmpp", "euler")


KernelName = Literal["plain", "triton"]
"""What stands between the matrix products of the transformer."""
MatrixName = Literal["model", "float8", "float8_weights"]
"""In the dtype of the model; rows and weights in 8 bits; weights alone, widened when they are used."""


@dataclass(frozen=True, kw_only=True)
class Compat:
    """Where this project and the original part ways, one choice each.

    docs/architecture.md says what each does and why. `FIXED` is what is right, `REFERENCE` what the original does.
    """

    orientation: Literal["honoured", "ignored"]
    """Whether a picture is turned as its EXIF data asks."""
    picture_fit: Literal["cover", "reference", "pad"]
    """Fill the frame and crop, fit the short side as the original does, or show the whole with borders. Poses too."""
    alignment: Literal["output", "decoded"]
    """Whether sound 0 belongs to the first frame of the video or to the first that is decoded, three earlier."""
    length: Literal["speech", "clips"]
    """Whether the video lasts as long as the speech or as long as its clips."""
    tail: Literal["silence", "zeros"]
    """What the model hears past the end of the speech: encoded silence, or features of zero."""
    pose_sampling: Literal["timestamps", "stride"]
    """Whether pose frames are chosen by their time or by a whole stride."""
    pose_border: Literal["black", "grey"]
    """What stands beside a pose video of another aspect."""
    pose_end: Literal["hold", "loop", "black"]
    """Where a pose video ends before the speech: its last pose stays, it begins again, or there is no pose."""
    noise: Literal["portable", "native"]
    """Drawn on the CPU in float32, or on the device in the model's dtype."""
    empty_negative_prompt: Literal["empty", "default"]
    """Whether an empty negative prompt means itself or the model's own."""
    eight_bit: Literal["rounded", "truncated"]
    """How pixel values become whole numbers."""


FIXED = Compat(
    orientation="honoured",
    picture_fit="cover",
    alignment="output",
    length="speech",
    tail="silence",
    pose_sampling="timestamps",
    pose_border="black",
    pose_end="hold",
    noise="portable",
    empty_negative_prompt="empty",
    eight_bit="rounded",
)

REFERENCE = Compat(
    orientation="ignored",
    picture_fit="reference",
    alignment="decoded",
    length="clips",
    tail="zeros",
    pose_sampling="stride",
    pose_border="grey",
    pose_end="black",
    noise="native",
    empty_negative_prompt="default",
    eight_bit="truncated",
)


Pass = Literal["guided", "reused", "conditioned", "merged"]
"""What the transformer is asked at a step: both branches; the conditioned one, with the difference that guidance
amplifies kept from an earlier step; the conditioned one alone, without guidance; nothing, the step before it reaches
over it."""


@dataclass(frozen=True, kw_only=True)
class Economy:
    """Which of the passes that exact sampling makes are left out. docs/fast.md says what that costs.

    `EVERY_PASS` leaves out none.
    """

    guidance_from: float
    guidance_to: float
    """Guidance is where the share of noise lies between these, both included."""
    guidance_every: int
    """The unconditioned branch is asked at every n-th step that has guidance."""
    step_share: float
    """Of the steps of the schedule, how many are taken."""
    levels: tuple[float, ...] | None
    """Shares of noise, falling, between which equally many of the taken steps lie; None spreads them evenly over the
    steps of the schedule."""


EVERY_PASS = Economy(guidance_from=0.0, guidance_to=1.0, guidance_every=1, step_share=1.0, levels=None)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asked for, every choice made."""

    prompt: str
    negative_prompt: str | None
    """None is the model's own."""
    image: Path
    audio: Path
    pose_video: Path | None
    area: int
    """Pixels of a frame at most; the picture gives the aspect."""
    exact_size: tuple[int, int] | None
    """Height and width of the finished video, whatever the picture's aspect; None leaves them to the area."""
    infer_frames: int
    """Video frames a clip, a multiple of 4."""
    num_clip: int | None
    """At most so many clips; None is as many as the speech fills."""
    start_from_ref: bool
    """Begin with the picture itself, rather than with a frame like it."""
    solver: str
    """One of SOLVER_NAMES."""
    steps: int
    shift: float | None
    """How far the schedule is moved towards noise; None is by the size of the frame."""
    guide_scale: float
    economy: Economy
    base_seed: int
    """Clip r draws its noise from base_seed + r."""
    motion_frames: int
    """Frames before a clip that it continues, one more than a multiple of 4."""
    sample_fps: int
    compat: Compat


@dataclass(frozen=True)
class Report:
    """What was done to an input, or to make it."""

    facts: Mapping[str, Value]
    """By names like `sample_rate`, for the record and MLflow."""
    words: str
    """The same for a person, on one line."""
    warnings: tuple[str, ...]
    """What the user should know, a sentence each."""


@dataclass(frozen=True)
class Picture:
    """A picture as it was read, [rows, columns, 3], 8 bits."""

    pixels: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.pixels.shape[0], self.pixels.shape[1]


@dataclass(frozen=True)
class Sound:
    """Speech as it was read: mono, float32, at the rate that the speech encoder wants."""

    samples: np.ndarray
    rate: int


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """Every number of a run, worked out before anything is loaded."""

    height: int
    width: int
    """Of the frames that are made, multiples of 64."""
    output_height: int
    output_width: int
    """Of the finished video: the middle of the frames that are made."""
    shift: float
    num_clips: int
    num_frames: int
    """Frames of the finished video."""
    infer_frames: int
    lead_frames: int
    """Frames of the first clip that are made and thrown away."""
    lead_silence: int
    """Frames of silence that the speech encoder hears before the speech."""
    latent_frames: int
    """Latent frames of a clip."""
    motion_frames: int
    clip_seeds: tuple[int, ...]
    passes: tuple[Pass, ...]
    """What is asked of the transformer at each step of the schedule, the same in every clip."""

    @property
    def taken(self) -> tuple[int, ...]:
        """The steps of the schedule that are taken."""
        return tuple(index for index, asked in enumerate(self.passes) if asked != "merged")

    @property
    def made_frames(self) -> int:
        """Frames over all clips, those thrown away included."""
        return self.num_clips * self.infer_frames

    def frames_before(self, clip: int) -> int:
        """Frames of the finished video that the clips before this one made."""
        return 0 if clip == 0 else min(self.num_frames, clip * self.infer_frames - self.lead_frames)

"""From what was asked and what was found in the inputs to every number of the run. Nothing heavy is imported.

Source of the size search and of the reference clip count: `get_size_less_than_area` and
`get_audio_embed_bucket_fps` of the original.
"""

import math

from s2v_runner.errors import InputError
from s2v_runner.passes import check_economy, plan_passes
from s2v_runner.records import SOLVER_NAMES, Request, RunPlan

SIZE_MULTIPLE = 64
SPATIAL_STRIDE = 8
"""Pixels to a row or column of a latent."""
TEMPORAL_STRIDE = 4
"""Video frames to a latent frame."""
SPEECH_RATE = 16000
"""Samples a second that the speech encoder was trained on."""
FEATURE_RATE = 30
"""Audio features a second, after interpolation."""
ENCODER_RATE = 50
"""Nominal states a second of the speech encoder, as the original counts them."""
FIRST_LATENT_LOSS = 3
"""Video frames that the first latent frame of a video lacks: it holds one where the others hold four."""

LARGE_FRAME_AREA = 1280 * 704
"""Pixels from which a frame takes the larger shift, as the authors advise for 720p and 480p."""
LARGE_FRAME_SHIFT = 5.0
SMALL_FRAME_SHIFT = 3.0

# The convolutions of every published Wav2Vec2, kernel and stride; the loader refuses an encoder with others.
WAV2VEC2_CONVOLUTIONS = ((10, 5), (3, 2), (3, 2), (3, 2), (3, 2), (2, 2), (2, 2))

# Of what follows the last frame of a video that is shorter than its speech. The speech encoder looks everywhere, but
# its memory grows with all that it hears.
_HEARD_BEYOND_SECONDS = 5.0

_LARGEST_SEED = 2**63 - 1
_SIZE_CANDIDATES = 100
_SMALLEST_SCALE = 0.1


def plan_run(request: Request, picture_size: tuple[int, int], num_samples: int, sample_rate: int) -> RunPlan:
    """Resolve every number. Raises InputError for a choice that cannot be carried out."""
    check_request(request)
    check_sampling(request)
    height, width = _frame_size(request, picture_size)
    output_height, output_width = request.exact_size or (height, width)
    lead_frames = 0 if request.start_from_ref else FIRST_LATENT_LOSS
    num_clips, num_frames = _count_clips(request, lead_frames, num_samples, sample_rate)
    shift = shift_for(output_height * output_width) if request.shift is None else request.shift
    past_latents = latent_frame_count(request.motion_frames)
    return RunPlan(
        height=height,
        width=width,
        output_height=output_height,
        output_width=output_width,
        shift=shift,
        num_clips=num_clips,
        num_frames=num_frames,
        infer_frames=request.infer_frames,
        lead_frames=lead_frames,
        lead_silence=lead_frames if request.compat.alignment == "output" else 0,
        latent_frames=latent_frame_count(request.motion_frames + request.infer_frames) - past_latents,
        motion_frames=request.motion_frames,
        clip_seeds=_clip_seeds(request.base_seed, num_clips),
        passes=plan_passes(request, shift),
    )


def check_request(request: Request) -> None:
    """Refuse numbers that no run can have. Raises InputError that names the setting."""
    if request.infer_frames < TEMPORAL_STRIDE or request.infer_frames % TEMPORAL_STRIDE:
        nearest = max(TEMPORAL_STRIDE, round(request.infer_frames / TEMPORAL_STRIDE) * TEMPORAL_STRIDE)
        raise InputError(
            f"infer_frames={request.infer_frames}",
            f"a clip has a positive multiple of {TEMPORAL_STRIDE} frames",
            f"The nearest is {nearest}",
        )
    if request.exact_size is not None and any(side < 2 or side % 2 for side in request.exact_size):
        height, width = request.exact_size
        raise InputError(f"size {width}x{height}", "both sides of a video are even", "Give an even width and height")
    if request.area < SIZE_MULTIPLE**2 and request.exact_size is None:
        raise InputError(
            f"size of {request.area} pixels",
            f"a frame has at least {SIZE_MULTIPLE}x{SIZE_MULTIPLE} = {SIZE_MULTIPLE**2} pixels",
            "Give a larger size, such as 832*480",
        )
    if request.motion_frames < 1 or request.motion_frames % TEMPORAL_STRIDE != 1:
        raise InputError(
            f"motion_frames={request.motion_frames}",
            f"it must be one more than a multiple of {TEMPORAL_STRIDE}, and positive",
            "The released model was trained with 73",
        )
    if request.num_clip is not None and request.num_clip < 1:
        raise InputError(f"num_clip={request.num_clip}", "there is no video without a clip", "Give 1 or more")
    if request.sample_fps < 1:
        raise InputError(f"sample_fps={request.sample_fps}", "it must be positive", "The model makes 16 a second")


def check_sampling(request: Request) -> None:
    """Refuse settings of the sampler that no run can have. Raises InputError that names the setting."""
    if request.solver not in SOLVER_NAMES:
        known = ", ".join(SOLVER_NAMES)
        raise InputError(f"sampler '{request.solver}'", "there is no such solver", f"Choose one of {known}")
    if request.steps < 1:
        raise InputError(f"sampler.steps={request.steps}", "at least one step is needed", "Give a number from 1 on")
    if request.shift is not None and not 0 < request.shift < math.inf:
        raise InputError(f"sampler.shift={request.shift}", "it must be positive", "The original uses 3 and 5")
    if not math.isfinite(request.guide_scale):
        raise InputError(f"sampler.guide_scale={request.guide_scale}", "it must be a number", "The original uses 4.5")
    check_economy(request.economy)


def shift_for(pixels: int) -> float:
    """The shift for frames of so many pixels: larger frames need more noise to lose the same detail."""
    return LARGE_FRAME_SHIFT if pixels >= LARGE_FRAME_AREA else SMALL_FRAME_SHIFT


def heard_seconds(request: Request, plan: RunPlan) -> float | None:
    """How much of the speech, from its beginning, is read for a video; None is all of it, as the original does."""
    if request.compat.tail == "zeros":
        return None
    return plan.num_frames / request.sample_fps + _HEARD_BEYOND_SECONDS


def _frame_size(request: Request, picture_size: tuple[int, int]) -> tuple[int, int]:
    """Height and width of the frames that are made."""
    if request.exact_size is not None:
        height, width = request.exact_size
        return _round_up(height), _round_up(width)
    height, width = fit_area(*picture_size, request.area)
    if min(height, width) < SIZE_MULTIPLE:
        raise InputError(
            f"size of {request.area} pixels",
            f"a picture of {picture_size[1]}x{picture_size[0]} does not fit it in multiples of {SIZE_MULTIPLE} "
            f"(it would be {width}x{height})",
            "Give a larger size, or crop the picture to a squarer one",
        )
    return height, width


def _clip_seeds(base_seed: int, num_clips: int) -> tuple[int, ...]:
    if not 0 <= base_seed <= _LARGEST_SEED - num_clips:
        raise InputError(
            f"base_seed={base_seed}",
            f"a seed is a whole number from 0 to {_LARGEST_SEED}, and each clip takes the next",
            "Draw one first if any will do",
        )
    return tuple(base_seed + clip for clip in range(num_clips))


def fit_area(height: int, width: int, area: int) -> tuple[int, int]:
    """The frame for a picture: as large as it can be within `area`, in multiples of 64.

    It is never larger than the picture, but for rounding up to the next multiple.

    Height and width. The search is the original's to the last candidate, its slip included: the
    lower bound of the scale comes from a quadratic formula with 2 where 4 belongs, and the candidates between
    the bounds depend on it. For a picture so long that none fits, what it falls back to may be zero high.
    """
    pad = SIZE_MULTIPLE - 1
    if height * width <= area:
        lowest, highest = _SMALLEST_SCALE, 1.0
    else:
        a, b, c = height * width, pad * (height + width), pad**2 - area
        lowest = (-b + math.sqrt(b**2 - 2 * a * c)) / (2 * a)
        highest = math.sqrt(area / (height * width))
    for candidate in range(_SIZE_CANDIDATES):
        scale = highest - (highest - lowest) * candidate / _SIZE_CANDIDATES
        rows, columns = _round_up(int(height * scale)), _round_up(int(width * scale))
        if rows * columns <= area:
            return rows, columns
    aspect = width / height
    columns, rows = _round_down((area * aspect) ** 0.5), _round_down((area / aspect) ** 0.5)
    if columns >= width or rows >= height:
        columns, rows = _round_down(width), _round_down(height)
    return rows, columns


def latent_frame_count(video_frames: int) -> int:
    return (video_frames + FIRST_LATENT_LOSS) // TEMPORAL_STRIDE


def video_frame_count(latent_frames: int) -> int:
    """Video frames that so many latent frames are decoded to."""
    return latent_frames * TEMPORAL_STRIDE - FIRST_LATENT_LOSS


def feature_frame_count(num_samples: int) -> int:
    """Frames of audio features at 30 a second that the speech encoder and the interpolation make of a sound."""
    states = num_samples
    for kernel, stride in WAV2VEC2_CONVOLUTIONS:
        states = (states - kernel) // stride + 1
    return interpolated_count(states)


def interpolated_count(states: int) -> int:
    # In doubles and from left to right, as the original does it: 3·T/5 rounded down differs at T = 205, 410, …
    return int(states / ENCODER_RATE * FEATURE_RATE)


def feature_indices(video_frames: int, fps: int) -> list[int]:
    """The feature frame that each video frame hears: the nearest in time, ties to even."""
    return [round(frame * FEATURE_RATE / fps) for frame in range(video_frames)]


def reference_clip_count(feature_frames: int, infer_frames: int, fps: int) -> int:
    """Clips that the original makes: one more than the speech fills."""
    return int(feature_frames / (infer_frames * (FEATURE_RATE / fps))) + 1


def _count_clips(request: Request, lead_frames: int, num_samples: int, sample_rate: int) -> tuple[int, int]:
    """Clips, and frames of the finished video."""
    if request.compat.tail == "zeros" and feature_frame_count(num_samples) < 1:
        raise InputError(
            "audio.path",
            f"{num_samples / sample_rate:.3f} seconds are too short for the speech encoder",
            "Give a longer recording",
        )
    if request.compat.length == "clips":
        clips = reference_clip_count(feature_frame_count(num_samples), request.infer_frames, request.sample_fps)
        clips = clips if request.num_clip is None else min(clips, request.num_clip)
        return clips, clips * request.infer_frames - lead_frames
    frames = round(num_samples / sample_rate * request.sample_fps)
    if frames < 1:
        raise InputError(
            "audio.path",
            f"it lasts {num_samples / sample_rate:.3f} seconds, less than a frame of the video",
            "Give a longer recording",
        )
    clips = math.ceil((frames + lead_frames) / request.infer_frames)
    clips = clips if request.num_clip is None else min(clips, request.num_clip)
    return clips, min(frames, clips * request.infer_frames - lead_frames)


def _round_up(length: int) -> int:
    return -(-length // SIZE_MULTIPLE) * SIZE_MULTIPLE


def _round_down(length: float) -> int:
    return int(length // SIZE_MULTIPLE * SIZE_MULTIPLE)

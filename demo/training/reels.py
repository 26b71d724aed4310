"""Videos for the autoencoder to learn: takes, the same as poses, and what the pipeline puts before them.

They are drawn once and kept as bytes where the training is, and each batch is cut out of them anew: other moments,
other places. Drawing every batch would take as long as learning from it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from demo.training.autoencoder import Batch
from demo.training.footage import PICTURES_IN_PAST, SIDE
from demo.training.pace import Beat
from demo.world.head import render
from demo.world.mouth import MouthTrack
from demo.world.performance import Performances
from demo.world.regions import mark_features
from demo.world.skeleton import render_pose
from demo.world.take import Takes, cut_mouth, draw_takes

CROP = 64
_CROP_LENGTHS = (9, 9, 9, 17)
_WHOLE_LENGTHS = (17, 9, 17, 33, 17, 9, 17, 81)
"""Frames of the videos, batch after batch: mostly short, some as long as a clip, so that long ones do not drift."""
_WHOLE_FROM = 0.7
"""The share of the training from which on it sees whole frames. Before that it sees squares cut out of them, which are
a quarter of the work, since convolutions do not know where they are."""
_LONG = 81
_FEATURE_WEIGHT = 4.0
_POSES, _LONG_TAKES = 0.12, 0.15
"""Shares of the takes that are drawn as poses, and that are long."""
_GREY, _JUMP = 0.1, 0.3
"""How often a video begins with grey, and how often its first frame is from another moment, as the picture is."""
_DRAWN_AT_ONCE = 128


@dataclass(frozen=True)
class Reels:
    """N videos of V frames, 8 bits."""

    video_NVCHW: torch.Tensor
    marked_NVHW: torch.Tensor
    """Where the mouth and the eyes are."""


def reel_maker(
    mouths: Sequence[MouthTrack],
    takes: int,
    frames_a_batch: int,
    device: torch.device,
    generator: torch.Generator,
) -> Callable[[Beat], Batch]:
    """What gives the batch of each step. Batches of long videos have fewer of them."""
    long = _shoot(mouths, round(_LONG_TAKES * takes), _LONG, device, generator)
    short = _shoot(mouths, takes - len(long.video_NVCHW), max(_CROP_LENGTHS) + 8, device, generator)

    def draw(beat: Beat) -> Batch:
        whole = beat.share >= _WHOLE_FROM
        lengths = _WHOLE_LENGTHS if whole else _CROP_LENGTHS
        frames = lengths[beat.step % len(lengths)]
        reels = short if frames <= short.video_NVCHW.shape[1] else long
        side = SIDE if whole else CROP
        count = max(1, frames_a_batch * (SIDE // side) // frames)
        return cut_batch(reels, count, frames, side, generator)

    return draw


def cut_batch(reels: Reels, count: int, frames: int, side: int, generator: torch.Generator) -> Batch:
    """So many pieces of the reels, anywhere in time and place."""
    device = reels.video_NVCHW.device
    number, length, _, height, width = reels.video_NVCHW.shape

    def draw(limit: int) -> torch.Tensor:
        return torch.randint(limit, (count, 1), generator=generator)

    places_V = torch.arange(frames)
    rows_B1, begins_B1 = draw(number), draw(length - frames + 1)
    frames_BV = begins_B1 + places_V
    jumps_B1 = torch.rand(count, 1, generator=generator) < _JUMP
    frames_BV[:, :1] = torch.where(jumps_B1, draw(length), frames_BV[:, :1])
    greys_B1 = torch.rand(count, 1, generator=generator) < _GREY
    ends_B1 = torch.randint(1, frames, (count, 1), generator=generator) * greys_B1
    # A picture that stands still after the grey, as where a run begins with its picture.
    stills_B1 = greys_B1 & (torch.rand(count, 1, generator=generator) < 0.5)
    is_still_BV = stills_B1 & (places_V >= ends_B1) & (places_V < ends_B1 + PICTURES_IN_PAST)
    frames_BV = torch.where(is_still_BV, draw(length), frames_BV)

    down_BH = draw(height - side + 1) + torch.arange(side)
    across_BW = draw(width - side + 1) + torch.arange(side)
    indices = (
        rows_B1[:, :, None, None],
        frames_BV[:, :, None, None],
        down_BH[:, None, :, None],
        across_BW[:, None, None],
    )
    rows, moments, down, across = (index.to(device) for index in indices)
    pixels_BVHWC = reels.video_NVCHW.movedim(2, -1)[rows, moments, down, across]
    video = pixels_BVHWC.movedim(-1, 1).float() / 127.5 - 1
    weight = 1.0 + (_FEATURE_WEIGHT - 1.0) * reels.marked_NVHW[rows, moments, down, across].unsqueeze(1).float()
    is_grey_BV = (places_V < ends_B1).to(device)[:, None, :, None, None]
    return Batch(video.masked_fill(is_grey_BV, 0.0), weight.masked_fill(is_grey_BV, 1.0))


def _shoot(
    mouths: Sequence[MouthTrack], count: int, frames: int, device: torch.device, generator: torch.Generator
) -> Reels:
    """Draw takes, some of them as poses."""
    videos, marks = [], []
    for begin in range(0, count, _DRAWN_AT_ONCE):
        takes = _draw(mouths, min(_DRAWN_AT_ONCE, count - begin), frames, generator)
        identities = takes.identities.to(device)
        performances = _after_portrait(takes).to(device)
        posed = round(_POSES * len(identities))
        some, others = slice(0, posed), slice(posed, None)
        pieces = [render(identities.select(others), performances.select(others), SIDE)]
        if posed:
            pieces.insert(0, render_pose(identities.select(some), performances.select(some), SIDE))
        video = torch.cat(pieces).movedim(1, 2)
        videos.append(((video + 1) * 127.5).round().clamp(0, 255).byte())
        marked = mark_features(identities, performances, SIDE)
        marked[:posed] = False
        marks.append(marked)
    return Reels(torch.cat(videos), torch.cat(marks))


def _draw(mouths: Sequence[MouthTrack], count: int, frames: int, generator: torch.Generator) -> Takes:
    chosen = torch.randint(len(mouths), (count,), generator=generator).tolist()
    starts = torch.rand(count, generator=generator).tolist()
    pieces = []
    for index, start in zip(chosen, starts, strict=True):
        track = mouths[index]
        pieces.append(cut_mouth(track, round(start * max(0, len(track.opening_V) - frames)), frames))
    return draw_takes(pieces, generator)


def _after_portrait(takes: Takes) -> Performances:
    """The first frame of half of the takes is their picture, as in an opening clip."""
    first = {}
    for name, values in vars(takes.performances).items():
        values = values.clone()
        values[::2, :1] = getattr(takes.portraits, name)[::2]
        first[name] = values
    return Performances(**first)

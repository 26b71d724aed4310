"""Videos for the autoencoder to learn: takes, the same as poses, and what the pipeline puts before them."""

from collections.abc import Callable, Sequence

import torch

from demo.training.autoencoder import Batch
from demo.training.footage import SIDE
from demo.training.pace import Beat
from demo.training.regions import mark_features
from demo.world.head import render
from demo.world.mouth import MouthTrack
from demo.world.performance import Performances
from demo.world.skeleton import render_pose
from demo.world.take import Takes, cut_mouth, draw_takes

LENGTHS = (17, 17, 17, 41)
WHOLE_LENGTHS = (17, 41, 17, 81)
"""Frames of the videos, batch after batch: mostly short, some as long as a clip, so that long ones do not drift."""
CROP = 64
_WHOLE_FROM = 0.75
"""The share of the training from which on it sees whole frames. Before that it sees squares cut out of them, four for
the price of one, since convolutions do not know where they are."""
_CROPS_FOR_ONE = 3
_FEATURE_WEIGHT = 4.0
_POSES, _GREY = 0.12, 0.12


def reel_maker(
    mouths: Sequence[MouthTrack], frames_a_batch: int, device: torch.device, generator: torch.Generator
) -> Callable[[Beat], Batch]:
    """What gives the batch of each step. Batches of long videos have fewer of them."""

    def draw(beat: Beat) -> Batch:
        whole = beat.share >= _WHOLE_FROM
        lengths = WHOLE_LENGTHS if whole else LENGTHS
        frames = lengths[beat.step % len(lengths)]
        count = frames_a_batch * (1 if whole else _CROPS_FOR_ONE) // frames
        takes = _draw(mouths, max(1, count), frames, generator)
        kind = float(torch.rand((), generator=generator))
        batch = _film(takes, kind, device, generator)
        return batch if whole else _crop(batch, generator)

    return draw


def _draw(mouths: Sequence[MouthTrack], count: int, frames: int, generator: torch.Generator) -> Takes:
    chosen = torch.randint(len(mouths), (count,), generator=generator).tolist()
    starts = torch.rand(count, generator=generator).tolist()
    pieces = []
    for index, start in zip(chosen, starts, strict=True):
        track = mouths[index]
        pieces.append(cut_mouth(track, round(start * max(0, len(track.opening_V) - frames)), frames))
    return draw_takes(pieces, generator)


def _film(takes: Takes, kind: float, device: torch.device, generator: torch.Generator) -> Batch:
    identities = takes.identities.to(device)
    performances = _after_portrait(takes).to(device)
    if kind < _POSES:
        video = render_pose(identities, performances, SIDE)
        return Batch(video, torch.ones_like(video[:, :1]))
    video = render(identities, performances, SIDE)
    weight = 1.0 + (_FEATURE_WEIGHT - 1.0) * mark_features(identities, performances, SIDE).unsqueeze(1)
    if kind < _POSES + _GREY:
        # Grey, and then the picture or the video: what a run begins with that starts from its picture.
        count = int(torch.randint(1, video.shape[2], (1,), generator=generator))
        video[:, :, :count] = 0.0
        weight[:, :, :count] = 1.0
    return Batch(video, weight)


def _crop(batch: Batch, generator: torch.Generator) -> Batch:
    """A square of each video, anywhere in it."""
    corners = torch.randint(SIDE - CROP + 1, (len(batch.video_BCVHW), 2), generator=generator).tolist()

    def cut(values: torch.Tensor) -> torch.Tensor:
        pieces = [
            one[..., top : top + CROP, left : left + CROP] for one, (top, left) in zip(values, corners, strict=True)
        ]
        return torch.stack(pieces)

    return Batch(cut(batch.video_BCVHW), cut(batch.weight_B1VHW))


def _after_portrait(takes: Takes) -> Performances:
    """The first frame of half of the takes is their picture, as in an opening clip."""
    first = {}
    for name, values in vars(takes.performances).items():
        values = values.clone()
        values[::2, :1] = getattr(takes.portraits, name)[::2]
        first[name] = values
    return Performances(**first)

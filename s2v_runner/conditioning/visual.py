"""Picture and pose → latents."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch
import torch.nn.functional as F

from s2v_runner.autoencoder import WHOLE_FRAMES, Autoencoder, encode_video
from s2v_runner.conditioning.cache import Asked, digest_array
from s2v_runner.geometry import place
from s2v_runner.records import Compat, RunPlan

_BLACK = -1.0
_PICTURES_IN_OPENING = 6
_POSE_BORDERS = {"black": _BLACK, "grey": 0.0}


def picture_to_video(pixels: np.ndarray) -> torch.Tensor:
    """8-bit pixels [rows, columns, 3] → one frame of video [1, 3, 1, rows, columns] in −1 … 1."""
    scaled = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255
    return (scaled * 2 - 1)[None, :, None]


def describe_picture(pixels: np.ndarray) -> Asked:
    """All that the latents of a picture depend on, once it is fitted to the frame."""
    return {"pixels": digest_array(pixels)}


def opening_video(plan: RunPlan, reference_BCVHW: torch.Tensor, start_from_ref: bool) -> torch.Tensor:
    """What the first clip continues: grey frames, the last six of which are the picture when it is to begin with it."""
    past_BCVHW = torch.zeros(1, 3, plan.motion_frames, plan.height, plan.width)
    if start_from_ref:
        past_BCVHW[:, :, -_PICTURES_IN_OPENING:] = reference_BCVHW
    return past_BCVHW


def describe_opening(pixels: np.ndarray, plan: RunPlan) -> Asked:
    """All that the latents of an opening that ends with the picture depend on."""
    return {"pixels": digest_array(pixels), "frames": plan.motion_frames}


def describe_pose(file_digest: str, plan: RunPlan, fps: int, compat: Compat) -> Asked:
    """All that the latents of a pose video depend on: how its frames are chosen, and what `encode_pose` does."""
    return {
        "file": file_digest,
        "lead_silence": plan.lead_silence,
        "fps": fps,
        "sampling": compat.pose_sampling,
        "num_clips": plan.num_clips,
        "infer_frames": plan.infer_frames,
        "height": plan.height,
        "width": plan.width,
        "border": compat.pose_border,
        "fit": compat.picture_fit,
        "end": compat.pose_end,
    }


@torch.no_grad()
def encode_pose(
    vae: Autoencoder, frames: Iterator[np.ndarray], plan: RunPlan, compat: Compat
) -> tuple[torch.Tensor, ...]:
    """Latents [1, C, F, H, W] of the pose for each clip, on the CPU until their clip comes.

    The pose video is read clip by clip and never held whole; past the last of `frames` the pose is black.
    """
    clips = []
    for _ in range(plan.num_clips):
        fitted = [fit_pose(frame, plan, compat) for frame in islice(frames, plan.infer_frames)]
        black = torch.full((1, 3, plan.infer_frames - len(fitted), plan.height, plan.width), _BLACK)
        video = torch.cat((*fitted, black), dim=2)
        # The autoencoder gives the first frame a latent to itself; doubled, it is cut off again.
        latents = encode_video(vae, torch.cat((video[:, :, :1], video), dim=2), WHOLE_FRAMES)
        clips.append(latents[:, :, 1:].cpu())
    return tuple(clips)


def fit_pose(pixels: np.ndarray, plan: RunPlan, compat: Compat) -> torch.Tensor:
    """One pose frame at the size of the video, [1, 3, 1, rows, columns] in −1 … 1.

    It is laid into the frame as the picture is, by `compat.picture_fit`, so that the skeleton of a video of the
    picture's aspect lies where the person is. Source of `reference`: `load_pose_cond` of the original.
    """
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255.0 * 2 - 1.0
    placed = place(image.shape[2], image.shape[3], plan.height, plan.width, compat.picture_fit)
    size = (placed.rows, placed.columns)
    image = F.interpolate(image, size=size, mode="bilinear", antialias=True, align_corners=False)
    image = F.pad(image, (*placed.column_padding, *placed.row_padding), value=_POSE_BORDERS[compat.pose_border])
    rows = slice(placed.top, placed.top + plan.height)
    return image[:, :, rows, placed.left : placed.left + plan.width].unsqueeze(2)

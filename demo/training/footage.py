"""Rendered takes as the transformer's training wants them: latents, loss weights, and which speech they hear.

A clip is learned in the two ways in which the pipeline makes it. An opening clip follows the reference picture alone.
A continuing one follows 73 frames: of the video so far, of grey and then video (as when the first clips were short), or
of grey and then six times the picture (`start_from_ref`).
"""

from dataclasses import dataclass, fields
from typing import Literal

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

from demo.training.autoencoder import encode_moments
from demo.training.speeches import LEAD_FRAMES, Speeches
from demo.world.head import render
from demo.world.performance import Performances
from demo.world.regions import mark_features
from demo.world.skeleton import render_pose
from demo.world.take import Takes, begin_like, cut_mouth, draw_takes

CLIP_FRAMES = 80
PAST_FRAMES = 73
PAST_LATENTS = 19
PICTURES_IN_PAST = 6
_FRAMES_FROM_PICTURE = 8
"""In so many frames the head moves from where it is in the picture to where the take has it."""
SIDE = 128
_LATENT_SIDE = SIDE // 8

Past = Literal["none", "video", "grey", "picture"]


@dataclass(frozen=True)
class Footage:
    """N clips on the training's device, latents float16."""

    reference_NC1HW: torch.Tensor
    clip_NCFHW: torch.Tensor
    motion_NCMHW: torch.Tensor | None
    """None in opening clips."""
    pose_NCFHW: torch.Tensor
    """Of the first of the clips, as many as there are; the others have none."""
    weight_NFHW: torch.Tensor
    """1 where the mouth or the eyes are in a latent value's frames, else 0; bool."""
    utterance_N: torch.Tensor
    begin_N: torch.Tensor
    """The clip's first frame among the utterance's features."""
    prompt_N: torch.Tensor
    """Which of the prompts belongs to it."""

    def __len__(self) -> int:
        return len(self.clip_NCFHW)


@dataclass(frozen=True)
class Scene:
    """Takes before they are drawn, with the place of their speech."""

    takes: Takes
    past: Past
    utterance_B: torch.Tensor
    begin_B: torch.Tensor


def draw_scene(speeches: Speeches, count: int, past: Past, generator: torch.Generator) -> Scene:
    """Takes of random utterances. What comes before the clip is part of the take."""
    utterances = torch.randint(len(speeches.mouths), (count,), generator=generator)
    before = 0 if past in ("none", "picture") else PAST_FRAMES
    latest = speeches.frames - CLIP_FRAMES
    begins = []
    for utterance in utterances.tolist():
        # Opening clips begin with the speech, as the pipeline has it; the others where something is left to be said.
        latest_heard = max(LEAD_FRAMES, speeches.length(utterance) - CLIP_FRAMES // 2)
        first = {"none": 0, "picture": LEAD_FRAMES}.get(past)
        drawn = int(torch.randint(LEAD_FRAMES, latest_heard + 1, (1,), generator=generator))
        begins.append(min(latest, drawn) if first is None else first)
    mouths = [
        cut_mouth(speeches.mouths[utterance], begin - LEAD_FRAMES - before, before + CLIP_FRAMES)
        for utterance, begin in zip(utterances.tolist(), begins, strict=True)
    ]
    return Scene(draw_takes(mouths, generator), past, utterances, torch.tensor(begins))


@torch.no_grad()
def film(
    vae: AutoencoderKLWan, scene: Scene, prompt_N: torch.Tensor, posed: int, generator: torch.Generator
) -> Footage:
    """Draw the takes and encode them; the first `posed` of them get a pose video too."""
    device = vae.device
    takes = scene.takes
    identities, portraits = takes.identities.to(device), takes.portraits.to(device)
    performances = takes.performances
    if scene.past == "picture":
        performances = begin_like(takes.portraits, performances, _FRAMES_FROM_PICTURE)
    performances = performances.to(device)
    picture = render(identities, portraits, SIDE)
    video = _after_past(scene.past, picture, render(identities, performances, SIDE), generator)
    latents = encode_latents(vae, video)
    clip_performances = performances.window(-CLIP_FRAMES, performances.opening.shape[1])
    pose = performances_to_pose(vae, takes, clip_performances, posed)
    clip_latents = CLIP_FRAMES // 4
    return Footage(
        reference_NC1HW=encode_latents(vae, picture),
        clip_NCFHW=latents[:, :, -clip_latents:],
        motion_NCMHW=None if scene.past == "none" else latents[:, :, :PAST_LATENTS],
        pose_NCFHW=pose,
        weight_NFHW=_by_latent(mark_features(identities, clip_performances, _LATENT_SIDE)),
        utterance_N=scene.utterance_B.to(device),
        begin_N=scene.begin_B.to(device),
        prompt_N=prompt_N.to(device),
    )


def performances_to_pose(vae: AutoencoderKLWan, takes: Takes, performances: Performances, posed: int) -> torch.Tensor:
    """Latents of the first takes' pose videos, as the pipeline encodes them: the first frame doubled, then cut."""
    some = slice(0, posed)
    identities = takes.identities.to(vae.device).select(some)
    video = render_pose(identities, performances.select(some), SIDE)
    if not posed:
        return video.new_zeros((0, 16, CLIP_FRAMES // 4, _LATENT_SIDE, _LATENT_SIDE), dtype=torch.float16)
    return encode_latents(vae, torch.cat((video[:, :, :1], video), dim=2))[:, :, 1:]


def encode_latents(vae: AutoencoderKLWan, video_BCVHW: torch.Tensor) -> torch.Tensor:
    """Latents as the pipeline's `encode_video` gives them, whole videos at once, float16."""
    device = vae.device
    with torch.autocast(device.type, torch.float16, enabled=device.type == "cuda"):
        mean, _ = encode_moments(vae, video_BCVHW)
    shape = (1, -1, 1, 1, 1)
    wanted_mean = torch.tensor(vae.config["latents_mean"], device=device).view(shape)
    wanted_deviation = torch.tensor(vae.config["latents_std"], device=device).view(shape)
    return ((mean.float() - wanted_mean) / wanted_deviation).half()


def _after_past(
    past: Past, picture_BC1HW: torch.Tensor, video_BCVHW: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """The video as the autoencoder sees it: an opening clip after the picture, the others after their past."""
    if past == "none":
        return torch.cat((picture_BC1HW, video_BCVHW), dim=2)
    if past == "picture":
        pictures = picture_BC1HW.expand(-1, -1, PICTURES_IN_PAST, -1, -1)
        grey = torch.zeros_like(picture_BC1HW).expand(-1, -1, PAST_FRAMES - PICTURES_IN_PAST, -1, -1)
        return torch.cat((grey, pictures, video_BCVHW), dim=2)
    if past == "grey":
        # What a short first clip leaves of the grey frames is a multiple of four, however short it was.
        count = 4 * int(torch.randint(2, PAST_FRAMES // 4, (1,), generator=generator))
        video_BCVHW = video_BCVHW.clone()
        video_BCVHW[:, :, :count] = 0.0
    return video_BCVHW


def _by_latent(marked_BVHW: torch.Tensor) -> torch.Tensor:
    """A latent frame stands for four frames."""
    return marked_BVHW.unflatten(1, (-1, 4)).any(dim=2)


def join(pieces: list[Footage]) -> Footage:
    """One after the other. The clips with poses come first in each piece, and so they do in the whole."""
    posed, unposed = [], []
    for piece in pieces:
        count = len(piece.pose_NCFHW)
        posed.append(_rows(piece, slice(0, count), slice(0, count)))
        unposed.append(_rows(piece, slice(count, None), slice(0, 0)))
    ordered = [*posed, *unposed]
    joined = {}
    for field in fields(Footage):
        values = [getattr(piece, field.name) for piece in ordered]
        joined[field.name] = None if values[0] is None else torch.cat(values)
    return Footage(**joined)


def _rows(footage: Footage, rows: slice, pose_rows: slice) -> Footage:
    kept = {}
    for field in fields(Footage):
        value = getattr(footage, field.name)
        chosen = pose_rows if field.name == "pose_NCFHW" else rows
        kept[field.name] = None if value is None else value[chosen]
    return Footage(**kept)

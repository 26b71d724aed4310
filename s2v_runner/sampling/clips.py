"""The loop over clips, each of which continues the one before.

Source: `WanS2V.generate` of the original (`wan/speech2video.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import torch

from s2v_runner.autoencoder import Autoencoder, decode_video, encode_video
from s2v_runner.division import Division
from s2v_runner.errors import InputError
from s2v_runner.plan import SPATIAL_STRIDE, video_frame_count
from s2v_runner.records import Pass, Request, RunPlan
from s2v_runner.sampling.denoise import denoise
from s2v_runner.sampling.guidance import guided_velocity
from s2v_runner.sampling.noise import draw_noise
from s2v_runner.sampling.schedules import make_solver
from s2v_runner.transformer import Conditioning, S2VTransformer

OnClipStep = Callable[[int, int, int], None]
"""Told after each step: the clip, how many of its steps are done, how many there are."""

OnStage = Callable[[str], AbstractContextManager[object]]
"""Entered around each piece of a stage, by the stage's name."""


@dataclass(frozen=True)
class EncodedInputs:
    """All that conditions a run, encoded."""

    text_BTC: torch.Tensor
    negative_text_BTC: torch.Tensor
    audio_BJCV: torch.Tensor
    """Features for every frame of every clip, on the CPU until their clip comes."""
    reference_BC1HW: torch.Tensor
    """The picture as one latent frame."""
    opening_BCVHW: torch.Tensor
    """The frames before the first, on the CPU."""
    opening_BCMHW: torch.Tensor | None
    """Their latents, which the first clip continues; None where it begins with nothing."""
    pose_clips: tuple[torch.Tensor, ...]
    """The pose of each clip, or one tensor of zeros for all of them."""

    def on(self, device: torch.device) -> "EncodedInputs":
        """The same with what is used in every clip on another device."""
        opening_BCMHW = self.opening_BCMHW
        return replace(
            self,
            text_BTC=self.text_BTC.to(device),
            negative_text_BTC=self.negative_text_BTC.to(device),
            reference_BC1HW=self.reference_BC1HW.to(device),
            opening_BCMHW=None if opening_BCMHW is None else opening_BCMHW.to(device),
            pose_clips=tuple(pose.to(device) for pose in self.pose_clips),
        )


@dataclass(frozen=True)
class ClipState:
    """All that the next clip needs of those before it; with it a run can be taken up again."""

    next_clip: int
    past_BCVHW: torch.Tensor
    """The newest frames, as many as the model continues, the opening's included; on the CPU."""


@dataclass(frozen=True)
class Frames:
    """Some finished frames, in order, in −1 … 1."""

    clip: int
    video_BCVHW: torch.Tensor


@dataclass(frozen=True)
class ClipEnd:
    """A clip is done. `state` is None after the last."""

    clip: int
    latents_BCFHW: torch.Tensor
    """What it was decoded from, without what it continues."""
    state: ClipState | None


def check_state(state: ClipState, plan: RunPlan) -> None:
    """Refuse to take up a run from the state of another. Raises InputError."""
    wanted = (1, 3, plan.motion_frames, plan.height, plan.width)
    if tuple(state.past_BCVHW.shape) != wanted or not 0 <= state.next_clip <= plan.num_clips:
        raise InputError(
            "resume",
            f"the state is of clip {state.next_clip} with frames {list(state.past_BCVHW.shape)}; this run has "
            f"{plan.num_clips} clips and continues {list(wanted)}",
            "Give the state of the same run, or start anew",
        )


@torch.no_grad()
def generate_clips(
    transformer: S2VTransformer,
    vae: Autoencoder,
    request: Request,
    plan: RunPlan,
    inputs: EncodedInputs,
    state: ClipState,
    division: Division,
    on_stage: OnStage,
    on_step: OnClipStep,
) -> Iterator[Frames | ClipEnd]:
    """Make the clips from `state` on, yielding frames as they are decoded and the state after each clip.

    Exactly `plan.num_frames` frames come out of a whole run. Raises GenerationError as `denoise` does.
    """
    remaining = plan.num_frames - plan.frames_before(state.next_clip)
    for clip in range(state.next_clip, plan.num_clips):
        motion_BCMHW = inputs.opening_BCMHW
        if clip > 0:
            with on_stage("encode motion"):
                motion_BCMHW = encode_video(vae, state.past_BCVHW, division.strips)
        with on_stage("denoise"):
            latents = _denoise_clip(transformer, request, plan, inputs, motion_BCMHW, clip, division, on_step)

        past = inputs.reference_BC1HW if motion_BCMHW is None else motion_BCMHW
        decoded = decode_video(vae, torch.cat((past, latents.to(past)), dim=2), division.strips)
        dropped = video_frame_count(past.shape[2]) + (plan.lead_frames if clip == 0 else 0)
        is_last = clip == plan.num_clips - 1
        newest = [state.past_BCVHW]
        for video_BCVHW in _without_first(_staged(decoded, on_stage), dropped):
            kept = video_BCVHW[:, :, :remaining]
            remaining -= kept.shape[2]
            yield Frames(clip, kept)
            if not is_last:
                newest = _newest([*newest, video_BCVHW], plan.motion_frames)
            elif remaining == 0:
                break
        if is_last:
            yield ClipEnd(clip, latents, None)
        else:
            state = ClipState(clip + 1, _joined(newest, plan.motion_frames))
            yield ClipEnd(clip, latents, state)


def _newest(chunks: Sequence[torch.Tensor], frames: int) -> list[torch.Tensor]:
    """The chunks without those at the beginning that are older than the newest `frames` frames."""
    counts = [chunk.shape[2] for chunk in chunks]
    return [chunk for index, chunk in enumerate(chunks) if sum(counts[index + 1 :]) < frames]


def _joined(chunks: Sequence[torch.Tensor], frames: int) -> torch.Tensor:
    """The newest frames of the chunks, on the CPU: the autoencoder takes a few of them at a time."""
    return torch.cat([chunk.cpu() for chunk in chunks], dim=2)[:, :, -frames:]


def _denoise_clip(
    transformer: S2VTransformer,
    request: Request,
    plan: RunPlan,
    inputs: EncodedInputs,
    motion_BCMHW: torch.Tensor | None,
    clip: int,
    division: Division,
    on_step: OnClipStep,
) -> torch.Tensor:
    device, dtype = inputs.reference_BC1HW.device, transformer.dtype
    begin = clip * plan.infer_frames
    conditioned = Conditioning(
        text_BTC=inputs.text_BTC,
        audio_BJCV=inputs.audio_BJCV[..., begin : begin + plan.infer_frames].to(device),
        reference_BC1HW=inputs.reference_BC1HW,
        pose_BCFHW=inputs.pose_clips[clip % len(inputs.pose_clips)].to(device),
        motion_BCMHW=motion_BCMHW,
        motion_frames=plan.motion_frames,
    )
    channels = inputs.reference_BC1HW.shape[1]
    shape = (channels, plan.latent_frames, plan.height // SPATIAL_STRIDE, plan.width // SPATIAL_STRIDE)
    noise = draw_noise(shape, plan.clip_seeds[clip], device, dtype, request.compat).unsqueeze(0)
    asked: list[Pass] = [plan.passes[step] for step in plan.taken]
    negative_text_BTC, scale = inputs.negative_text_BTC, request.guide_scale
    velocity = guided_velocity(transformer, conditioned, negative_text_BTC, scale, asked, division.branches)
    solver = make_solver(request.solver, request.steps, plan.taken, plan.shift, device)
    return denoise(noise, velocity, solver, lambda done, steps: on_step(clip, done, steps))


def _staged(chunks: Iterator[torch.Tensor], on_stage: OnStage) -> Iterator[torch.Tensor]:
    """The chunks, the making of each a piece of a stage; what is done with them between is not."""
    while True:
        with on_stage("decode"):
            chunk = next(chunks, None)
        if chunk is None:
            return
        yield chunk


def _without_first(chunks: Iterator[torch.Tensor], dropped: int) -> Iterator[torch.Tensor]:
    for chunk in chunks:
        kept = chunk[:, :, dropped:]
        dropped = max(0, dropped - chunk.shape[2])
        if kept.shape[2]:
            yield kept

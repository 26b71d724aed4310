"""One generation, from a request to frames."""

from collections.abc import Iterator

import numpy as np
import torch

from s2v_runner.autoencoder import encode_video
from s2v_runner.conditioning.audio import encode_speech
from s2v_runner.conditioning.text import MODEL_NEGATIVE_PROMPT, encode_prompt
from s2v_runner.conditioning.visual import encode_pose, picture_to_video
from s2v_runner.engine import Engine
from s2v_runner.inputs.audio import read_sound
from s2v_runner.inputs.picture import fit_picture, read_picture
from s2v_runner.inputs.pose import read_pose
from s2v_runner.plan import plan_run
from s2v_runner.records import Picture, Request, RunPlan, Sound
from s2v_runner.sampling.clips import (
    ClipEnd,
    ClipState,
    EncodedInputs,
    Frames,
    OnClipStep,
    check_state,
    generate_clips,
    starting_state,
)


def generate(
    request: Request, engine: Engine, on_step: OnClipStep, resume: ClipState | None
) -> Iterator[Frames | ClipEnd]:
    """Make the video that `request` describes; yields its frames as they come, and the state after each clip.

    `resume` takes a run up again where a state left it. Raises InputError for what the user can mend, before
    anything is loaded where that can be known; GenerationError when the latents stop being finite.
    """
    picture = read_picture(request.image, request.compat)
    sound = read_sound(request.audio)
    plan = plan_run(request, picture.size, len(sound.samples), sound.rate)
    poses = None
    if request.pose_video is not None:
        poses = read_pose(request.pose_video, plan.made_frames, plan.lead_silence, request.sample_fps, request.compat)
    if resume is not None:
        check_state(resume, plan)
    engine.check()
    inputs = encode_inputs(request, plan, picture, sound, poses, engine)
    state = resume or starting_state(plan, inputs.reference_BCVHW, request.start_from_ref)
    yield from generate_clips(engine.transformer, engine.vae, request, plan, inputs, state, on_step)


@torch.no_grad()
def encode_inputs(
    request: Request,
    plan: RunPlan,
    picture: Picture,
    sound: Sound,
    poses: Iterator[np.ndarray] | None,
    engine: Engine,
) -> EncodedInputs:
    """Encode text, speech, picture and pose."""
    reference_BCVHW = picture_to_video(fit_picture(picture, plan.height, plan.width, request.compat))
    reference_BCVHW = reference_BCVHW.to(engine.settings.device)
    reference_BC1HW = encode_video(engine.vae, reference_BCVHW)
    audio_BJCV = encode_speech(engine.audio_encoder, engine.extractor, sound, plan, request.sample_fps, request.compat)
    return EncodedInputs(
        text_BTC=encode_prompt(engine.text_encoder, engine.tokenizer, request.prompt),
        negative_text_BTC=encode_prompt(engine.text_encoder, engine.tokenizer, negative_prompt(request)),
        audio_BJCV=audio_BJCV,
        reference_BCVHW=reference_BCVHW,
        reference_BC1HW=reference_BC1HW,
        pose_clips=_no_pose(plan, reference_BC1HW)
        if poses is None
        else encode_pose(engine.vae, poses, plan, request.compat),
    )


def negative_prompt(request: Request) -> str:
    """The negative prompt that is meant: None is the model's own, and so is an empty one to the original."""
    means_default = request.compat.empty_negative_prompt == "default"
    if request.negative_prompt is None or (means_default and not request.negative_prompt):
        return MODEL_NEGATIVE_PROMPT
    return request.negative_prompt


def _no_pose(plan: RunPlan, reference_BC1HW: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Zeros, which is what the model was trained to see where no pose is given; the same for every clip."""
    return (torch.zeros_like(reference_BC1HW).expand(-1, -1, plan.latent_frames, -1, -1),)

"""One generation, from a request to frames."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Watch:
    """Who is told how a generation goes on."""

    stage: Callable[[str], AbstractContextManager[object]]
    """Entered around each stage, by name; a stage may come in several pieces."""
    step: OnClipStep


UNWATCHED = Watch(lambda _: nullcontext(), lambda *_: None)


def generate(request: Request, engine: Engine, watch: Watch, resume: ClipState | None) -> Iterator[Frames | ClipEnd]:
    """Make the video that `request` describes; yields its frames as they come, and the state after each clip.

    `resume` takes a run up again where a state left it. Raises InputError for what the user can mend, before
    anything is loaded where that can be known; GenerationError when the latents stop being finite.
    """
    with watch.stage("read inputs"):
        picture = read_picture(request.image, request.compat)
        sound = read_sound(request.audio)
        plan = plan_run(request, picture.size, len(sound.samples), sound.rate)
        poses = None
        if request.pose_video is not None:
            poses = read_pose(
                request.pose_video, plan.made_frames, plan.lead_silence, request.sample_fps, request.compat
            )
        if resume is not None:
            check_state(resume, plan)
    with watch.stage("check weights"):
        engine.check()
    inputs = encode_inputs(request, plan, picture, sound, poses, engine, watch)
    state = _taken_up(resume, engine) or starting_state(plan, inputs.reference_BCVHW, request.start_from_ref)
    with watch.stage("load transformer"):
        transformer = engine.transformer
    yield from generate_clips(transformer, engine.vae, request, plan, inputs, state, watch.stage, watch.step)


@torch.no_grad()
def encode_inputs(
    request: Request,
    plan: RunPlan,
    picture: Picture,
    sound: Sound,
    poses: Iterator[np.ndarray] | None,
    engine: Engine,
    watch: Watch,
) -> EncodedInputs:
    """Encode text, speech, picture and pose, each with the part that does it loaded when its turn comes."""
    device = engine.settings.device
    with watch.stage("load text encoder"), engine.text_encoder_at_work() as encoder, watch.stage("encode text"):
        texts = (request.prompt, negative_prompt(request))
        text_BTC, negative_text_BTC = (encode_prompt(encoder, engine.tokenizer, text).to(device) for text in texts)
    with watch.stage("load speech encoder"), engine.audio_encoder_at_work() as encoder, watch.stage("encode speech"):
        audio_BJCV = encode_speech(encoder, engine.extractor, sound, plan, request.sample_fps, request.compat)
    with watch.stage("load autoencoder"):
        vae = engine.vae
    with watch.stage("encode picture"):
        pixels = fit_picture(picture, plan.height, plan.width, request.compat)
        reference_BCVHW = picture_to_video(pixels).to(device)
        reference_BC1HW = encode_video(vae, reference_BCVHW)
    with watch.stage("encode pose"):
        pose_clips = _no_pose(plan, reference_BC1HW) if poses is None else encode_pose(vae, poses, plan, request.compat)
    return EncodedInputs(text_BTC, negative_text_BTC, audio_BJCV, reference_BCVHW, reference_BC1HW, pose_clips)


def _taken_up(state: ClipState | None, engine: Engine) -> ClipState | None:
    return None if state is None else ClipState(state.next_clip, state.past_BCVHW.to(engine.settings.device))


def negative_prompt(request: Request) -> str:
    """The negative prompt that is meant: None is the model's own, and so is an empty one to the original."""
    means_default = request.compat.empty_negative_prompt == "default"
    if request.negative_prompt is None or (means_default and not request.negative_prompt):
        return MODEL_NEGATIVE_PROMPT
    return request.negative_prompt


def _no_pose(plan: RunPlan, reference_BC1HW: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Zeros, which is what the model was trained to see where no pose is given; the same for every clip."""
    return (torch.zeros_like(reference_BC1HW).expand(-1, -1, plan.latent_frames, -1, -1),)

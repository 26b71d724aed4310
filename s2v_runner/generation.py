"""One generation, from a request to frames."""

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from transformers import UMT5EncoderModel

from s2v_runner.autoencoder import WHOLE_FRAMES, Autoencoder, encode_video
from s2v_runner.conditioning.audio import describe_speech, encode_speech
from s2v_runner.conditioning.cache import Asked, Cache, Tensors, at_rest
from s2v_runner.conditioning.text import MODEL_NEGATIVE_PROMPT, describe_prompt, encode_prompt
from s2v_runner.conditioning.visual import (
    describe_opening,
    describe_picture,
    describe_pose,
    encode_pose,
    opening_video,
    picture_to_video,
)
from s2v_runner.digests import digest_file
from s2v_runner.engine import Engine
from s2v_runner.errors import InputError
from s2v_runner.following import make_clips, share_text
from s2v_runner.inputs.audio import read_sound
from s2v_runner.inputs.picture import fit_picture, read_picture
from s2v_runner.inputs.pose import read_pose
from s2v_runner.inputs.probe import probe_sound
from s2v_runner.plan import SPEECH_RATE, heard_seconds, plan_run
from s2v_runner.records import Picture, Request, RunPlan, Sound
from s2v_runner.sampling.clips import (
    ClipEnd,
    ClipState,
    EncodedInputs,
    Frames,
    OnClipStep,
    check_state,
)


@dataclass(frozen=True)
class Watch:
    """Who is told how a generation goes on."""

    stage: Callable[[str], AbstractContextManager[object]]
    """Entered around each stage, by name; a stage may come in several pieces."""
    step: OnClipStep


UNWATCHED = Watch(lambda _: nullcontext(), lambda *_: None)


def generate(
    request: Request, engine: Engine, watch: Watch, resume: ClipState | None, cache: Cache
) -> Iterator[Frames | ClipEnd]:
    """Make the video that `request` describes; yields its frames as they come, and the state after each clip.

    `resume` takes a run up again where a state left it. What `cache` has is not encoded again.
    Raises InputError for what the user can mend, before anything is loaded where that can be known; GenerationError
    when the latents stop being finite.
    """
    with watch.stage("read inputs"):
        picture = read_picture(request.image, request.compat)
        plan = plan_run(request, picture.size, probe_sound(request.audio).speech_samples, SPEECH_RATE)
        sound = read_sound(request.audio, heard_seconds(request, plan))
        poses = None
        if request.pose_video is not None:
            poses = read_pose(
                request.pose_video, plan.made_frames, plan.lead_silence, request.sample_fps, request.compat
            )
        if resume is not None:
            check_state(resume, plan)
    with watch.stage("check weights"):
        engine.check()
    inputs = encode_inputs(request, plan, picture, sound, poses, engine, watch, cache)
    state = resume or ClipState(0, inputs.opening_BCVHW)
    yield from make_clips(request, plan, inputs, state, engine, watch.stage, watch.step)


@torch.no_grad()
def encode_inputs(
    request: Request,
    plan: RunPlan,
    picture: Picture,
    sound: Sound,
    poses: Iterator[np.ndarray] | None,
    engine: Engine,
    watch: Watch,
    cache: Cache,
) -> EncodedInputs:
    """Encode text, speech, picture and pose, each with the part that does it loaded when its turn comes.

    What the cache has is not encoded again, and what nothing is encoded with is not loaded.
    """
    device = engine.settings.device
    encoding = _Encoding(request, plan, engine, watch, cache)
    text_BTC, negative_text_BTC = (rows_BTC.to(device) for rows_BTC in encoding.texts())
    audio_BJCV = encoding.speech(sound)
    with watch.stage("load autoencoder"):
        vae = engine.vae
    with watch.stage("read inputs"):
        pixels = fit_picture(picture, plan.height, plan.width, request.compat)
        reference_BCVHW = picture_to_video(pixels)
        opening_BCVHW = opening_video(plan, reference_BCVHW, request.start_from_ref)
    reference_BC1HW = encoding.picture(vae, pixels, reference_BCVHW).to(device)
    opening_BCMHW = encoding.opening(vae, pixels, opening_BCVHW).to(device) if request.start_from_ref else None
    pose_clips = _no_pose(plan, reference_BC1HW) if poses is None else encoding.pose(vae, poses)
    return EncodedInputs(
        text_BTC=text_BTC,
        negative_text_BTC=negative_text_BTC,
        audio_BJCV=audio_BJCV,
        reference_BC1HW=reference_BC1HW,
        opening_BCVHW=opening_BCVHW,
        opening_BCMHW=opening_BCMHW,
        pose_clips=pose_clips,
    )


@dataclass(frozen=True)
class _Encoding:
    """The encoding of one run's inputs, each looked for in the cache first. What comes out is on the CPU."""

    request: Request
    plan: RunPlan
    engine: Engine
    watch: Watch
    cache: Cache

    def texts(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows of the prompt and of the negative one."""
        stage, engine = self.watch.stage, self.engine
        with ExitStack() as at_work:

            @functools.cache
            def encoder() -> UMT5EncoderModel:
                # Left at the end: the same loaded encoder is there for the other prompt.
                at_work.enter_context(stage("load text encoder"))
                return at_work.enter_context(engine.text_encoder_at_work())

            def encode(text: str) -> Tensors:
                share_text(text, engine)
                at_hand = encoder()
                with stage("encode text"):
                    return {"rows": encode_prompt(at_hand, engine.tokenizer, text, engine.settings.text_device)}

            prompt, negative = self.request.prompt, negative_prompt(self.request)
            rows = {
                text: self._through_cache("text", partial(describe_prompt, text), partial(encode, text))["rows"]
                for text in dict.fromkeys((prompt, negative))
            }
        return rows[prompt], rows[negative]

    def speech(self, sound: Sound) -> torch.Tensor:
        stage, engine = self.watch.stage, self.engine
        heard = (sound, self.plan, self.request.sample_fps, self.request.compat)

        def encode() -> Tensors:
            with stage("load speech encoder"), engine.audio_encoder_at_work() as encoder, stage("encode speech"):
                return {"features": encode_speech(encoder, engine.extractor, *heard)}

        return self._through_cache("speech", lambda: describe_speech(*heard), encode)["features"]

    def picture(self, vae: Autoencoder, pixels: np.ndarray, video_BCVHW: torch.Tensor) -> torch.Tensor:
        """Latents of the pixels, which `video_BCVHW` holds too."""

        def encode() -> Tensors:
            with self.watch.stage("encode picture"):
                return {"latents": encode_video(vae, video_BCVHW, WHOLE_FRAMES)}

        return self._through_cache("picture", lambda: describe_picture(pixels), encode)["latents"]

    def opening(self, vae: Autoencoder, pixels: np.ndarray, video_BCVHW: torch.Tensor) -> torch.Tensor:
        """Latents of the frames before the first, which end with the pixels."""

        def encode() -> Tensors:
            with self.watch.stage("encode opening"):
                return {"latents": encode_video(vae, video_BCVHW, WHOLE_FRAMES)}

        return self._through_cache("opening", lambda: describe_opening(pixels, self.plan), encode)["latents"]

    def pose(self, vae: Autoencoder, poses: Iterator[np.ndarray]) -> tuple[torch.Tensor, ...]:
        request, plan = self.request, self.plan

        def describe() -> Asked:
            return describe_pose(_digest_pose(request), plan, request.sample_fps, request.compat)

        def encode() -> Tensors:
            with self.watch.stage("encode pose"):
                clips = encode_pose(vae, poses, plan, request.compat)
            return {str(clip): latents for clip, latents in enumerate(clips)}

        found = self._through_cache("pose", describe, encode)
        return tuple(found[str(clip)] for clip in range(plan.num_clips))

    def _through_cache(self, name: str, describe: Callable[[], Asked], encode: Callable[[], Tensors]) -> Tensors:
        with self.watch.stage("read conditioning"):
            asked = describe()
            found = self.cache.read(name, asked)
        if found is not None:
            return found
        made = at_rest(encode())
        with self.watch.stage("keep conditioning"):
            self.cache.keep(name, asked, made)
        return made


def _digest_pose(request: Request) -> str:
    assert request.pose_video is not None
    try:
        return digest_file(request.pose_video)
    except OSError as error:
        raise InputError(
            f"pose.path '{request.pose_video}'", f"it cannot be read ({error})", "Give a video you may read"
        ) from error


def negative_prompt(request: Request) -> str:
    """The negative prompt that is meant: None is the model's own, and so is an empty one to the original."""
    means_default = request.compat.empty_negative_prompt == "default"
    if request.negative_prompt is None or (means_default and not request.negative_prompt):
        return MODEL_NEGATIVE_PROMPT
    return request.negative_prompt


def _no_pose(plan: RunPlan, reference_BC1HW: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Zeros, which is what the model was trained to see where no pose is given; the same for every clip."""
    return (torch.zeros_like(reference_BC1HW).expand(-1, -1, plan.latent_frames, -1, -1),)

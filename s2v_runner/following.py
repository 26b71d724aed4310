"""What the processes of one video do together.

The first process alone has the files of a run: it reads the inputs, encodes them, and takes the frames. What the others
need of that it tells them, and from there on all of them go through the same clips, in which they meet.
"""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace

import torch

from s2v_runner.conditioning.text import encode_prompt
from s2v_runner.engine import Engine, EngineSettings
from s2v_runner.errors import GenerationError
from s2v_runner.records import Request, RunPlan
from s2v_runner.sampling.clips import (
    ClipEnd,
    ClipState,
    EncodedInputs,
    Frames,
    OnClipStep,
    OnStage,
    generate_clips,
)

_AT_REST = torch.device("cpu")


@dataclass(frozen=True)
class MakeClips:
    """Make the clips from `state` on, with the model of these settings. Tensors are on the CPU."""

    settings: EngineSettings
    request: Request
    plan: RunPlan
    inputs: EncodedInputs
    state: ClipState


@dataclass(frozen=True)
class EncodeText:
    """Take part in encoding this text, with the text encoder whose weights are shared out."""

    settings: EngineSettings
    text: str


@dataclass(frozen=True)
class Leave:
    """There is nothing more to do."""


def make_clips(
    request: Request,
    plan: RunPlan,
    inputs: EncodedInputs,
    state: ClipState,
    engine: Engine,
    on_stage: OnStage,
    on_step: OnClipStep,
) -> Iterator[Frames | ClipEnd]:
    """Have the clips made by all processes, this one the first of them. Raises as `generate_clips` does."""
    asked = MakeClips(engine.settings, request, plan, inputs.on(_AT_REST), state)
    engine.division.tell(asked)
    try:
        with engine.division.at_work():
            with on_stage("load transformer"):
                assert isinstance(engine.transformer, torch.nn.Module)
            yield from _go_through(asked, engine, on_stage, on_step)
    except GenerationError:
        # Latents that are not finite are so in all processes.
        raise
    except BaseException:
        engine.division.break_off()
        raise


def share_text(text: str, engine: Engine) -> None:
    """Let the others take part in encoding a text, if its encoder's weights are shared out."""
    if engine.settings.t5_fsdp:
        engine.division.tell(EncodeText(engine.settings, text))


@torch.no_grad()
def encode_text(text: str, engine: Engine) -> torch.Tensor:
    """Rows [B, T, C]."""
    with engine.text_encoder_at_work() as encoder:
        return encode_prompt(encoder, engine.tokenizer, text, engine.settings.text_device)


def follow(hear: Callable[[], object], engine_for: Callable[[EngineSettings], Engine]) -> None:
    """Do what the first process tells, until it says to leave.

    A GenerationError is met by all processes at the same step; the first one deals with it.
    """
    while not isinstance(told := hear(), Leave):
        assert isinstance(told, MakeClips | EncodeText), told
        engine = engine_for(told.settings)
        with engine.division.at_work():
            if isinstance(told, EncodeText):
                encode_text(told.text, engine)
                continue
            try:
                for _ in _go_through(told, engine, lambda _: nullcontext(), lambda *_: None):
                    pass
            except GenerationError:
                continue


def on_device(settings: EngineSettings, device: torch.device) -> EngineSettings:
    """The first process's settings for a process with another device."""
    text_device = device if settings.text_device == settings.device else settings.text_device
    return replace(settings, device=device, text_device=text_device)


def _go_through(told: MakeClips, engine: Engine, on_stage: OnStage, on_step: OnClipStep) -> Iterator[Frames | ClipEnd]:
    division, inputs = engine.division, told.inputs.on(engine.settings.device)

    def step(clip: int, done: int, steps: int) -> None:
        division.advance()
        on_step(clip, done, steps)

    for part in generate_clips(
        engine.transformer, engine.vae, told.request, told.plan, inputs, told.state, division, on_stage, step
    ):
        division.advance()
        yield part

"""The S2V transformer, trained by flow matching on encoded takes.

Latents x and noise ε are mixed as (1 − σ)·x + σ·ε, and the transformer learns the velocity ε − x at t = 1000·σ (Lipman
et al., 2023; Liu et al., 2023). What it is conditioned on comes as in the pipeline: the text's rows, the speech's
features, the reference, the pose, and the frames before the clip, or none.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from demo.training.footage import PAST_FRAMES, PAST_LATENTS, Footage
from demo.training.optimizers import Optimizers
from demo.training.pace import Average, Beat, LossLog, Span, beats, learning_rate
from demo.training.speeches import Speeches
from s2v_runner.transformer import Conditioning, S2VTransformer, TransformerConfig, plain_backend
from s2v_runner.transformer.motion import PACKED_FRAMES

assert PAST_LATENTS == PACKED_FRAMES

_POSE_SHOWN = 0.7
"""How often a clip that has a pose is learned with it."""


@dataclass(frozen=True)
class TransformerSettings:
    peak_rate: float
    warm_up_steps: int
    average_decay: float
    batch_size: int
    """Of clips of 80 frames; there are more of shorter ones, as many as have the same number of tokens."""
    late_batch_size: int
    """From `late_from` on: as the steps get smaller, noise in them is what is left to save on."""
    late_from: float
    """A share of the training."""
    short_latents: int
    """Latent frames of the shorter clips."""
    short_until: float
    """Share of the training that sees shorter clips alone, before it sees both."""
    short_later: float
    """How often shorter clips come after that."""
    dropped: float
    """How often text and speech are taken away together, for guidance."""
    feature_weight: float
    """How much more a latent value counts at the mouth and the eyes. No optimum changes: every value has its own."""
    shift: float
    """How far the noise levels are moved towards noise, as the sampler's schedule is."""
    motion_noise: float
    """Deviation, at most, of noise on the latents of the past: at use they are the model's own, and not perfect."""


@dataclass(frozen=True)
class Library:
    """All that batches are drawn from, on the training's device."""

    opening: Footage
    continuing: Footage
    speeches: Speeches
    prompts_PTC: torch.Tensor
    """Rows of every prompt, zeros after its tokens."""
    unconditional_PTC: torch.Tensor
    """Rows of the prompts that stand for no prompt."""


def build_transformer(config: TransformerConfig, seed: int) -> S2VTransformer:
    """A transformer ready to be trained: it begins as one that changes nothing and answers zero.

    Norms have weight 1; what adds to the residual stream begins at zero (the gates, the outputs of attention without a
    gate, the head), as in DiT (Peebles and Xie, 2023).
    """
    transformer = S2VTransformer(config, plain_backend("sdpa"))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in transformer.named_parameters():
            _initialise(name, parameter, generator)
    return transformer


def _initialise(name: str, parameter: nn.Parameter, generator: torch.Generator) -> None:
    ends_ungated = ("text_attention.output.weight", "audio_injection.output.weight")
    starts_at_zero = ("head.project.weight", "time_embedding.project.weight", "audio_injection.modulation.weight")
    if name.endswith("norm.weight") or name.endswith("layer_weights"):
        parameter.fill_(1.0)
    elif name.endswith(("bias", "modulation", *ends_ungated, *starts_at_zero)):
        parameter.zero_()
    elif name.endswith("padding_token") or name.startswith("kind_embedding"):
        parameter.normal_(std=0.02, generator=generator)
    else:
        fan_in = parameter[0].numel()
        parameter.normal_(std=1.0 / math.sqrt(fan_in), generator=generator)


def _is_matrix_within(name: str, parameter: nn.Parameter) -> bool:
    return name.startswith("blocks.") and name.endswith("weight") and parameter.dim() == 2


@dataclass(frozen=True)
class Example:
    """One batch, and what is to be learned from it."""

    latents_BCFHW: torch.Tensor
    conditioning: Conditioning
    weight_BFHW: torch.Tensor


def draw_example(library: Library, settings: TransformerSettings, share: float, generator: torch.Generator) -> Example:
    """A batch for that share of the training. Choices are drawn on the CPU, values on the device."""

    def chance() -> float:
        return float(torch.rand((), generator=generator))

    footage = library.opening if chance() < 0.5 else library.continuing
    whole = footage.clip_NCFHW.shape[2]
    short = share < settings.short_until or chance() < settings.short_later
    frames = settings.short_latents if short else whole
    batch_size = settings.batch_size if share < settings.late_from else settings.late_batch_size
    count = batch_size * whole // frames
    device = footage.clip_NCFHW.device
    rows = torch.randint(len(footage), (count,), generator=generator).to(device)
    return Example(
        latents_BCFHW=footage.clip_NCFHW[rows, :, :frames].float(),
        conditioning=_draw_conditioning(library, footage, rows, frames, settings),
        weight_BFHW=1.0 + (settings.feature_weight - 1.0) * footage.weight_NFHW[rows, :frames],
    )


def _draw_conditioning(
    library: Library, footage: Footage, rows: torch.Tensor, frames: int, settings: TransformerSettings
) -> Conditioning:
    device = rows.device
    count = len(rows)
    features_UJCV = library.speeches.features_UJCV
    heard = footage.begin_N[rows][:, None] + torch.arange(4 * frames, device=device)
    audio_BJCV = features_UJCV[footage.utterance_N[rows][:, None], :, :, heard].permute(0, 2, 3, 1).float()
    text_BTC = library.prompts_PTC[footage.prompt_N[rows]]

    dropped_B = torch.rand(count, device=device) < settings.dropped
    audio_BJCV = audio_BJCV * ~dropped_B[:, None, None, None]
    nothing = torch.randint(len(library.unconditional_PTC), (count,), device=device)
    text_BTC = torch.where(dropped_B[:, None, None], library.unconditional_PTC[nothing], text_BTC)

    motion_BCMHW = None
    if footage.motion_NCMHW is not None:
        motion_BCMHW = footage.motion_NCMHW[rows].float()
        deviation = settings.motion_noise * torch.rand(count, 1, 1, 1, 1, device=device)
        motion_BCMHW = motion_BCMHW + deviation * torch.randn_like(motion_BCMHW)
    return Conditioning(
        text_BTC=text_BTC.float(),
        audio_BJCV=audio_BJCV,
        reference_BC1HW=footage.reference_NC1HW[rows].float(),
        pose_BCFHW=_poses(footage, rows, frames),
        motion_BCMHW=motion_BCMHW,
        motion_frames=PAST_FRAMES,
    )


def _poses(footage: Footage, rows: torch.Tensor, frames: int) -> torch.Tensor:
    """The poses of those that have one, zeros for the others; sometimes for those too."""
    poses_NCFHW = footage.pose_NCFHW
    if not len(poses_NCFHW):
        return torch.zeros_like(footage.clip_NCFHW[rows, :, :frames], dtype=torch.float32)
    given = (rows < len(poses_NCFHW)) & (torch.rand(len(rows), device=rows.device) < _POSE_SHOWN)
    found = poses_NCFHW[rows.clamp(max=len(poses_NCFHW) - 1), :, :frames].float()
    return found * given[:, None, None, None, None]


def flow_loss(transformer: S2VTransformer, example: Example, settings: TransformerSettings) -> torch.Tensor:
    """The squared error of the velocity, a clip: [B]."""
    latents = example.latents_BCFHW
    uniform_B = torch.rand(len(latents), device=latents.device)
    sigma_B = settings.shift * uniform_B / (1 + (settings.shift - 1) * uniform_B)
    sigma = sigma_B[:, None, None, None, None]
    noise = torch.randn_like(latents)
    noisy = (1 - sigma) * latents + sigma * noise
    device = latents.device.type
    with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
        prepared = transformer.prepare(example.conditioning)
        velocity = transformer(noisy, 1000 * sigma_B, prepared)
    error_BFHW = (velocity.float() - (noise - latents)).square().mean(dim=1)
    weight = example.weight_BFHW
    return (error_BFHW * weight).flatten(1).mean(1) / weight.mean()


class Training:
    """A training that can be left and taken up again, with everything it needs for that."""

    def __init__(self, transformer: S2VTransformer, settings: TransformerSettings, seed: int) -> None:
        self.transformer = transformer
        self.settings = settings
        self.average = Average(transformer, settings.average_decay)
        self.optimizers = Optimizers(transformer, _is_matrix_within, betas=(0.9, 0.98), weight_decay=0.01)
        self.generator = torch.Generator().manual_seed(seed)
        self.seed = seed
        self.steps = 0

    def go_on(self, library: Library, span: Span, done: float, until: float, log: Path) -> None:
        """Train for a span, from the share `done` of the whole training to the share `until`."""
        losses = LossLog(log, every=100)
        for beat in beats(span):
            # Noise and levels come from the device's own generator, and are the same wherever the training was left.
            torch.manual_seed(self.seed + self.steps)
            overall = Beat(self.steps, beat.elapsed, done + (until - done) * beat.share)
            example = draw_example(library, self.settings, overall.share, self.generator)
            loss = flow_loss(self.transformer, example, self.settings).mean()
            rate = learning_rate(self.settings.peak_rate, overall, self.settings.warm_up_steps)
            norm = self.optimizers.step(loss, rate)
            self.average.update()
            losses.write(overall, loss=loss, gradient=norm)
            self.steps += 1

    def state(self, share: float) -> dict[str, Any]:
        """Everything that `take_up` needs, at that share of the training."""
        return {
            "share": share,
            "steps": self.steps,
            "transformer": self.transformer.state_dict(),
            "average": self.average.values,
            "optimizers": self.optimizers.state(),
            "generator": self.generator.get_state(),
        }

    def take_up(self, state: Mapping[str, Any]) -> float:
        """Go on from there; the share of the training that is over."""
        self.transformer.load_state_dict(state["transformer"])
        self.average.take_up(state["average"], state["steps"])
        self.optimizers.take_up(state["optimizers"])
        self.generator.set_state(state["generator"])
        self.steps = state["steps"]
        return state["share"]

"""What a run will cost in memory and arithmetic, before anything is loaded.

The arithmetic is counted: matrix products and attention, two operations a multiply-add. The memory beside the weights
is proportional to tokens and width, and in the autoencoder to pixels; the factors are measured (docs/performance.md).
"""

import math
from dataclasses import dataclass
from typing import Literal

from s2v_runner.checkpoint.sizes import ModelSizes
from s2v_runner.parallel.topology import Topology
from s2v_runner.plan import SIZE_MULTIPLE
from s2v_runner.records import RunPlan

Memory = Literal["resident", "offload", "stream", "tiny"]
"""Where parts are while they have nothing to do."""
MEMORY_MODES: tuple[Memory, ...] = ("resident", "offload", "stream", "tiny")
"""Each takes less of the device than the one before."""

_PATCH_SIDE = 16
"""Pixels to a token's side."""
_REFERENCE_FRAMES = 1
_BFLOAT16_BYTES = 2
_HALVES = {"transformer", "text_encoder"}
"""The parts whose matrices take the model's dtype; the published files hold them in bfloat16."""
_ENCODERS = ("text_encoder", "audio_encoder")
"""The parts that are done before the first step, and leave the device where it is short of memory."""
_SLOTS = 2
"""Blocks on the device when they are streamed."""
_TEXT_LAYER_SHARE = 0.2
"""Of the text encoder, the largest layer, its embedding: of the released one 2.1 of 11.4 GB."""
# Bytes a token and channel in a pass at 59,136 tokens of width 5120 in bfloat16.
_FUSED_STEP_BYTES = 18
_PLAIN_STEP_BYTES = 33
# Bytes a pixel in the decoding of one latent frame at 1024×704, by the bytes of what is multiplied; they grow with the
# autoencoder's width, and its weights with the square of that.
_DECODE_BYTES = {2: 10_000, 4: 22_500}
_DECODER_WEIGHTS = 507_600_000


@dataclass(frozen=True, kw_only=True)
class Form:
    """How a model is computed, as far as memory depends on it."""

    dtype_bytes: int
    """Of a number in the transformer's and the text encoder's matrices."""
    matrix_bytes: int
    """Of a number in the matrices that every step multiplies."""
    is_fused: bool
    """Whether kernels write in place and keep no copies between them."""
    autoencoder_bytes: int
    """Of a number that the autoencoder's convolutions multiply."""
    is_text_on_device: bool
    """Whether texts are encoded where the rest is computed."""


PLAIN_BFLOAT16 = Form(dtype_bytes=2, matrix_bytes=2, is_fused=False, autoencoder_bytes=4, is_text_on_device=True)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    weight_bytes: dict[str, int]
    """Of each part as it is loaded."""
    is_text_on_device: bool
    """Whether the text encoder is among the parts that come to the device."""
    block_bytes: tuple[int, ...]
    """Of each of the transformer's blocks."""
    step_bytes: int
    """Beside the weights, in the passes of the transformer."""
    decode_bytes: int
    """Beside the weights, in the autoencoder."""
    operations: float
    """Floating-point operations of the transformer over the whole run."""

    @property
    def working_bytes(self) -> int:
        """Beside the weights, at the peak."""
        return max(self.step_bytes, self.decode_bytes)

    def peak_bytes(self, memory: Memory) -> int:
        """Of the device, at the peak of the whole generation."""
        coming = {
            name: size for name, size in self.weight_bytes.items() if self.is_text_on_device or name != "text_encoder"
        }
        if memory == "resident":
            return sum(coming.values()) + self.working_bytes
        staying = sum(size for name, size in coming.items() if name not in _ENCODERS)
        if memory in ("stream", "tiny"):
            staying -= sum(self.block_bytes) - _SLOTS * max(self.block_bytes)
        # In a process that goes on, what stays is there when the next run's texts are encoded.
        text, audio = (coming.get(name, 0) for name in _ENCODERS)
        if memory == "tiny":
            text = round(text * _TEXT_LAYER_SHARE)
        return staying + max(self.working_bytes, text, audio)


def count_tokens(plan: RunPlan, clip: int, opens_from_nothing: bool) -> int:
    """Tokens of one pass in a clip: noisy, reference, and, unless the clip has no past, motion."""
    rows, columns = plan.height // _PATCH_SIDE, plan.width // _PATCH_SIDE
    tokens = (plan.latent_frames + _REFERENCE_FRAMES) * rows * columns
    if clip == 0 and opens_from_nothing:
        return tokens
    # One past latent at full density, the two before it at half, the sixteen before those, four in one, at a quarter.
    return tokens + rows * columns + (rows // 2) * (columns // 2) + 4 * (rows // 4) * (columns // 4)


def estimate(
    plan: RunPlan,
    sizes: ModelSizes,
    passes: int,
    branches: int,
    opens_from_nothing: bool,
    form: Form,
    topology: Topology,
) -> Estimate:
    """The cost of a run of `passes` passes a clip over so many branches of guidance.

    Memory is that of the first of its processes, which encodes; arithmetic that of all of them.
    """
    assert plan.height % SIZE_MULTIPLE == 0
    tokens = [count_tokens(plan, clip, opens_from_nothing) for clip in range(plan.num_clips)]
    noisy = plan.latent_frames * (plan.height // _PATCH_SIDE) * (plan.width // _PATCH_SIDE)
    weights = {
        name: size * form.dtype_bytes // _BFLOAT16_BYTES if name in _HALVES else size
        for name, size in sizes.weight_bytes.items()
    }
    saved = sum(_step_numbers(sizes)) * (form.dtype_bytes - form.matrix_bytes)
    weights["transformer"] = weights.get("transformer", saved) - saved
    width = math.sqrt(weights.get("vae", 0) / _DECODER_WEIGHTS)
    blocks = [
        multiplied * form.matrix_bytes + prepared * form.dtype_bytes
        for multiplied, prepared in zip(_step_numbers(sizes), _prepared_numbers(sizes), strict=True)
    ]
    shared = {"transformer": topology.dit_fsdp, "text_encoder": topology.t5_fsdp}
    weights |= {name: -(-size // topology.processes) for name, size in weights.items() if shared.get(name)}
    # The block that computes and the next are there as a whole.
    gathered = _SLOTS * max(blocks) if topology.dit_fsdp else 0
    keys = (
        -(-branches // topology.branches)
        * sizes.num_layers
        * 2
        * sizes.text_length
        * sizes.model_dim
        * form.dtype_bytes
    )
    factor = _FUSED_STEP_BYTES if form.is_fused else _PLAIN_STEP_BYTES
    return Estimate(
        weight_bytes=weights,
        is_text_on_device=form.is_text_on_device,
        block_bytes=tuple(blocks),
        step_bytes=-(-max(tokens) // topology.sequence) * sizes.model_dim * factor * form.dtype_bytes // _BFLOAT16_BYTES
        + keys
        + gathered,
        decode_bytes=round(
            plan.height * plan.width * _DECODE_BYTES[form.autoencoder_bytes] * width / topology.processes
        ),
        operations=float(sum(_pass_operations(count, noisy, sizes) for count in tokens)) * passes,
    )


def _step_numbers(sizes: ModelSizes) -> list[int]:
    """Numbers in the matrices that each block multiplies in every step; the blocks with speech come first."""
    dim = sizes.model_dim
    without = 6 * dim * dim + 2 * dim * sizes.feed_forward_dim
    return [without + (2 * dim * dim if index < sizes.num_injections else 0) for index in range(sizes.num_layers)]


def _prepared_numbers(sizes: ModelSizes) -> list[int]:
    """Numbers in the matrices that are multiplied once a clip: the keys and values of text and speech, its norms."""
    square = sizes.model_dim * sizes.model_dim
    return [2 * square + (4 * square if index < sizes.num_injections else 0) for index in range(sizes.num_layers)]


def _pass_operations(tokens: int, noisy: int, sizes: ModelSizes) -> int:
    dim, length = sizes.model_dim, sizes.text_length
    linear = 2 * tokens * (6 * dim * dim + 2 * dim * sizes.feed_forward_dim)
    attention = 4 * tokens * tokens * dim + 4 * tokens * length * dim
    injection = 2 * noisy * 2 * dim * dim
    return sizes.num_layers * (linear + attention) + sizes.num_injections * injection

"""What a run will cost in memory and arithmetic, before anything is loaded.

The arithmetic is counted: matrix products and attention, two operations a multiply-add. The memory beyond the weights
is proportional to tokens and width; its factor is measured (docs/performance.md).
"""

from dataclasses import dataclass

from s2v_runner.checkpoint.sizes import ModelSizes
from s2v_runner.plan import SIZE_MULTIPLE
from s2v_runner.records import RunPlan

_PATCH_SIDE = 16
"""Pixels to a token's side."""
_REFERENCE_FRAMES = 1
# Bytes a token and channel at the peak of a whole generation in bfloat16: 60.4 GiB at 63,360 tokens of width 5120,
# of which 43.3 GiB were weights.
_ACTIVATION_BYTES = 57
_BFLOAT16_BYTES = 2
_HALVES = {"transformer", "text_encoder"}
"""The parts whose matrices take the model's dtype; the published files hold them in bfloat16."""
_ENCODERS = ("text_encoder", "audio_encoder")
"""The parts that are done before the first step, and leave the device where it is short of memory."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    weight_bytes: dict[str, int]
    """Of each part as it is loaded."""
    working_bytes: int
    """Beside the weights, at the peak."""
    operations: float
    """Floating-point operations of the transformer over the whole run."""

    @property
    def resident_bytes(self) -> int:
        """With every part on the device."""
        return sum(self.weight_bytes.values()) + self.working_bytes

    @property
    def offloaded_bytes(self) -> int:
        """With the encoders waiting elsewhere: the text encoder is there before there is anything else."""
        staying = sum(size for name, size in self.weight_bytes.items() if name not in _ENCODERS)
        return max(staying + self.working_bytes, *(self.weight_bytes.get(name, 0) for name in _ENCODERS))


def count_tokens(plan: RunPlan, clip: int, opens_from_nothing: bool) -> int:
    """Tokens of one pass in a clip: noisy, reference, and, unless the clip has no past, motion."""
    rows, columns = plan.height // _PATCH_SIDE, plan.width // _PATCH_SIDE
    tokens = (plan.latent_frames + _REFERENCE_FRAMES) * rows * columns
    if clip == 0 and opens_from_nothing:
        return tokens
    # One past latent at full density, the two before it at half, the sixteen before those, four in one, at a quarter.
    return tokens + rows * columns + (rows // 2) * (columns // 2) + 4 * (rows // 4) * (columns // 4)


def estimate(plan: RunPlan, sizes: ModelSizes, passes: int, opens_from_nothing: bool, width: int) -> Estimate:
    """The cost of a run of `passes` passes a clip, matrices of `width` bytes a number."""
    assert plan.height % SIZE_MULTIPLE == 0
    tokens = [count_tokens(plan, clip, opens_from_nothing) for clip in range(plan.num_clips)]
    noisy = plan.latent_frames * (plan.height // _PATCH_SIDE) * (plan.width // _PATCH_SIDE)
    weights = {
        name: size * width // _BFLOAT16_BYTES if name in _HALVES else size for name, size in sizes.weight_bytes.items()
    }
    return Estimate(
        weight_bytes=weights,
        working_bytes=max(tokens) * sizes.model_dim * _ACTIVATION_BYTES * width // _BFLOAT16_BYTES,
        operations=float(sum(_pass_operations(count, noisy, sizes) for count in tokens)) * passes,
    )


def _pass_operations(tokens: int, noisy: int, sizes: ModelSizes) -> int:
    dim, length = sizes.model_dim, sizes.text_length
    linear = 2 * tokens * (6 * dim * dim + 2 * dim * sizes.feed_forward_dim)
    attention = 4 * tokens * tokens * dim + 4 * tokens * length * dim
    injection = 2 * noisy * 2 * dim * dim
    return sizes.num_layers * (linear + attention) + sizes.num_injections * injection

import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.models import RELEASED
from s2v_runner.checkpoint.sizes import ModelSizes
from s2v_runner.estimate import MEMORY_MODES, PLAIN_BFLOAT16, Form, count_tokens, estimate
from s2v_runner.parallel.topology import ONE_PROCESS
from s2v_runner.plan import SPEECH_RATE, plan_run
from s2v_runner.records import Request, RunPlan
from s2v_runner.transformer import WHOLE_SEQUENCE, Conditioning, S2VTransformer, plain_backend, resolve_backend
from s2v_runner.transformer.blocks import TransformerBlock
from s2v_runner.transformer.linear import FLOAT8
from tests.conftest import CPU

Make = Callable[..., Request]
GIB = 2**30
# The files of Wan-AI/Wan2.2-S2V-14B as they lie loaded: 43.3 GiB in all, as docs/performance.md measured.
RELEASED_SIZES = ModelSizes(
    model_dim=RELEASED.model_dim,
    num_heads=RELEASED.num_heads,
    feed_forward_dim=RELEASED.feed_forward_dim,
    num_layers=RELEASED.num_layers,
    num_injections=len(RELEASED.audio_injection_layers),
    text_length=RELEASED.text_length,
    weight_bytes={
        "transformer": round(31.0 * GIB),
        "text_encoder": round(10.6 * GIB),
        "vae": round(0.5 * GIB),
        "audio_encoder": round(1.2 * GIB),
    },
)


@pytest.fixture
def plan_two_clips(request_for: Make) -> Callable[..., RunPlan]:
    """The plan of ten seconds at 1024×704, as measured: two clips of 80 frames."""

    def plan(**changes: object) -> RunPlan:
        settings = {"area": 1024 * 704, "infer_frames": 80, "num_clip": 2}
        return plan_run(request_for(**{**settings, **changes}), (704, 1024), 10 * SPEECH_RATE, SPEECH_RATE)

    return plan


def test_tokens_are_those_that_were_measured(plan_two_clips: Callable[..., RunPlan]):
    plan = plan_two_clips()
    assert count_tokens(plan, 0, opens_from_nothing=True) == 59_136
    assert count_tokens(plan, 0, opens_from_nothing=False) == count_tokens(plan, 1, opens_from_nothing=True) == 63_360


@pytest.mark.parametrize(("clip", "motion"), [(0, False), (1, True)])
@pytest.mark.parametrize("frames", [48, 80])
def test_tokens_are_as_many_as_the_transformer_sees(
    plan_two_clips: Callable[..., RunPlan], clip: int, motion: bool, frames: int
):
    plan = plan_two_clips(infer_frames=frames, area=256 * 192)
    model, conditioning, _ = hollow_clip(plan, motion, num_layers=0)
    with torch.no_grad():
        context = model.prepare(conditioning).context_BSD.shape[1]
    noisy = plan.latent_frames * plan.height * plan.width // 16**2
    assert count_tokens(plan, clip, opens_from_nothing=True) == noisy + context


@pytest.mark.parametrize("motion", [False, True])
def test_operations_are_as_many_as_pytorch_counts(plan_two_clips: Callable[..., RunPlan], motion: bool):
    # Two blocks of the released size, one of them with speech, on tensors that have shapes and no numbers.
    layers = 2
    plan = plan_two_clips()
    sizes = dataclasses.replace(RELEASED_SIZES, num_layers=layers, num_injections=1)
    model, conditioning, latents = hollow_clip(plan, motion, num_layers=layers)
    with torch.no_grad():
        prepared = model.prepare(conditioning)
        with FlopCounterMode(display=False) as counter:
            model(latents, torch.empty(1, device="meta"), prepared)
    both = [
        estimate(plan, sizes, 1, 1, opens_from_nothing, PLAIN_BFLOAT16, ONE_PROCESS).operations
        for opens_from_nothing in (True, False)
    ]
    # Both clips have a past when the run opens with the picture, one when it does not.
    with_past = both[1] / 2
    counted = with_past if motion else both[0] - with_past
    assert counted == pytest.approx(counter.get_total_flops(), rel=1e-3)


FUSED = Form(dtype_bytes=2, matrix_bytes=2, is_fused=True, autoencoder_bytes=2, is_text_on_device=True)
IN_FLOAT8 = dataclasses.replace(FUSED, matrix_bytes=1)
FLOAT32 = dataclasses.replace(PLAIN_BFLOAT16, dtype_bytes=4, matrix_bytes=4)


def test_operations_grow_with_steps_and_passes_and_memory_with_no_step(plan_two_clips: Callable[..., RunPlan]):
    plan = plan_two_clips()
    once, often = (estimate(plan, RELEASED_SIZES, passes, 1, True, FUSED, ONE_PROCESS) for passes in (1, 40))
    assert often.operations == pytest.approx(40 * once.operations)
    assert [often.peak_bytes(mode) for mode in MEMORY_MODES] == [once.peak_bytes(mode) for mode in MEMORY_MODES]
    guided = estimate(plan, RELEASED_SIZES, 2, 2, True, FUSED, ONE_PROCESS)
    assert guided.operations == pytest.approx(2 * once.operations)
    # The keys and values of another text.
    assert guided.step_bytes - once.step_bytes == 40 * 2 * 512 * 5120 * 2


def test_each_mode_takes_less_than_the_one_before(plan_two_clips: Callable[..., RunPlan]):
    for form in (FUSED, PLAIN_BFLOAT16, IN_FLOAT8):
        cost = estimate(plan_two_clips(), RELEASED_SIZES, 1, 2, True, form, ONE_PROCESS)
        peaks = [cost.peak_bytes(mode) for mode in MEMORY_MODES]
        assert peaks == sorted(peaks, reverse=True)
        assert cost.weight_bytes["transformer"] > sum(cost.block_bytes)


def test_a_text_encoder_on_the_cpu_takes_nothing_of_the_device(plan_two_clips: Callable[..., RunPlan]):
    apart = dataclasses.replace(FUSED, is_text_on_device=False)
    here, away = (estimate(plan_two_clips(), RELEASED_SIZES, 1, 2, True, form, ONE_PROCESS) for form in (FUSED, apart))
    saved = [here.peak_bytes(mode) - away.peak_bytes(mode) for mode in MEMORY_MODES]
    text = RELEASED_SIZES.weight_bytes["text_encoder"]
    # Where it leaves the device again, it is at the peak as far as it is more than what the steps work in.
    assert saved == [text, text - here.working_bytes, text - here.working_bytes, 0]
    assert here.weight_bytes == away.weight_bytes


def test_matrices_of_four_bytes_take_twice_the_room_and_the_rest_what_it_took(plan_two_clips: Callable[..., RunPlan]):
    half, full = (
        estimate(plan_two_clips(), RELEASED_SIZES, 1, 1, True, form, ONE_PROCESS) for form in (PLAIN_BFLOAT16, FLOAT32)
    )
    ratios = {name: full.weight_bytes[name] / size for name, size in half.weight_bytes.items()}
    assert ratios == {"transformer": 2, "text_encoder": 2, "vae": 1, "audio_encoder": 1}
    assert full.step_bytes == 2 * half.step_bytes


def test_matrices_of_one_byte_are_counted_as_they_are(plan_two_clips: Callable[..., RunPlan]):
    full, half = (
        estimate(plan_two_clips(), RELEASED_SIZES, 1, 1, True, form, ONE_PROCESS) for form in (FUSED, IN_FLOAT8)
    )
    with torch.device("meta"):
        blocks = [
            TransformerBlock(
                RELEASED, resolve_backend("sdpa", "plain", "float8", CPU, torch.bfloat16, WHOLE_SEQUENCE), hears
            )
            for hears in (True, False)
        ]
    sizes = [
        sum(parameter.numel() * (1 if parameter.dtype == FLOAT8 else 2) for parameter in block.parameters())
        for block in blocks
    ]
    assert [half.block_bytes[0], half.block_bytes[-1]] == [pytest.approx(size, rel=1e-3) for size in sizes]
    assert full.weight_bytes["transformer"] - half.weight_bytes["transformer"] == pytest.approx(
        sum(full.block_bytes) - sum(half.block_bytes)
    )


def test_a_large_frame_costs_more_than_a_small_one(plan_two_clips: Callable[..., RunPlan]):
    small, large = (
        estimate(plan_two_clips(area=area), RELEASED_SIZES, 1, 1, True, FUSED, ONE_PROCESS)
        for area in (832 * 480, 1024 * 704)
    )
    assert small.working_bytes < large.working_bytes
    assert 2 < large.operations / small.operations < 4


def hollow_clip(plan: RunPlan, motion: bool, num_layers: int) -> tuple[S2VTransformer, Conditioning, torch.Tensor]:
    """The released model with fewer blocks, and a clip for it, all without numbers."""
    config = dataclasses.replace(RELEASED, num_layers=num_layers, audio_injection_layers=(0,))
    rows, columns, frames = plan.height // 8, plan.width // 8, plan.latent_frames
    with torch.device("meta"):
        model = S2VTransformer(config, plain_backend("sdpa"))
        conditioning = Conditioning(
            text_BTC=torch.empty(1, config.text_length, config.text_dim),
            audio_BJCV=torch.empty(1, config.num_audio_layers, config.audio_dim, 4 * frames),
            reference_BC1HW=torch.empty(1, 16, 1, rows, columns),
            pose_BCFHW=torch.empty(1, 16, frames, rows, columns),
            motion_BCMHW=torch.empty(1, 16, 19, rows, columns) if motion else None,
            motion_frames=plan.motion_frames,
        )
        return model, conditioning, torch.empty(1, 16, frames, rows, columns)

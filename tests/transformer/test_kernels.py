"""The fused kernels against the plain ones: on a machine without a GPU they are interpreted."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from s2v_runner.transformer import Conditioning, S2VTransformer, plain_backend
from s2v_runner.transformer.kernels.fused import FusedKernels
from s2v_runner.transformer.kernels.interface import ByGroup, Modulation
from s2v_runner.transformer.kernels.plain import PLAIN, PLAIN_FLOAT8
from s2v_runner.transformer.linear import (
    FLOAT8,
    Float8Linear,
    Float8Rows,
    Rows,
    multiply_on_tensor_cores,
    multiply_widened,
    quantise,
)
from s2v_runner.transformer.rope import RotaryTable
from tests.conftest import GPU_OR_CPU
from tests.transformer.models import LATENTS, TIME, draw, make_conditioning, make_transformer

BATCH, ROWS, WIDTH, HEADS = 2, 21, 96, 4
EPSILON = 1e-6
# Triton's interpreter cuts off where a GPU rounds to bfloat16, and loses the carry when it rounds to float8.
ON_GPU = GPU_OR_CPU.type == "cuda"
ROUNDING = {torch.float32: 1e-6, torch.bfloat16: 2**-8 if ON_GPU else 2**-7, FLOAT8: 2**-4}
PLAIN_ROWS = [FusedKernels(dtype, scaled=False) for dtype in (torch.float32, torch.bfloat16)]
SCALED_ROWS = FusedKernels(FLOAT8 if ON_GPU else torch.float32, scaled=True)
FUSED = {"float32": PLAIN_ROWS[0], "bfloat16": PLAIN_ROWS[1], "scaled": SCALED_ROWS}
every_kind_of_row = pytest.mark.parametrize("fused", FUSED.values(), ids=FUSED)


def on_device(seed: int, *shape: int) -> torch.Tensor:
    return draw(seed, *shape).to(GPU_OR_CPU)


HIDDEN = on_device(1, BATCH, ROWS, WIDTH) * 3 + 1
UPDATE = on_device(2, BATCH, ROWS, WIDTH).bfloat16()


def groups(seed: int, count: int, rows: int, batch: int = BATCH) -> ByGroup:
    """Vectors that are every sixth of a larger tensor, as a block's modulation is."""
    return ByGroup(on_device(seed, batch, 6, count, WIDTH)[:, 2], rows)


MODULATIONS = {
    "two kinds of token": Modulation(groups(3, 2, 13), groups(4, 2, 13)),
    "a group a frame": Modulation(groups(5, 7, 3), groups(6, 7, 3)),
    "the same for all": Modulation(groups(7, 1, 1, batch=1), groups(8, 1, 1, batch=1)),
}
GATES = {"no gate": None, "gated": groups(9, 2, 13)}


def assert_same(ours: torch.Tensor, theirs: torch.Tensor, dtype: torch.dtype) -> None:
    assert ours.shape == theirs.shape
    excess = (ours.float() - theirs.float()).abs() - 1.01 * ROUNDING[dtype] * theirs.float().abs()
    # The smallest numbers of 8 bits stand 2⁻⁹ apart where the largest is 448.
    least = theirs.abs().max() * 2**-17 if dtype == FLOAT8 else 1e-5
    assert excess.max() <= least


def as_tensor(rows: Rows) -> torch.Tensor:
    return rows.dequantise(torch.float32) if isinstance(rows, Float8Rows) else rows


@pytest.mark.parametrize("modulation", MODULATIONS.values(), ids=MODULATIONS)
@every_kind_of_row
def test_norm(modulation: Modulation, fused: FusedKernels):
    before = HIDDEN.clone()
    ours = fused.norm(HIDDEN, modulation, EPSILON)
    assert torch.equal(HIDDEN, before)
    assert_same(as_tensor(ours), as_tensor(PLAIN.norm(HIDDEN, modulation, EPSILON)), fused.dtype)


@pytest.mark.parametrize("gate", GATES.values(), ids=GATES)
@pytest.mark.parametrize("modulation", MODULATIONS.values(), ids=MODULATIONS)
@every_kind_of_row
def test_add_norm(gate: ByGroup | None, modulation: Modulation, fused: FusedKernels):
    hidden, rows = fused.add_norm(HIDDEN.clone(), UPDATE, gate, modulation, EPSILON)
    plain_hidden, plain_rows = PLAIN.add_norm(HIDDEN, UPDATE, gate, modulation, EPSILON)
    assert_same(hidden, plain_hidden, torch.float32)
    assert_same(as_tensor(rows), as_tensor(plain_rows), fused.dtype)


@pytest.mark.parametrize("gate", GATES.values(), ids=GATES)
@pytest.mark.parametrize("count", [ROWS, 13])
def test_an_update_is_for_as_many_rows_as_it_has(gate: ByGroup | None, count: int):
    update = UPDATE[:, :count].contiguous()
    ours = PLAIN_ROWS[1].add(HIDDEN.clone(), update, gate)
    assert_same(ours, PLAIN.add(HIDDEN, update, gate), torch.float32)
    assert torch.equal(ours[:, count:], HIDDEN[:, count:])


def test_the_first_rows_of_each_member_are_normed_where_they_lie():
    first = HIDDEN[:, :13]
    modulation = Modulation(groups(5, 13, 1), groups(6, 13, 1))
    ours = PLAIN_ROWS[1].norm(first, modulation, EPSILON)
    assert_same(as_tensor(ours), as_tensor(PLAIN.norm(first, modulation, EPSILON)), torch.bfloat16)


@pytest.mark.parametrize("fused", PLAIN_ROWS, ids=["float32", "bfloat16"])
def test_heads(fused: FusedKernels):
    dtype = fused.dtype
    projected, weight = on_device(10, BATCH, ROWS, WIDTH).to(dtype), (1 + on_device(11, WIDTH)).to(dtype)
    angles = on_device(12, ROWS, 1, WIDTH // HEADS // 2) * 9
    rope = RotaryTable(angles.cos(), angles.sin())
    ours = fused.rotated_heads(projected, weight, HEADS, EPSILON, rope)
    assert ours.dtype == dtype
    assert_same(ours, PLAIN.rotated_heads(projected, weight, HEADS, EPSILON, rope), dtype)
    ours = fused.heads(projected, weight, HEADS, EPSILON)
    assert_same(ours, PLAIN.heads(projected, weight, HEADS, EPSILON), dtype)


def test_rows_in_eight_bits():
    rows = on_device(13, BATCH, ROWS, WIDTH).bfloat16() * 50
    rows[0, 3] = 0
    ours = SCALED_ROWS.pack(rows)
    theirs = quantise(rows)
    assert isinstance(ours, Float8Rows)
    assert torch.allclose(ours.scale, theirs.scale, rtol=1e-6, atol=0)
    assert_same(ours.dequantise(torch.float32), rows.float(), SCALED_ROWS.dtype)
    # The largest value of a row uses the whole range.
    assert float(ours.values[0, 4].float().abs().max()) == pytest.approx(448)
    assert torch.equal(ours.values[0, 3].float(), torch.zeros(WIDTH, device=GPU_OR_CPU))


def float8_layer(width_in: int, width_out: int) -> Float8Linear:
    multiply = multiply_on_tensor_cores if GPU_OR_CPU.type == "cuda" else multiply_widened
    layer = Float8Linear(width_in, width_out, multiply).to(GPU_OR_CPU)
    weight = quantise(on_device(14, width_out, width_in))
    layer.weight.copy_(weight.values)
    layer.weight_scale.copy_(weight.scale)
    layer.bias.data = on_device(15, width_out).bfloat16()
    return layer


@torch.no_grad()
def test_expanded_rows_in_eight_bits():
    layer = float8_layer(WIDTH, 2 * WIDTH)
    rows = quantise(on_device(16, BATCH, ROWS, WIDTH))
    ours, theirs = (as_tensor(kernels.expand(layer, rows)) for kernels in (SCALED_ROWS, PLAIN_FLOAT8))
    scale = theirs.abs().amax(dim=-1, keepdim=True)
    assert bool(((ours - theirs).abs() <= 2 * ROUNDING[FLOAT8] * theirs.abs() + 1e-3 * scale).all())


@torch.no_grad()
def test_a_product_in_eight_bits_is_that_of_what_the_bits_mean():
    layer = float8_layer(WIDTH, 2 * WIDTH)
    rows = quantise(on_device(16, BATCH, ROWS, WIDTH))
    weight = Float8Rows(layer.weight, layer.weight_scale).dequantise(torch.float64)
    wanted = rows.dequantise(torch.float64) @ weight.T + layer.bias.double()
    product = layer(rows)
    assert product.dtype == torch.bfloat16
    # The fast accumulation of a GPU keeps about 14 bits of a sum.
    assert ((product - wanted).abs() <= 2**-8 * wanted.abs() + 2**-10 * wanted.abs().max()).all()


@pytest.mark.parametrize("with_motion", [True, False])
@torch.no_grad()
def test_a_transformer_of_fused_kernels_is_the_same_transformer(with_motion: bool):
    plain = plain_backend("sdpa")
    conditioning = make_conditioning(with_motion=with_motion)
    rounded, fused, exact = (
        velocity_of(make_transformer(backend, dtype), conditioning)
        for backend, dtype in (
            (plain, torch.bfloat16),
            (replace(plain, kernels=PLAIN_ROWS[1]), torch.bfloat16),
            (plain, torch.float32),
        )
    )
    # No worse than plain bfloat16; cutting off doubles an error.
    assert (rounded - exact).abs().max() <= 0.02 * exact.abs().max()
    assert (fused - exact).norm() <= (1.2 if ON_GPU else 2.4) * (rounded - exact).norm()


@torch.no_grad()
def test_a_transformer_in_eight_bits_stays_near():
    plain = plain_backend("sdpa")
    linear = partial(Float8Linear, multiply=multiply_widened)
    exact = velocity_of(make_transformer(plain, torch.float32), make_conditioning())
    in_float8, fused = (
        velocity_of(
            make_transformer(replace(plain, kernels=kernels, linear=linear), torch.bfloat16), make_conditioning()
        )
        for kernels in (PLAIN_FLOAT8, SCALED_ROWS)
    )
    for ours in (in_float8, fused):
        assert 0.005 < (ours - exact).norm() / exact.norm() < 0.1


def velocity_of(model: S2VTransformer, conditioning: Conditioning) -> torch.Tensor:
    given = {
        name: value.to(GPU_OR_CPU) for name, value in vars(conditioning).items() if isinstance(value, torch.Tensor)
    }
    prepared = model.to(GPU_OR_CPU).prepare(replace(conditioning, **given))
    return model(LATENTS.to(GPU_OR_CPU), TIME.to(GPU_OR_CPU), prepared)

"""The Triton programs: each instance owns one row of the model's width, and reads and writes it once.

Everything inside is float32. Sizes that change from clip to clip are not specialised on, so that a new size does not
compile anew. `BLOCK` is the next power of two above the width.
"""

# Triton's language is not annotated: its values are whatever the compiler makes of them.
# pyright: reportArgumentType=false, reportOperatorIssue=false, reportIndexIssue=false

import triton
import triton.language as tl


@triton.jit
def _group_of(row, rows_each, groups):
    return tl.minimum(row // rows_each, groups - 1)


@triton.jit
def _store_rows(values, out, scale, index, width, columns, inside, SCALE: tl.constexpr):
    """Round to the dtype of `out`, after scaling to its range where it has 8 bits."""
    if SCALE:
        # As `linear.quantise` has it: 448 is the largest float8.
        row_scale = tl.maximum(tl.max(tl.abs(values), 0), 1e-12) / 448.0
        tl.store(scale + index, row_scale)
        values = values / row_scale
    tl.store(out + index * width + columns, values.to(out.dtype.element_ty), mask=inside)


@triton.jit(do_not_specialize=["rows", "batch_stride", "gate_rows", "gate_groups", "norm_rows", "norm_groups"])
def add_norm_rows(
    hidden,
    update,
    gate,
    multiplier,
    offset,
    out,
    scale,
    rows,
    batch_stride,
    gate_rows,
    gate_groups,
    gate_stride,
    norm_rows,
    norm_groups,
    multiplier_stride,
    offset_stride,
    width,
    epsilon,
    ADD: tl.constexpr,
    GATE: tl.constexpr,
    NORM: tl.constexpr,
    SCALE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """hidden += gate · update, in place, where there is an update; out = norm(hidden) · multiplier + offset."""
    index = tl.program_id(0).to(tl.int64)
    batch, row = index // rows, index % rows
    columns = tl.arange(0, BLOCK)
    inside = columns < width
    place = hidden + batch * batch_stride + row * width + columns
    values = tl.load(place, mask=inside, other=0.0)
    if ADD:
        added = tl.load(update + index * width + columns, mask=inside, other=0.0).to(tl.float32)
        if GATE:
            vector = batch * gate_stride + _group_of(row, gate_rows, gate_groups) * width
            added *= tl.load(gate + vector + columns, mask=inside, other=0.0)
        values += added
        tl.store(place, values, mask=inside)
    if NORM:
        mean = tl.sum(values, 0) / width
        centred = tl.where(inside, values - mean, 0.0)
        variance = tl.sum(centred * centred, 0) / width
        vector = _group_of(row, norm_rows, norm_groups) * width + columns
        multipliers = tl.load(multiplier + batch * multiplier_stride + vector, mask=inside, other=0.0)
        offsets = tl.load(offset + batch * offset_stride + vector, mask=inside, other=0.0)
        normed = centred * tl.rsqrt(variance + epsilon) * multipliers + offsets
        _store_rows(normed, out, scale, index, width, columns, inside, SCALE)


@triton.jit(do_not_specialize=["rows"])
def rotate_rows(
    projected,
    weight,
    cos,
    sin,
    out,
    rows,
    width,
    epsilon,
    ROTATE: tl.constexpr,
    PAIRS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """RMS norm over the whole row, then every adjacent pair of a head turned by the row's angles."""
    index = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, BLOCK)
    inside = columns < width
    values = tl.load(projected + index * width + columns, mask=inside, other=0.0).to(tl.float32)
    inverse = tl.rsqrt(tl.sum(values * values, 0) / width + epsilon)
    values = values * inverse * tl.load(weight + columns, mask=inside, other=0.0).to(tl.float32)
    if ROTATE:
        even, odd = tl.split(tl.reshape(values, (BLOCK // 2, 2)))
        angle = (index % rows) * PAIRS + tl.arange(0, BLOCK // 2) % PAIRS
        cosine, sine = tl.load(cos + angle), tl.load(sin + angle)
        turned = tl.join(even * cosine - odd * sine, even * sine + odd * cosine)
        values = tl.reshape(turned, (BLOCK,))
    tl.store(out + index * width + columns, values.to(out.dtype.element_ty), mask=inside)


@triton.jit
def scale_rows(rows, out, scale, width, GELU: tl.constexpr, BLOCK: tl.constexpr):
    """Rows scaled to the range of 8 bits, GELU (tanh) of them where asked."""
    index = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, BLOCK)
    inside = columns < width
    values = tl.load(rows + index * width + columns, mask=inside, other=0.0).to(tl.float32)
    if GELU:
        # tanh(u) = 2 · sigmoid(2u) − 1, and 2 · √(2/π) = 1.5957…; past 80 the quotient is 0 in any case.
        exponent = -1.5957691216057308 * (values + 0.044715 * values * values * values)
        values /= 1.0 + tl.exp(tl.minimum(exponent, 80.0))
    _store_rows(values, out, scale, index, width, columns, inside, True)

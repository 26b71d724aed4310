import pytest
import torch

from s2v_runner.transformer.rope import rotary_table, rotate
from tests.conftest import CPU

HEAD_DIM = 20  # ten pairs: four of time, three of rows, three of columns


def table(grid: tuple[int, int, int], with_motion: bool):
    return rotary_table(HEAD_DIM, grid, with_motion, CPU)


def test_tokens_are_the_noisy_the_reference_and_the_packed_past():
    frames, rows, columns = 5, 8, 4
    near, middle, far = rows * columns, rows * columns // 4, 4 * rows * columns // 16
    assert table((frames, rows, columns), True).cos_S1P.shape == (
        (frames + 1) * rows * columns + near + middle + far,
        1,
        HEAD_DIM // 2,
    )


def test_the_slowest_pairs_tell_where_a_token_stands():
    rope = table((5, 8, 4), True)
    angles_SP = torch.atan2(rope.sin_S1P, rope.cos_S1P).squeeze(1)
    # The first pair of each axis turns by one radian a place.
    token = (2 * 8 + 3) * 4 + 1
    assert angles_SP[token, [0, 4, 7]].tolist() == pytest.approx([2, 3, 1])
    reference = 5 * 8 * 4
    assert rope.cos_S1P[reference, 0, 0].item() == pytest.approx(torch.cos(torch.tensor(30.0)).item(), abs=1e-6)
    near = reference + 8 * 4
    assert angles_SP[near, [0, 4, 7]].tolist() == pytest.approx([-1, 0, 0])
    middle = near + 8 * 4
    assert angles_SP[middle, 0].item() == pytest.approx(-3)
    # The packed parts span the whole picture: four rows of tokens stand at 0, 2, 4 and 7 of 8.
    rows = angles_SP[middle + torch.arange(4) * 2, 4]
    wanted = torch.tensor([0.0, 2.0, 4.0, 7.0])
    assert torch.allclose(rows.cos(), wanted.cos(), atol=1e-5)
    assert torch.allclose(rows.sin(), wanted.sin(), atol=1e-5)


def test_rotation_keeps_lengths_and_is_undone_by_its_opposite():
    rope = table((2, 4, 4), False)
    heads = torch.randn(1, rope.cos_S1P.shape[0], 3, HEAD_DIM, generator=torch.Generator().manual_seed(0))
    turned = rotate(heads, rope)
    assert torch.allclose(turned.norm(dim=-1), heads.norm(dim=-1), atol=1e-5)
    back = rotate(turned, type(rope)(rope.cos_S1P, -rope.sin_S1P))
    assert torch.allclose(back, heads, atol=1e-6)

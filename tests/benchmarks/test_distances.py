import pytest
import torch

from benchmarks.distances import relative_distance


def test_the_distance_is_a_share_of_the_reference():
    reference = torch.tensor([[3, 0], [0, 4]], dtype=torch.uint8)
    assert relative_distance(reference, reference) == 0
    assert relative_distance(torch.tensor([[3, 0], [0, 3]], dtype=torch.uint8), reference) == pytest.approx(0.2)
    half = reference.to(torch.bfloat16) / 2
    assert relative_distance(half, reference) == pytest.approx(0.5)

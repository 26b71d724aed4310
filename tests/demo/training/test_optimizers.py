"""Muon and AdamW, and both as one."""

import copy

import pytest
import torch
from torch import nn

from demo.training.muon import Muon
from demo.training.optimizers import Optimizers


def is_matrix(_name: str, parameter: nn.Parameter) -> bool:
    return parameter.dim() > 1


def test_a_step_of_muon_goes_as_far_in_every_direction():
    generator = torch.Generator().manual_seed(0)
    wide, tall = (nn.Parameter(torch.zeros(*shape)) for shape in ((4, 9), (9, 4)))
    for parameter in (wide, tall):
        # Singular values from 1 down to 1/1000.
        left, _, right = torch.linalg.svd(torch.randn(*parameter.shape, generator=generator), full_matrices=False)
        parameter.grad = left @ torch.diag(torch.tensor([1.0, 0.5, 0.1, 0.05])) @ right
    Muon([wide, tall], lr=0.1, momentum=0.95, weight_decay=0.0).step()
    for parameter in (wide, tall):
        values = torch.linalg.svdvals(parameter.detach())
        assert values.max() < 2 * values.min()
        # As large as AdamW's steps are in practice: a fifth of the rate an entry.
        assert parameter.square().mean().sqrt().item() == pytest.approx(0.1 * 0.2 * 2 / 6 * 3, rel=0.25)
        assert parameter.grad is not None
        assert (parameter * parameter.grad).sum() < 0


def test_a_convolution_is_a_matrix_with_a_row_for_each_output():
    generator = torch.Generator().manual_seed(1)
    gradient = torch.randn(4, 3, 1, 3, generator=generator)
    convolution, matrix = nn.Parameter(torch.zeros(4, 3, 1, 3)), nn.Parameter(torch.zeros(4, 9))
    convolution.grad, matrix.grad = gradient, gradient.flatten(1)
    for parameter in (convolution, matrix):
        Muon([parameter], lr=0.1, momentum=0.95, weight_decay=0.0).step()
    assert torch.equal(convolution.flatten(1), matrix)


def make() -> tuple[nn.Module, Optimizers]:
    torch.manual_seed(2)
    network = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2))
    return network, Optimizers(network, is_matrix, betas=(0.9, 0.98), weight_decay=0.01)


def learn(network: nn.Module, optimizers: Optimizers, steps: range) -> list[float]:
    inputs = torch.randn(32, 6, generator=torch.Generator().manual_seed(3))
    targets = inputs[:, :2].sin()
    losses = []
    for _ in steps:
        loss = (network(inputs) - targets).square().mean()
        optimizers.step(loss, 0.02)
        losses.append(loss.item())
    return losses


def test_together_they_learn():
    losses = learn(*make(), range(60))
    assert losses[-1] < 0.2 * losses[0]


def test_what_is_taken_up_goes_on_as_if_it_had_not_been_left():
    network, optimizers = make()
    learn(network, optimizers, range(4))
    left, state = (
        {name: value.clone() for name, value in network.state_dict().items()},
        copy.deepcopy(optimizers.state()),
    )
    again, onward = make()
    again.load_state_dict(left)
    onward.take_up(state)
    assert learn(again, onward, range(3)) == learn(network, optimizers, range(3))

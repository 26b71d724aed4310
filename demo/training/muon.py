"""Muon: momentum whose every direction counts the same (Jordan et al., 2024), for the matrices of a network.

A matrix's momentum is brought near the closest orthogonal matrix by Newton and Schulz's iteration, and scaled so that
steps are as large as AdamW's at the same learning rate (Liu et al., 2025). Convolutions count as matrices, a row an
output channel. PyTorch's own takes true matrices alone, and one by one; here those of one shape go together, which a
GPU wants.
"""

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import nn

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_ADAMW_SIZE = 0.2


class Muon(torch.optim.Optimizer):
    """For parameters of two dimensions and more; vectors are for AdamW."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, momentum: float, weight_decay: float) -> None:
        super().__init__(list(parameters), {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        assert closure is None
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape[parameter.flatten(1).shape].append(parameter)
            for parameters in by_shape.values():
                self._step_together(parameters, group["lr"], group["momentum"], group["weight_decay"])

    def _step_together(self, parameters: list[nn.Parameter], lr: float, momentum: float, decay: float) -> None:
        gradients = torch.stack([one.grad.flatten(1) for one in parameters if one.grad is not None])
        buffers = []
        for parameter in parameters:
            state = self.state[parameter]
            if "momentum" not in state:
                state["momentum"] = torch.zeros_like(parameter.flatten(1))
            buffers.append(state["momentum"])
        momenta = torch.stack(buffers).lerp_(gradients, 1 - momentum)
        rows, columns = gradients.shape[1:]
        size = _ADAMW_SIZE * max(rows, columns) ** 0.5
        updates = _orthogonalise(gradients.lerp(momenta, momentum)) * size
        for parameter, buffer, kept, update in zip(parameters, buffers, momenta, updates, strict=True):
            buffer.copy_(kept)
            parameter.mul_(1 - lr * decay).add_(update.view_as(parameter), alpha=-lr)


def _orthogonalise(matrices_NRC: torch.Tensor) -> torch.Tensor:
    """Near orthogonal, each: singular values end between 0.7 and 1.2."""
    a, b, c = _COEFFICIENTS
    # bfloat16 suffices on a GPU, since the iteration corrects itself.
    x = matrices_NRC.bfloat16() if matrices_NRC.is_cuda else matrices_NRC
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if tall else x).to(matrices_NRC.dtype)

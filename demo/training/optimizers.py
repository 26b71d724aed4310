"""Muon for the matrices within a network, AdamW for everything else."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from demo.training.muon import Muon

_MOMENTUM = 0.95


class Optimizers:
    """Two optimizers that go as one."""

    def __init__(
        self,
        module: nn.Module,
        is_matrix_within: Callable[[str, nn.Parameter], bool],
        betas: tuple[float, float],
        weight_decay: float,
    ) -> None:
        matrices, others = [], []
        for name, parameter in module.named_parameters():
            (matrices if is_matrix_within(name, parameter) else others).append(parameter)
        self._optimizers = (
            Muon(matrices, lr=0.0, momentum=_MOMENTUM, weight_decay=weight_decay),
            torch.optim.AdamW(others, lr=0.0, betas=betas, weight_decay=weight_decay),
        )

    def step(self, loss: torch.Tensor, rate: float) -> torch.Tensor:
        """One step down the loss; the gradient's norm before it was clipped."""
        for optimizer in self._optimizers:
            optimizer.zero_grad()
        loss.backward()
        parameters = [
            one for optimizer in self._optimizers for group in optimizer.param_groups for one in group["params"]
        ]
        norm = nn.utils.clip_grad_norm_(parameters, 1.0)
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
        return norm

    def state(self) -> list[dict[str, Any]]:
        return [optimizer.state_dict() for optimizer in self._optimizers]

    def take_up(self, state: list[dict[str, Any]]) -> None:
        for optimizer, kept in zip(self._optimizers, state, strict=True):
            optimizer.load_state_dict(kept)

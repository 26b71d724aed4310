"""How the tokens of a pass are shared out among processes.

Source: DeepSpeed-Ulysses (Jacobs et al., 2023), https://arxiv.org/abs/2309.14509. Each process has some of the tokens
with all their heads; for self-attention it has all tokens of some heads instead, and all else is done token by token.
Tokens are divided as evenly as whole numbers allow, none is padded, and so none has to be masked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch

Promise = Callable[[], torch.Tensor]
"""Waits for a tensor that is on its way, and gives it. To be called once."""


@dataclass(frozen=True)
class Share:
    """The tokens of one process. The tokens of a pass are the noisy ones and then the context."""

    counts: tuple[int, ...]
    """Tokens of each process, in the order of their ranks."""
    noisy: range
    """Which of the noisy tokens are this process's."""
    context: range
    """The same of the context."""
    noisy_counts: tuple[int, ...]
    """Noisy tokens of each process."""


class Sequence(Protocol):
    """The processes that share the tokens, and this one among them."""

    def share(self, noisy: int, context: int) -> Share:
        """The tokens that are this process's of so many."""
        ...

    def to_heads(self, tokens_BSKE: torch.Tensor, share: Share) -> Promise:
        """From this process's tokens with all heads to all tokens with this process's heads."""
        ...

    def to_tokens(self, heads_BSKE: torch.Tensor, share: Share) -> torch.Tensor:
        """From all tokens with this process's heads to this process's tokens with all heads."""
        ...

    def collect(self, noisy_BND: torch.Tensor, share: Share) -> torch.Tensor:
        """The noisy tokens of all processes."""
        ...


class WholeSequence:
    """One process has every token."""

    def share(self, noisy: int, context: int) -> Share:
        return divide_tokens(noisy, context, processes=1, rank=0)

    def to_heads(self, tokens_BSKE: torch.Tensor, share: Share) -> Promise:
        return lambda: tokens_BSKE

    def to_tokens(self, heads_BSKE: torch.Tensor, share: Share) -> torch.Tensor:
        return heads_BSKE

    def collect(self, noisy_BND: torch.Tensor, share: Share) -> torch.Tensor:
        return noisy_BND


WHOLE_SEQUENCE = WholeSequence()


def divide_tokens(noisy: int, context: int, processes: int, rank: int) -> Share:
    """Consecutive tokens for each process, whose numbers differ by one at most. There must be one for each."""
    total = noisy + context
    assert total >= processes, (total, processes)
    ends = [total * (index + 1) // processes for index in range(processes)]
    begins = [0, *ends[:-1]]
    begin, end = begins[rank], ends[rank]
    return Share(
        counts=tuple(end - begin for begin, end in zip(begins, ends, strict=True)),
        noisy=range(min(begin, noisy), min(end, noisy)),
        context=range(max(begin - noisy, 0), max(end - noisy, 0)),
        noisy_counts=tuple(min(end, noisy) - min(begin, noisy) for begin, end in zip(begins, ends, strict=True)),
    )

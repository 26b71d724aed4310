"""The tokens of a pass in several processes. Source: DeepSpeed-Ulysses (Jacobs et al., 2023)."""

import torch

from s2v_runner.parallel.wire import Wire
from s2v_runner.transformer.sequence import Promise, Share, divide_tokens


class SharedSequence:
    """Tokens for most of the work, heads for self-attention, and two exchanges between.

    The number of heads must be a multiple of the number of processes. In a block each process gives away
    4 · S · D / n numbers, of which one in n stays where it is.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def share(self, noisy: int, context: int) -> Share:
        return divide_tokens(noisy, context, self._wire.size, self._wire.rank)

    def to_heads(self, tokens_BSKE: torch.Tensor, share: Share) -> Promise:
        size, rank = self._wire.size, self._wire.rank
        own = share.counts[rank]
        promises = [
            # The heads of each process become its rows.
            self._wire.exchange(
                tokens_SKE.unflatten(1, (size, -1)).transpose(0, 1).flatten(0, 1).contiguous(),
                sent=[own] * size,
                received=share.counts,
            )
            for tokens_SKE in tokens_BSKE
        ]
        return lambda: _batch([promise() for promise in promises])

    def to_tokens(self, heads_BSKE: torch.Tensor, share: Share) -> torch.Tensor:
        size, rank = self._wire.size, self._wire.rank
        own = share.counts[rank]
        promises = [
            self._wire.exchange(heads_SKE.contiguous(), sent=share.counts, received=[own] * size)
            for heads_SKE in heads_BSKE
        ]
        return _batch([promise().unflatten(0, (size, own)).transpose(0, 1).flatten(1, 2) for promise in promises])

    def collect(self, noisy_BND: torch.Tensor, share: Share) -> torch.Tensor:
        return _batch([self._wire.gather(noisy_ND, share.noisy_counts) for noisy_ND in noisy_BND])


def _batch(members: list[torch.Tensor]) -> torch.Tensor:
    """Members of a batch together; one alone is not copied."""
    return members[0].unsqueeze(0) if len(members) == 1 else torch.stack(members)

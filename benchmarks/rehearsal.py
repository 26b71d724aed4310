"""What one process of a group computes, on a device alone: the others' part is made up."""

import torch

from s2v_runner.transformer.sequence import Promise, Share, divide_tokens


class RehearsedSequence:
    """A process of a group that is not there. What others would send is what this one would send them.

    So everything is copied that is copied, all arithmetic is done, and values are of the size that they have; only the
    way between the processes is left out. What comes of it means nothing.
    """

    def __init__(self, size: int, rank: int) -> None:
        self._size = size
        self._rank = rank

    def share(self, noisy: int, context: int) -> Share:
        return divide_tokens(noisy, context, self._size, self._rank)

    def to_heads(self, tokens_BSKE: torch.Tensor, share: Share) -> Promise:
        parts = tokens_BSKE.unflatten(2, (self._size, -1)).unbind(2)
        sent = [part.contiguous() for part in parts]
        return lambda: torch.cat([_of_length(part, count) for part, count in zip(sent, share.counts, strict=True)], 1)

    def to_tokens(self, heads_BSKE: torch.Tensor, share: Share) -> torch.Tensor:
        own = share.counts[self._rank]
        parts = [_of_length(part, own) for part in heads_BSKE.split(list(share.counts), dim=1)]
        return torch.stack(parts, dim=2).flatten(2, 3)

    def collect(self, noisy_BND: torch.Tensor, share: Share) -> torch.Tensor:
        batch, _, width = noisy_BND.shape
        return torch.cat(
            (noisy_BND, noisy_BND.new_zeros(batch, sum(share.noisy_counts) - noisy_BND.shape[1], width)), 1
        )


def _of_length(rows_BSKE: torch.Tensor, count: int) -> torch.Tensor:
    """As many rows as another process would have, which are one more or one less."""
    missing = count - rows_BSKE.shape[1]
    return rows_BSKE[:, :count] if missing <= 0 else torch.cat((rows_BSKE, rows_BSKE[:, -missing:]), dim=1)

"""The strips of a video that several processes encode or decode together."""

from itertools import pairwise

import torch

from s2v_runner.autoencoder.strips import Strip, Write
from s2v_runner.parallel.wire import Wire


class SharedStrips:
    """A strip for each process of a wire, from top to bottom in the order of their ranks, as even as rows allow."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def of(self, latent_rows: int) -> Strip:
        """See `Strips`. A process that no row is left for repeats the last strip, and what it makes is left out.

        So no layer ever has to do with no rows, and all processes run the same program.
        """
        return _SharedStrip(self._wire, latent_rows)


class _SharedStrip:
    halo = 1

    def __init__(self, wire: Wire, latent_rows: int) -> None:
        self._wire = wire
        self._latent_rows = latent_rows
        strips = min(wire.size, latent_rows)
        bounds = [latent_rows * strip // strips for strip in range(strips + 1)]
        # By rank. A process that repeats a strip is told what the first with it is told, and tells nothing.
        self._strip_of = [min(rank, strips - 1) for rank in range(wire.size)]
        self._counted = [*(end - begin for begin, end in pairwise(bounds)), *[0] * (wire.size - strips)]
        self._strip = self._strip_of[wire.rank]
        self._begin, self._end = bounds[self._strip : self._strip + 2]

    def own(self, whole: torch.Tensor) -> torch.Tensor:
        scale, rest = divmod(whole.shape[-2], self._latent_rows)
        assert rest == 0, whole.shape
        return whole[..., scale * self._begin : scale * self._end, :]

    def whole(self, own: torch.Tensor) -> torch.Tensor:
        scale = own.shape[-2] // (self._end - self._begin)
        counts = [scale * rows for rows in self._counted]
        given = own.movedim(-2, 0)[: counts[self._wire.rank]].contiguous()
        return self._wire.gather(given, counts).movedim(0, -2)

    def lay(self, hidden_TCHW: torch.Tensor, target_TCHW: torch.Tensor, write: Write) -> None:
        # One by one, because between halos only the rows of a single frame lie in memory without a gap.
        for frame in zip(hidden_TCHW.split(1), target_TCHW[:, :, 1:-1].split(1), strict=True):
            write(*frame)
        self._fill_halos(target_TCHW, 1, 1)

    def extend(self, hidden_TCHW: torch.Tensor, above: int, below: int) -> torch.Tensor:
        frames, channels, rows, columns = hidden_TCHW.shape
        extended_TCHW = torch.empty(
            (frames, channels, above + rows + below, columns),
            dtype=hidden_TCHW.dtype,
            device=hidden_TCHW.device,
            memory_format=torch.channels_last,
        )
        extended_TCHW[:, :, above : above + rows] = hidden_TCHW
        self._fill_halos(extended_TCHW, above, below)
        return extended_TCHW

    def _fill_halos(self, target_TCHW: torch.Tensor, above: int, below: int) -> None:
        """Fill the first `above` and the last `below` rows, 0 or 1, from the strips there, which fill theirs."""
        rows_HTWC = target_TCHW.permute(2, 0, 3, 1)
        end = len(rows_HTWC) - below
        sent = self._to_neighbours(below, above)
        told_HTWC = rows_HTWC.new_empty((sum(sent), *rows_HTWC.shape[1:]))
        told_above = sum(sent[: self._strip])
        told_HTWC[:told_above] = rows_HTWC[above : above + 1]
        told_HTWC[told_above:] = rows_HTWC[end - 1 : end]
        received = self._from_neighbours(above, below)
        heard_HTWC = self._wire.exchange(told_HTWC, sent, received)()
        heard_above = sum(received[: self._strip])
        rows_HTWC[:above] = heard_HTWC[:heard_above] if heard_above else 0
        rows_HTWC[end:] = heard_HTWC[heard_above:] if heard_above < len(heard_HTWC) else 0

    def _to_neighbours(self, above: int, below: int) -> list[int]:
        """So much for each process above and below, by rank."""
        speaks = self._wire.rank == self._strip
        return [speaks * self._beside(strip, above, below) for strip in self._strip_of]

    def _from_neighbours(self, above: int, below: int) -> list[int]:
        """So much from one process above and one below, by rank."""
        heard = (rank == strip for rank, strip in enumerate(self._strip_of))
        return [speaks * self._beside(strip, above, below) for speaks, strip in zip(heard, self._strip_of, strict=True)]

    def _beside(self, strip: int, above: int, below: int) -> int:
        return {self._strip - 1: above, self._strip + 1: below}.get(strip, 0)

"""Processes that talk to each other."""

from datetime import timedelta

import pytest
import torch

from tests.parallel.ranks import PATIENCE, Group, run_ranks


def exchange_rows(group: Group) -> list[list[float]]:
    """Each process sends row i · 10 + j to process j, j + 1 times."""
    wire = group.everyone
    sent = [receiver + 1 for receiver in range(wire.size)]
    rows = torch.cat([torch.full((count, 2), float(10 * wire.rank + to)) for to, count in enumerate(sent)])
    return wire.exchange(rows, sent, [wire.rank + 1] * wire.size)().tolist()


@pytest.mark.parametrize("size", [2, 3])
def test_rows_are_exchanged(size: int):
    for rank, received in enumerate(run_ranks(size, exchange_rows)):
        assert received == [[10.0 * source + rank] * 2 for source in range(size) for _ in range(rank + 1)]


def gather_rows(group: Group) -> list[float]:
    counts = [3, 0, 1][: group.size]
    return group.everyone.gather(torch.full((counts[group.rank],), float(group.rank)), counts).tolist()


def test_each_process_gathers_rows_of_all():
    assert run_ranks(3, gather_rows) == [[0.0, 0.0, 0.0, 2.0]] * 3


def hear_in_halves(group: Group) -> tuple[float, str]:
    half = group.wires([range(2), range(2, 4)])
    given = half.broadcast(torch.tensor(float(group.rank)), source=1).item()
    if group.rank == 0:
        group.tell({"word": "begin"})
        return given, "told"
    return given, group.hear()["word"]


def test_halves_talk_among_themselves_and_all_hear_the_first():
    assert run_ranks(4, hear_in_halves) == [(1.0, "told"), (1.0, "begin"), (3.0, "begin"), (3.0, "begin")]


def patience_of_parts(group: Group) -> list[timedelta]:
    parts = group.processes([range(2)]), group.everyone._processes
    # Whoever left now would leave the other in the middle of connecting.
    group.everyone.gather(torch.zeros(1), [1, 1])
    return [part._get_backend(torch.device("cpu")).options._timeout for part in parts]


def test_every_part_waits_as_long_as_the_group():
    assert run_ranks(2, patience_of_parts) == [[timedelta(seconds=PATIENCE)] * 2] * 2

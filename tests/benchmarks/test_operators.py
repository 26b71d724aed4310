"""No more operators are run than are recorded: a regression that needs no GPU to be seen."""

import copy

import pytest
import torch

from benchmarks.operators import WAITS, Counts, OperatorCounter, count_operators, differences, read_record


@pytest.fixture(scope="module")
def counts() -> dict[str, Counts]:
    return count_operators()


def test_as_many_operators_are_run_as_are_recorded(counts: dict[str, Counts]):
    found = {"torch": torch.__version__.partition("+")[0], "counts": counts}
    lines = list(differences(read_record(), found))
    assert not lines, "\n".join(lines)


@pytest.mark.parametrize("done", ["forward", "block with speech", "block without speech"])
def test_the_device_is_never_waited_for(counts: dict[str, Counts], done: str):
    assert not set(counts[done]) & set(WAITS)


def test_waiting_for_the_device_would_be_seen():
    tensor = torch.ones(2)
    for wait in (lambda: tensor[0].item(), tensor.nonzero, lambda: bool(tensor.all()), lambda: float(tensor[0])):
        with OperatorCounter() as counter:
            wait()
        assert set(counter.counts) & set(WAITS)


def test_the_parts_make_the_whole(counts: dict[str, Counts]):
    totals = {name: sum(operators.values()) for name, operators in counts.items()}
    blocks = totals["block with speech"] + totals["block without speech"]
    assert blocks < totals["forward"] < blocks + 40
    assert 2 * totals["forward"] < totals["guided step"] < 2 * totals["forward"] + 20
    assert counts["forward"]["aten::addmm"] > counts["block with speech"]["aten::addmm"]


def test_views_and_empty_memory_are_not_counted():
    tensor = torch.ones(2, 3, 4)
    with OperatorCounter() as counter:
        tensor.transpose(0, 1).unsqueeze(0)[:, :1].expand(2, -1, -1, -1).detach()
        tensor.view(6, 4)
        torch.empty_like(tensor)
        tensor.new_empty(3)
    assert not counter.counts
    with OperatorCounter() as counter:
        (tensor + 1).contiguous().mul_(2)
    assert counter.counts == {"aten::add": 1, "aten::mul_": 1}


def test_more_and_fewer_are_said_by_operator():
    record = read_record()
    assert list(differences(record, record)) == []
    changed = copy.deepcopy(record)
    adds, total = record["counts"]["forward"]["aten::add"], sum(record["counts"]["forward"].values())
    changed["counts"]["forward"]["aten::add"] += 3
    del changed["counts"]["forward"]["aten::sin"]
    said = list(differences(record, changed))
    assert said[0] == f"forward: {total + 2} operators where {total} are recorded (+2)"
    assert said[1].split() == ["aten::add", str(adds), "→", str(adds + 3), "(+3)"]
    assert said[2].split() == ["aten::sin", "1", "→", "0", "(-1)"]
    assert said[-1].endswith("python -m benchmarks operators --write")
    assert len(said) == 4


def test_what_is_counted_for_the_first_time_is_said_and_so_is_another_pytorch():
    record = read_record()
    changed = copy.deepcopy(record)
    changed["torch"] = "9.9"
    changed["counts"]["tail"] = changed["counts"].pop("prepare")
    said = list(differences(record, changed))
    assert said[0].startswith(f"recorded with PyTorch {record['torch']}, counted with 9.9")
    assert said[1:3] == ["prepare: recorded, and no longer counted", "tail: not recorded"]

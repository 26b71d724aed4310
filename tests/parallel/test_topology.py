"""What processes there are for a video, and what is refused."""

from typing import Any

import pytest

from s2v_runner.errors import InputError
from s2v_runner.parallel.topology import Asked, Machine, Topology, Video, choose_topology

RELEASED_HEADS = 40


def choose(
    asked: dict[str, Any], machine: dict[str, Any] | None = None, video: dict[str, Any] | None = None
) -> Topology:
    wish = {"mode": "ulysses", "ulysses_size": "auto", "dit_fsdp": False, "t5_fsdp": False}
    there = {"launched": 1, "launched_here": 1, "gpus": 8}
    what = {"heads": RELEASED_HEADS, "has_branches": True, "has_both_always": True, "tokens": 63360}
    return choose_topology(
        Asked(**{**wish, "is_spread": False, "device": "auto", **asked}),
        Machine(**{**there, **(machine or {})}),
        Video(**{**what, **(video or {})}),
    )


def shape(topology: Topology) -> tuple[int, int]:
    return topology.branches, topology.sequence


@pytest.mark.parametrize(
    ("asked", "machine", "chosen"),
    [
        ({"mode": "single"}, {}, (1, 1)),
        ({}, {}, (1, 8)),
        ({}, {"gpus": 7}, (1, 5)),
        ({}, {"gpus": 3}, (1, 2)),
        ({"ulysses_size": 4}, {}, (1, 4)),
        ({"mode": "cfg"}, {}, (2, 4)),
        ({"mode": "cfg"}, {"gpus": 2}, (2, 1)),
        ({"mode": "cfg", "ulysses_size": 2}, {}, (2, 2)),
        # Without a GPU it is for trying out.
        ({}, {"gpus": 0}, (1, 2)),
        ({"mode": "cfg"}, {"gpus": 0}, (2, 1)),
        ({"device": "cpu"}, {}, (1, 2)),
        ({"ulysses_size": 5}, {"gpus": 0}, (1, 5)),
        # Whoever launches decides.
        ({}, {"launched": 4, "launched_here": 4}, (1, 4)),
        ({"mode": "cfg"}, {"launched": 4, "launched_here": 4}, (2, 2)),
        ({"ulysses_size": 20}, {"launched": 20, "launched_here": 4}, (1, 20)),
        # Of workers, the smallest groups.
        ({"is_spread": True}, {}, (1, 2)),
        ({"is_spread": True, "mode": "cfg"}, {}, (2, 1)),
        ({"is_spread": True, "ulysses_size": 4}, {}, (1, 4)),
    ],
)
def test_the_processes_of_a_video(asked: dict[str, Any], machine: dict[str, Any], chosen: tuple[int, int]):
    topology = choose(asked, machine)
    assert shape(topology) == chosen
    assert topology.processes == chosen[0] * chosen[1]


@pytest.mark.parametrize(
    ("asked", "machine", "video", "said"),
    [
        ({"ulysses_size": 16}, {}, {}, "40 heads do not divide among 16 .*1, 2, 4, 5, 8, 10, 20, 40"),
        ({"ulysses_size": 10}, {}, {}, "10 processes .*it has 8 GPUs.*ulysses_size=8"),
        ({"ulysses_size": 2}, {"gpus": 1}, {}, "2 processes .*it has 1 GPU, .*Leave parallel out"),
        ({}, {"gpus": 1}, {}, "one GPU here"),
        ({"mode": "cfg", "ulysses_size": 5}, {}, {}, "10 processes .*it has 8 GPUs.*ulysses_size=4"),
        ({}, {"launched": 10, "launched_here": 10}, {}, "10 processes on this machine: it has 8 GPUs"),
        ({}, {"launched": 3, "launched_here": 3}, {}, "40 heads do not divide among 3"),
        ({"ulysses_size": 4}, {"launched": 2, "launched_here": 2}, {}, "2 processes were launched. Launch 4"),
        ({"mode": "cfg"}, {"launched": 5, "launched_here": 5}, {}, "two halves. Launch an even number"),
        ({"mode": "single"}, {"launched": 2, "launched_here": 2}, {}, "2 processes: .*Add parallel=ulysses"),
        ({"mode": "single", "ulysses_size": 2}, {}, {}, "ulysses_size=2: .*Add parallel=ulysses"),
        ({"mode": "single", "dit_fsdp": True}, {}, {}, "dit_fsdp=true: there is one process"),
        ({"mode": "single", "t5_fsdp": True}, {}, {}, "t5_fsdp=true: there is one process"),
        ({"ulysses_size": 1}, {}, {}, "needs two processes at least"),
        ({"mode": "cfg"}, {}, {"has_branches": False}, "without guidance there is one branch"),
        ({"mode": "cfg", "dit_fsdp": True}, {}, {"has_both_always": False}, "dit_fsdp=true: .*guidance is left out"),
        ({"device": "cuda:1"}, {}, {}, "memory.device=cuda:1: .*CUDA_VISIBLE_DEVICES"),
        ({"ulysses_size": 8}, {}, {"tokens": 6}, "6 tokens, less than one for each .*5 processes"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(
    asked: dict[str, Any], machine: dict[str, Any], video: dict[str, Any], said: str
):
    with pytest.raises(InputError, match=said):
        choose(asked, machine, video)


def test_a_checkpoint_that_does_not_say_its_heads_is_tried():
    assert shape(choose({"ulysses_size": 3}, video={"heads": None})) == (1, 3)

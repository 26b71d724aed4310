"""How many workers there are on a machine, and which GPUs each has."""

import pytest

from s2v_runner.config.compose import compose_run
from s2v_runner.config.schema import ParallelConfig
from s2v_runner.errors import InputError
from s2v_runner.parallel.places import place_workers

EIGHT = tuple("01234567")


def asked(*words: str) -> ParallelConfig:
    return compose_run(["parallel=points", *words]).config.parallel


def gpus_of(parallel: ParallelConfig, processes: int, gpus: tuple[str, ...], points: int) -> dict[str, tuple[str, ...]]:
    places = place_workers(parallel, processes, "auto", gpus, points)
    assert {place.crews for place in places.values()} == {len(places)}
    return {name: place.gpus for name, place in places.items()}


def test_each_gpu_has_a_worker():
    assert gpus_of(asked(), 1, ("0", "1", "5"), 200) == {"GPU 0": ("0",), "GPU 1": ("1",), "GPU 5": ("5",)}


def test_each_group_of_gpus_has_a_worker_and_what_is_left_over_has_none():
    assert gpus_of(asked(), 3, EIGHT, 200) == {"GPUs 0,1,2": ("0", "1", "2"), "GPUs 3,4,5": ("3", "4", "5")}


def test_there_are_not_more_workers_than_points_or_than_were_asked_for():
    assert list(gpus_of(asked(), 1, EIGHT, 2)) == ["GPU 0", "GPU 1"]
    assert list(gpus_of(asked("parallel.workers=3"), 2, EIGHT, 200)) == ["GPUs 0,1", "GPUs 2,3", "GPUs 4,5"]


@pytest.mark.parametrize(("workers", "count"), [("auto", 2), ("1", 1), ("5", 5)])
def test_without_gpus_there_are_as_many_as_were_asked_for(workers: str, count: int):
    assert gpus_of(asked(f"parallel.workers={workers}"), 2, (), 200) == {
        f"worker {number}": () for number in range(1, count + 1)
    }


def test_more_workers_than_there_are_gpus_for_are_refused_with_what_would_do():
    with pytest.raises(
        InputError, match=r"parallel\.workers=5: each worker needs 2 GPUs, and there are 8 here\. Give p.*=4"
    ):
        place_workers(asked("parallel.workers=5"), 2, "auto", EIGHT, 200)


def test_a_group_that_no_machine_has_is_refused():
    with pytest.raises(InputError, match=r"each worker needs 16 GPUs, and there are 8 here"):
        place_workers(asked("parallel.mode=ulysses"), 16, "auto", EIGHT, 200)


def test_one_device_cannot_be_every_worker_s():
    with pytest.raises(InputError, match=r"memory\.device=cuda:1: .* CUDA_VISIBLE_DEVICES"):
        place_workers(asked(), 1, "cuda:1", EIGHT, 200)

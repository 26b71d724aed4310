import pytest

from s2v_runner.errors import InputError
from s2v_runner.placement.processes import ALONE, NAMES, Processes, launched_processes, read_launch

LAUNCHED = {
    "RANK": "5",
    "WORLD_SIZE": "8",
    "LOCAL_RANK": "1",
    "LOCAL_WORLD_SIZE": "4",
    "MASTER_ADDR": "node-0",
    "MASTER_PORT": "29500",
}


def test_what_a_launcher_left_in_the_environment_is_read(monkeypatch: pytest.MonkeyPatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    assert launched_processes() == ALONE
    for name, value in LAUNCHED.items():
        monkeypatch.setenv(name, value)
    assert launched_processes() == Processes(5, 8, 1, 4, ("node-0", 29500))


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"RANK": "", "WORLD_SIZE": ""},
        {"RANK": "0", "WORLD_SIZE": "1"},
        # Clusters set these for whoever may launch something.
        {"MASTER_ADDR": "node-0", "MASTER_PORT": "29500"},
    ],
)
def test_nothing_was_launched(environment: dict[str, str]):
    assert read_launch(environment) == ALONE


@pytest.mark.parametrize("name", NAMES)
def test_an_environment_that_is_half_set_is_refused(name: str):
    with pytest.raises(InputError, match=f"{name} is not. Start with torchrun"):
        read_launch({key: value for key, value in LAUNCHED.items() if key != name})


@pytest.mark.parametrize(
    "changed",
    [
        {"RANK": "first"},
        {"WORLD_SIZE": "-3"},
        {"RANK": "8"},
        {"LOCAL_RANK": "4"},
        {"LOCAL_WORLD_SIZE": "9"},
        {"MASTER_PORT": "http"},
        {"MASTER_PORT": "0"},
    ],
)
def test_an_environment_that_makes_no_sense_is_refused(changed: dict[str, str]):
    with pytest.raises(InputError, match=next(iter(changed))):
        read_launch({**LAUNCHED, **changed})


def test_one_process_speaks():
    assert [Processes(rank, 3, rank, 3, ("", 0)).is_first for rank in range(3)] == [True, False, False]

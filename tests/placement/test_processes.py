import pytest

from s2v_runner.placement.processes import Processes, launched_processes


@pytest.mark.parametrize(
    ("environment", "processes"),
    [
        ({}, Processes(0, 1)),
        ({"RANK": "0", "WORLD_SIZE": "8"}, Processes(0, 8)),
        ({"RANK": "7", "WORLD_SIZE": "8"}, Processes(7, 8)),
        ({"RANK": "", "WORLD_SIZE": ""}, Processes(0, 1)),
        ({"RANK": "first", "WORLD_SIZE": "-3"}, Processes(0, 1)),
    ],
)
def test_what_a_launcher_left_in_the_environment_is_read(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], processes: Processes
):
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert launched_processes() == processes


def test_one_process_speaks():
    assert [Processes(rank, 3).is_first for rank in range(3)] == [True, False, False]

from collections.abc import Callable
from pathlib import Path

import pytest

from s2v_runner.placement import gpus
from s2v_runner.placement.gpus import Gpu, list_gpus

Install = Callable[[str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a tool of the driver's name on the path, and nothing else."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def install(script: str) -> None:
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)

    return install


def test_gpus_are_listed_with_what_is_free(install: Install):
    install(
        '[ "$*" = "--query-gpu=name,memory.free,compute_cap --format=csv,noheader,nounits" ] || exit 3\n'
        'echo "NVIDIA H200, 143000, 9.0"\necho "Name, with a comma, 16, 12.1"\necho ""'
    )
    assert list_gpus() == [Gpu("NVIDIA H200", 143000 * 2**20, (9, 0)), Gpu("Name, with a comma", 16 * 2**20, (12, 1))]


def test_without_a_driver_there_is_none(install: Install):
    assert list_gpus() == []


@pytest.mark.parametrize(
    "script",
    [
        "exit 9",
        'echo "NVIDIA-SMI has failed because it couldn\'t communicate with the NVIDIA driver."',
        'echo "NVIDIA GB10, [N/A], 12.1"',
        "printf '\\377\\n'",
        "",
    ],
)
def test_a_driver_that_does_not_answer_counts_as_none(install: Install, script: str):
    install(script)
    assert list_gpus() == []


def test_a_driver_that_hangs_is_not_waited_for(install: Install, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gpus, "_PATIENCE", 0.2)
    install("exec /bin/sleep 60")
    assert list_gpus() == []


def test_a_tool_that_cannot_be_started_counts_as_none(tmp_path: Path, install: Install):
    install("")
    (tmp_path / "nvidia-smi").write_bytes(b"\x7fELF nothing of the kind")
    assert list_gpus() == []

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.inputs.speech.cosyvoice.standin import write_recording


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Six seconds of a voice."""
    return write_recording(tmp_path / "voice.wav")


@pytest.fixture(autouse=True)
def temporary_files(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary files go, which must be as empty after a test as before it."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []

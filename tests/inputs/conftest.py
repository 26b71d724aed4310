from pathlib import Path

import pytest


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where what is heard is written."""
    return tmp_path / "heard.wav"

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from s2v_runner.execution import Session
from tests.sweep.stub import Rig, prepared_session, rig_settings

RATE = 16000


@pytest.fixture(scope="session")
def busy_session() -> Session:
    """What all these processes share, known before they begin."""
    return prepared_session()


@pytest.fixture
def rig(tmp_path: Path, picture_file: Path, write_sound: Callable[[np.ndarray], Path], busy_session: Session) -> Rig:
    """A folder to make sweeps in."""
    sound = write_sound(np.random.default_rng(0).normal(0, 0.1, RATE // 2))
    return Rig(tmp_path, rig_settings(picture_file, sound, tmp_path / "outputs"), busy_session)

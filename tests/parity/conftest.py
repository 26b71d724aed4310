import pytest

from s2v_runner.engine import Engine
from tests.conftest import make_engine
from tests.parity.recordings import CHECKPOINT


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The recordings' own checkpoint, as the original ran it: on the CPU in float32."""
    return make_engine(CHECKPOINT)

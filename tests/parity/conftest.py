import pytest
import torch

from s2v_runner.checkpoint.layout import locate_checkpoint
from s2v_runner.engine import Engine, EngineSettings
from tests.parity.recordings import CHECKPOINT


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The recordings' own checkpoint, as the original ran it: on the CPU in float32."""
    settings = EngineSettings(
        folder=locate_checkpoint(CHECKPOINT), device=torch.device("cpu"), dtype=torch.float32, attention="sdpa"
    )
    return Engine(settings, lambda *_: None)

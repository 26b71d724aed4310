"""What many tests share: the tiny checkpoint, loaded once, and small inputs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from s2v_runner.checkpoint.layout import locate_checkpoint
from s2v_runner.division import UNDIVIDED
from s2v_runner.engine import Engine, EngineSettings
from s2v_runner.execution import Session
from s2v_runner.records import EVERY_PASS, FIXED, Request
from s2v_runner.transformer import S2VTransformer, plain_backend
from tests.places import TINY_CHECKPOINT
from tests.runs import Workshop, workshop_settings

CPU = torch.device("cpu")
GPU_OR_CPU = torch.device("cuda" if torch.cuda.is_available() else "cpu")
RATE = 16000

# The models are tiny: more threads only wait for each other, and a forked process could not use them.
torch.set_num_threads(1)


def make_engine(folder: Path, dtype: torch.dtype = torch.float32) -> Engine:
    settings = EngineSettings(
        folder=locate_checkpoint(folder),
        digest="",
        device=CPU,
        dtype=dtype,
        autoencoder_dtype=torch.float32,
        attention="sdpa",
        kernels="plain",
        matrices="model",
        text_device=CPU,
        memory="resident",
        loras=(),
        dit_fsdp=False,
        t5_fsdp=False,
    )
    return Engine(settings, lambda *_: None, UNDIVIDED)


@pytest.fixture(scope="session")
def tiny_engine() -> Engine:
    return make_engine(TINY_CHECKPOINT)


@pytest.fixture(scope="session")
def transformer() -> S2VTransformer:
    """A small one of random weights."""
    from tests.transformer.models import make_transformer

    return make_transformer(plain_backend("sdpa"), torch.float32)


@pytest.fixture
def picture_file(tmp_path: Path) -> Path:
    """A colourful picture of 96 by 80."""
    rows, columns = np.mgrid[0:80, 0:96]
    pixels = np.stack((rows * 3, columns * 2, (rows + columns)), axis=-1).astype(np.uint8)
    path = tmp_path / "picture.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def write_sound(tmp_path: Path) -> Callable[[np.ndarray], Path]:
    """Writes samples at 16 kHz to a WAV file."""

    def write(samples: np.ndarray) -> Path:
        path = tmp_path / "sound.wav"
        soundfile.write(path, samples.astype(np.float32), RATE, subtype="FLOAT")
        return path

    return write


@pytest.fixture
def speech_file(write_sound: Callable[[np.ndarray], Path]) -> Path:
    """A second of noise that swells and fades."""
    noise = np.random.default_rng(0).normal(0, 0.1, RATE)
    return write_sound(noise * np.sin(np.linspace(0, 3 * np.pi, RATE)))


@pytest.fixture
def request_for(picture_file: Path, speech_file: Path) -> Callable[..., Request]:
    """A small request, with whatever the test changes."""

    def make(**changes: object) -> Request:
        settings = {
            "prompt": "A woman speaking",
            "negative_prompt": None,
            "image": picture_file,
            "audio": speech_file,
            "pose_video": None,
            "area": 64 * 64,
            "exact_size": None,
            "infer_frames": 8,
            "num_clip": None,
            "start_from_ref": False,
            "solver": "euler",
            "steps": 1,
            "shift": 3.0,
            "guide_scale": 1.0,
            "economy": EVERY_PASS,
            "base_seed": 42,
            "motion_frames": 73,
            "sample_fps": 16,
            "compat": FIXED,
        }
        return Request(**{**settings, **changes})

    return make


@pytest.fixture(scope="session")
def session() -> Session:
    """What runs share, so that the tiny checkpoint is loaded once."""
    return Session()


@pytest.fixture
def workshop(tmp_path: Path, picture_file: Path, speech_file: Path, session: Session) -> Workshop:
    """A folder to make whole runs in."""
    return Workshop(tmp_path, workshop_settings(picture_file, speech_file, tmp_path / "outputs"), session)

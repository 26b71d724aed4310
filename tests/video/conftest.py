from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s2v_runner.video.writer import VideoWriter
from tests.video.material import FPS, HEIGHT, WIDTH, record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".video.mp4.unfinished"


@pytest.fixture
def open_writer(tmp_path: Path, path: Path) -> Callable[..., VideoWriter]:
    """A writer of a second of video, with whatever the test changes."""

    def make(**changes: object) -> VideoWriter:
        settings: dict[str, Any] = {"path": path, "height": HEIGHT, "width": WIDTH, "fps": FPS, "num_frames": FPS}
        settings |= {"crf": 20, "audio_kbps": 192, "metadata": {}, **changes}
        if "audio" not in settings:
            settings["audio"] = record(tmp_path / "speech.wav", 16000, 1, 16000)
        return VideoWriter(**settings)

    return make

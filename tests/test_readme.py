"""The README's example runs as it stands, on the tiny checkpoint."""

import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import TINY_CHECKPOINT

README = Path(__file__).parent.parent / "README.md"


def test_the_example_makes_a_frame_for_every_sixteenth_of_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture_file: Path, speech_file: Path
):
    code = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    shutil.copytree(TINY_CHECKPOINT, tmp_path / "weights")
    speech_file.rename(tmp_path / "speech.wav")
    monkeypatch.chdir(tmp_path)
    exec(compile(code[1], str(README), "exec"), {})
    frames = sorted(tmp_path.glob("frame_*.png"))
    assert len(frames) == 16
    with Image.open(frames[0]) as frame:
        assert frame.size == (128, 128)

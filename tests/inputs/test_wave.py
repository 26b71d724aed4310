from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from s2v_runner.errors import OutputError
from s2v_runner.inputs.wave import write_wave


@pytest.mark.parametrize("channels", [1, 2, 8])
def test_samples_are_read_back_as_they_were_written(target: Path, channels: int):
    samples = np.random.default_rng(channels).normal(0, 1, (1001, channels)).astype(np.float32)
    write_wave(target, np.array_split(samples, 7), 22050, channels, len(samples))
    read, rate = soundfile.read(target, dtype="float32", always_2d=True)
    assert rate == 22050
    assert np.array_equal(read, samples)


def interrupted() -> Iterator[np.ndarray]:
    yield np.zeros((100, 1), np.float32)
    raise KeyboardInterrupt


def test_a_file_that_is_interrupted_leaves_nothing(tmp_path: Path, target: Path):
    with pytest.raises(KeyboardInterrupt):
        write_wave(target, interrupted(), 16000, 1, 200)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path):
    with pytest.raises(OutputError, match="nowhere"):
        write_wave(tmp_path / "nowhere" / "heard.wav", [], 16000, 1, 0)

"""Errors travel from process to process as they are."""

import pickle
from pathlib import Path

import pytest

from s2v_runner.errors import DeviceMemoryError, InputError, OutputError
from s2v_runner.interruption import Interrupted


@pytest.mark.parametrize(
    "error",
    [
        InputError("sampler.steps=0", "there is nothing to do", "Give 1 or more"),
        OutputError(Path("video.mp4"), OSError(28, "No space left on device")),
        OutputError(Path("video.mp4"), ValueError("odd")),
        DeviceMemoryError("too little"),
        Interrupted(15),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_arrives_says_the_same(error: BaseException):
    arrived = pickle.loads(pickle.dumps(error))
    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert {key: str(value) for key, value in vars(arrived).items()} == {
        key: str(value) for key, value in vars(error).items()
    }

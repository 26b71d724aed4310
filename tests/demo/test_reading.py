"""Videos are read frame by frame, and the reader that is kept reads the world as it is drawn."""

import numpy as np
import pytest
import torch

from demo.reading import QUANTITIES, READER_FILE, Reader, Readings, load_reader, read_faces, true_readings
from demo.training.reader import measure_reader
from demo.world.geometry import head_centre
from demo.world.mouth import MouthTrack, follow_phonemes
from demo.world.speech import Phoneme
from demo.world.take import draw_takes

FPS = 16


@pytest.fixture(scope="module")
def reader() -> Reader:
    return load_reader(READER_FILE)


def mouths() -> list[MouthTrack]:
    """Somebody says that they may walk by now."""
    told = [Phoneme(symbol, 0.1 + 0.2 * at, 0.3 + 0.2 * at) for at, symbol in enumerate("meɪwɔkbinauɑfi")]
    return [follow_phonemes(told[first:] + told[:first], 48, FPS) for first in (0, 0)]


def test_a_video_is_read_frame_by_frame(reader: Reader):
    video = torch.rand(2, 3, 3, 128, 128, generator=torch.Generator().manual_seed(0)) * 2 - 1
    readings = read_faces(reader, video)
    for place, name in enumerate(QUANTITIES):
        values = getattr(readings, name)
        assert (values.shape, values.dtype) == ((2, 3), torch.float32)
        with torch.no_grad():
            alone = reader(video[1:, :, 2])
        torch.testing.assert_close(values[1, 2], alone[0, place], atol=1e-5, rtol=1e-4)


def test_half_precision_is_read_too(reader: Reader):
    video = torch.rand(1, 3, 2, 128, 128, generator=torch.Generator().manual_seed(1)) * 2 - 1
    torch.testing.assert_close(
        read_faces(reader, video.half()).opening, read_faces(reader, video.half().float()).opening
    )


def test_pictures_of_another_size_are_a_mistake(reader: Reader):
    with pytest.raises(AssertionError, match="128 × 128"):
        read_faces(reader, torch.zeros(1, 3, 1, 64, 128))


def test_the_truth_is_that_of_the_takes():
    takes = draw_takes(mouths(), torch.Generator().manual_seed(2))
    truth = true_readings(takes.identities, takes.performances)
    assert isinstance(truth, Readings)
    assert torch.equal(truth.blink, takes.performances.blink)
    centre = head_centre(takes.identities, takes.performances)
    assert torch.equal(torch.stack((truth.centre_x, truth.centre_y), 2), centre)


def test_the_reader_that_is_kept_knows_the_world(reader: Reader):
    scores = measure_reader(reader, mouths(), seed=3, count=10)
    assert scores.keys() == {*QUANTITIES, "opening_within", "width_within", "rounding_within", "centre_error"}
    assert min(scores["opening"], scores["opening_within"], scores["yaw"]) > 0.9
    assert scores["centre_error"] < 0.03
    assert np.isfinite(list(scores.values())).all()

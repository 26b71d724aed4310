"""The shipped model speaks: a video of the whole pipeline is read frame by frame and held against the truth.

Each check is shown to fail too, on a video with the defect that it is there to find.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from demo.evaluation.cases import GROUPS, POOLS, Case, draw_cases
from demo.evaluation.likeness import compare_looks
from demo.evaluation.making import Maker, default_request, default_settings, load_engine
from demo.evaluation.measures import correlate, lagged
from demo.reading import READER_FILE, Reader, Readings, load_reader, read_faces, true_readings
from demo.world.performance import FRAMES_PER_SECOND
from s2v_runner.config.places import asset
from s2v_runner.plan import SPEECH_RATE
from s2v_runner.records import Pass
from s2v_runner.sampling import clips
from s2v_runner.sampling.guidance import Branches, Velocity, guided_velocity
from s2v_runner.transformer import Conditioning, S2VTransformer
from tests.conftest import CPU

STEPS = 8
GUIDANCE = 4.0
LATE = 4
"""Frames by which the speech of the defective video comes late."""


@dataclass(frozen=True)
class Watched:
    video_BCVHW: torch.Tensor
    readings: Readings


class Studio:
    """Makes videos of cases and reads them."""

    def __init__(self) -> None:
        request = default_request()
        self._maker = Maker(load_engine(Path(asset("demo_model")), CPU), request)
        self._settings = replace(default_settings(request), steps=STEPS)
        self._reader: Reader = load_reader(READER_FILE)

    def film(self, case: Case, guide_scale: float) -> Watched:
        video_BCVHW = self._maker.make(case, replace(self._settings, guide_scale=guide_scale)).video_BCVHW
        return Watched(video_BCVHW, read_faces(self._reader, video_BCVHW))


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio()


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """People of the validation set; the last is asked to smile while speaking."""
    drawn = draw_cases(POOLS["validation"], GROUPS["acted"], 4, 0)
    assert drawn[-1].act == "smile"
    return drawn


@pytest.fixture(scope="module")
def case(cases: list[Case]) -> Case:
    return cases[-1]


@pytest.fixture(scope="module")
def guided(studio: Studio, case: Case) -> Watched:
    return studio.film(case, GUIDANCE)


@pytest.fixture(scope="module")
def unguided(studio: Studio, case: Case) -> Watched:
    return studio.film(case, 1.0)


def check_lips(watched: Watched, case: Case) -> None:
    """The mouth opens when the speech wants it, neither earlier nor later."""
    read = watched.readings.opening[0].numpy()
    truth = true_readings(case.identities, case.performance).opening[0].numpy()
    agreement = {lag: correlate(*lagged(read, truth, lag)) for lag in range(-6, 7)}
    assert agreement[0] >= 0.75, agreement
    assert abs(max(agreement, key=agreement.__getitem__)) <= 1, agreement


def check_person(watched: Watched, case: Case) -> None:
    """Colours and shapes are those of the person in the picture."""
    looks = compare_looks(watched.video_BCVHW, case.identities, case.portrait, watched.readings)
    assert looks.ground_error.mean() <= 6
    assert looks.face_error.mean() <= 15
    assert looks.ssim.mean() >= 0.85


def check_guidance(guided: Watched, unguided: Watched) -> None:
    """Guidance exaggerates what it is told: mouths get wider and narrower than they are without."""
    assert guided.readings.width.std() >= 1.15 * unguided.readings.width.std()


def test_the_lips_agree_with_the_speech(guided: Watched, unguided: Watched, case: Case):
    check_lips(guided, case)
    check_lips(unguided, case)


def test_lips_that_are_late_are_found(studio: Studio, case: Case):
    samples = round(LATE / FRAMES_PER_SECOND * SPEECH_RATE)
    delayed = replace(case, waveform=np.pad(case.waveform, (samples, 0))[: len(case.waveform)])
    late = studio.film(delayed, 1.0)
    with pytest.raises(AssertionError):
        check_lips(late, case)


def test_the_person_is_the_one_in_the_picture(guided: Watched, unguided: Watched, case: Case):
    check_person(guided, case)
    check_person(unguided, case)


def test_somebody_else_is_found(guided: Watched, cases: list[Case]):
    for other in cases[:-1]:
        with pytest.raises(AssertionError):
            check_person(guided, other)


def test_guidance_exaggerates(guided: Watched, unguided: Watched):
    check_guidance(guided, unguided)


def test_guidance_that_is_ignored_is_found(
    studio: Studio, unguided: Watched, case: Case, monkeypatch: pytest.MonkeyPatch
):
    def ignore(
        transformer: S2VTransformer,
        given: Conditioning,
        text_BTC: torch.Tensor,
        guide_scale: float,
        passes: Sequence[Pass],
        branches: Branches,
    ) -> Velocity:
        return guided_velocity(transformer, given, text_BTC, 1.0, passes, branches)

    monkeypatch.setattr(clips, "guided_velocity", ignore)
    ignorant = studio.film(case, GUIDANCE)
    with pytest.raises(AssertionError):
        check_guidance(ignorant, unguided)


def test_the_prompt_is_followed(guided: Watched, cases: list[Case]):
    """Who is asked to smile does, and does not turn."""
    later = slice(guided.readings.smile.shape[1] // 2, None)
    assert guided.readings.smile[0, later].mean() > 0.5
    assert guided.readings.yaw[0, later].mean().abs() < 0.3

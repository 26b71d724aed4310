"""Cases are of unseen people, voices and sentences, and what is said to be true of them is."""

import numpy as np
import pytest
import torch

from demo.evaluation.cases import ACTS, GROUPS, POOLS, Case
from demo.evaluation.measures import follow_loudness
from demo.world.sentences import HELD_OUT_SENTENCES, HELD_OUT_VOICES, TRAINING_VOICES
from tests.demo.evaluation.shown import cases_of


@pytest.fixture(scope="module")
def held_out() -> list[Case]:
    return cases_of("plain", 3, "held-out")


def test_held_out_cases_say_held_out_sentences_with_held_out_voices(held_out: list[Case], plain_cases: list[Case]):
    for case in held_out:
        assert case.line.voice.name in HELD_OUT_VOICES
        rest = case.line.text
        for sentence in HELD_OUT_SENTENCES:
            rest = rest.replace(sentence, "")
        assert rest.strip() == ""
    for case in plain_cases:
        assert case.line.voice.name in TRAINING_VOICES
        assert not any(sentence in case.line.text for sentence in HELD_OUT_SENTENCES)


def test_no_two_cases_show_the_same_person(held_out: list[Case], plain_cases: list[Case], acted_cases: list[Case]):
    people = torch.stack([case.identities.skin_colour[0] for case in (*held_out, *plain_cases, *acted_cases)])
    assert len(people.unique(dim=0)) == len(people)


def test_pools_and_groups_have_seeds_that_pytorch_tells_apart_from_those_of_a_training():
    seeds = {(pool.seed + group.number * 2**20) % 2**32 for pool in POOLS.values() for group in GROUPS.values()}
    assert len(seeds) == len(POOLS) * len(GROUPS)
    assert min(seeds) > 10**6


def test_more_cases_leave_the_first_as_they_are(held_out: list[Case]):
    again = cases_of("plain", 1, "held-out")[0]
    assert again.prompt == held_out[0].prompt
    assert again.line == held_out[0].line
    assert np.array_equal(again.waveform, held_out[0].waveform)
    assert torch.equal(again.performance.yaw, held_out[0].performance.yaw)
    assert torch.equal(again.identities.skin_colour, held_out[0].identities.skin_colour)


def test_every_frame_has_its_sound(plain_cases: list[Case]):
    for case in plain_cases:
        assert case.performance.opening.shape == (1, case.frames) == (1, 77)
        assert len(case.waveform) >= 77 * 1000
        assert not (case.voiced & case.silent).any()
        assert (case.performance.opening[0][torch.from_numpy(case.closed)] <= 0.05).all()


def test_silent_frames_are_quiet_and_voiced_ones_are_not(plain_cases: list[Case]):
    loudness = np.stack([follow_loudness(case.waveform, 16000, 77, 16)[:, 1] for case in plain_cases])
    silent, voiced = (np.stack([getattr(case, name) for case in plain_cases]) for name in ("silent", "voiced"))
    assert silent.sum() > 20
    assert np.quantile(loudness[silent], 0.9) < -45
    assert np.quantile(loudness[voiced], 0.2) > -40


def test_acts_come_in_turn_and_are_asked_for(acted_cases: list[Case]):
    assert [case.act for case in acted_cases] == [*ACTS, *ACTS]
    for case in acted_cases:
        late_yaw = case.performance.yaw[0, 40:].mean()
        assert (late_yaw < -0.4) == (case.act == "left")
        assert (late_yaw > 0.4) == (case.act == "right")
        assert (case.performance.smile.mean() > 0.5) == (case.act == "smile")
        assert (case.performance.pitch.std() > 0.35) == (case.act == "nod")
        if case.act in ("left", "right"):
            assert case.act in case.prompt.lower()

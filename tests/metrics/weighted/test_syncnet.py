"""Sync-C, Sync-D and the offset: shifts that are planted, and the whole way against the published steps."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from s2v_runner.metrics.views import Box
from s2v_runner.metrics.weighted.faces import cut_face
from s2v_runner.metrics.weighted.mfcc import compute_mfcc
from s2v_runner.metrics.weighted.syncnet import FRAMING, SyncNetGauge, measure_agreement, shown_at
from s2v_runner.metrics.weighted.syncnet_network import SyncNet
from tests.metrics.weighted.videos import FACE, draw, make_view, show, the_value

CPU = torch.device("cpu")
RATE = 16000
KEYS = ("sync_c", "sync_d", "sync_offset")


@pytest.fixture(scope="module")
def network() -> SyncNet:
    torch.manual_seed(0)
    return SyncNet().eval()


@pytest.fixture(scope="module")
def file(network: SyncNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "syncnet_v2.model"
    torch.save(network.state_dict(), path)
    return path


def speech(seconds: float) -> np.ndarray:
    samples = 0.1 * np.random.default_rng(0).normal(size=round(seconds * RATE))
    return samples.astype(np.float32)


@pytest.mark.parametrize("early", [0, 1, 7, 15, -1, -6, -15])
def test_a_planted_shift_is_found(early: int):
    whole = torch.randn(130, 8, generator=torch.Generator().manual_seed(1))
    lips, sound = whole[15:115], whole[15 + early : 115 + early]
    # sound[t] belongs to lips[t + early]: it comes first by so much.
    agreement = measure_agreement(lips, sound)
    assert agreement.offset == early
    # Where they meet they are the same, and at the end that was moved out of the sound there are zeros.
    ends = whole[15 : 15 + early] if early > 0 else whole[115 + early : 115]
    assert agreement.distance == pytest.approx(float(ends.norm(dim=1).sum()) / 100, abs=1e-4)


def test_distance_and_confidence_by_hand():
    # The lips are 3 away from all of the sound and 4 from the zeros around it, in one dimension each.
    lips = torch.tensor([[4.0]]).repeat(60, 1)
    sound = torch.tensor([[1.0]]).repeat(60, 1)
    agreement = measure_agreement(lips, sound)
    assert agreement.offset == 0
    assert agreement.distance == pytest.approx(3, abs=1e-5)
    # At a shift of s, s of 60 windows are compared with zeros: the means are 3 + s / 60 for s of 0, 1, 1, 2, 2, … 15,
    # 15. Of these 31 the median is the sixteenth, 3 + 8 / 60.
    assert agreement.confidence == pytest.approx(8 / 60, abs=1e-5)


@pytest.mark.parametrize(
    ("fps", "shown"),
    [
        (25, list(range(12))),
        (50, [0, 2, 4, 6, 8, 10]),
        (12.5, [0, 0, 1, 1, 2, 2]),
        # The frames begin in slots 0, 1.5625, 3.125, 4.6875, 6.25, 7.8125, 9.375, 10.9375 and 12.5, rounded.
        (16, [0, 0, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7, 7, 8]),
    ],
)
def test_which_frame_a_slot_shows(fps: float, shown: list[int]):
    assert [shown_at(slot, fps) for slot in range(len(shown))] == shown


def published(network: SyncNet, crops: list[np.ndarray], samples: np.ndarray) -> tuple[float, float, float]:
    """The steps of `evaluate` and `calc_pdist` in SyncNetInstance.py, window by window."""
    levels = np.round(samples * 32768.0)
    mfcc = compute_mfcc(levels).T
    count = min(len(crops), math.floor(len(samples) / 640)) - 5
    lips, sound = [], []
    with torch.inference_mode():
        for first in range(count):
            window = np.stack([crop[:, :, ::-1] for crop in crops[first : first + 5]]).astype(float)
            video = torch.from_numpy(window.transpose(3, 0, 1, 2)[None].copy()).float()
            audio = torch.from_numpy(mfcc[None, None, :, first * 4 : first * 4 + 20].copy()).float()
            lips.append(network.netfclip(network.netcnnlip(video).view(1, -1))[0].double())
            sound.append(network.netfcaud(network.netcnnaud(audio).view(1, -1))[0].double())
    nothing = torch.zeros(1024, dtype=torch.float64)
    padded = [nothing] * 15 + sound + [nothing] * 15
    means = [
        np.mean([float((lips[window] - padded[window + shift]).norm()) for window in range(count)])
        for shift in range(31)
    ]
    return float(np.median(means) - min(means)), float(min(means)), 15 - int(np.argmin(means))


def test_the_whole_way_is_the_published_one(file: Path, network: SyncNet):
    frames = [draw(number, 80, 120) for number in range(23)]
    samples = speech(1.6)
    # Each frame is repeated until the slot that the next one's time is nearest to.
    starts = np.floor(np.arange(24) * 25 / 16 + 0.5).astype(int)
    shown = [frame for frame, slots in zip(frames, np.diff(starts), strict=True) for _ in range(slots)]
    expected = published(network, [cut_face(frame, FACE, FRAMING) for frame in shown], samples)
    gauge = SyncNetGauge(file, samples, 16, CPU)
    measures = show(gauge, frames, FACE)
    assert gauge.read() == measures
    confidence, distance, offset = (the_value(measures, key) for key in KEYS)
    assert distance == pytest.approx(expected[1], rel=1e-4)
    assert confidence == pytest.approx(expected[0], rel=1e-2, abs=1e-5 * distance)
    assert offset == expected[2]


class FirstValues(torch.nn.Module):
    """In place of the network: lips are the level in the middle of the first crop, sound the energy there."""

    def embed_lips(self, lips_BCVHW: torch.Tensor) -> torch.Tensor:
        return lips_BCVHW[:, :1, 0, 112, 112].expand(-1, 1024)

    def embed_sound(self, mfcc_B1CF: torch.Tensor) -> torch.Tensor:
        return mfcc_B1CF[:, 0, :1, 0].expand(-1, 1024)


def test_a_face_that_comes_late_hears_the_sound_of_its_time(file: Path):
    gauge = SyncNetGauge(file, np.zeros(3 * RATE, np.float32) + np.float32(0.1), 25, CPU)
    gauge._network = FirstValues()  # type: ignore[assignment]
    levels = np.random.default_rng(2).integers(0, 30, 75)
    # Each 1/25 s has a level of its own, which the energy tells, and so has the frame.
    gauge._samples_S = np.repeat(np.exp(levels / 10) / 1000, 640).astype(np.float32)
    energies = compute_mfcc(np.round(gauge._samples_S * 32768.0))[::4, 0]
    for index, energy in enumerate(energies[:75]):
        rgb = np.full((40, 40, 3), round(energy), np.uint8)
        gauge.take(make_view(index, rgb, None if index < 10 else FACE))
    assert the_value(gauge.read(), "sync_offset") == 0


def test_the_last_box_is_held(file: Path):
    moved = Box(0.1, 0.1, 0.3, 0.3)
    gauge = SyncNetGauge(file, speech(1), 25, CPU)
    frames = [draw(number, 80, 120) for number in range(4)]
    for index, face in enumerate((None, FACE, None, moved)):
        gauge.take(make_view(index, frames[index], face))
    expected = [cut_face(frames[1], FACE, FRAMING), cut_face(frames[2], FACE, FRAMING)]
    expected.append(cut_face(frames[3], moved, FRAMING))
    np.testing.assert_array_equal(np.stack(gauge._crops), np.stack(expected))


@pytest.mark.parametrize(
    ("samples", "face", "reason"),
    [
        (np.zeros(RATE, np.float32), FACE, "the recording is silent"),
        (speech(2), None, "no face was found; metrics.face=left,top,width,height says where it is"),
        (speech(2), FACE, "too short: a face and speech must last 1.44 s at least"),
    ],
)
def test_why_nothing_can_be_said(file: Path, samples: np.ndarray, face: Box | None, reason: str):
    measures = show(SyncNetGauge(file, samples, 25, CPU), [draw(0, 40, 40)] * 3, face)
    assert {key: measure.reason for key, measure in measures.items()} == dict.fromkeys(KEYS, reason)


def test_no_more_is_kept_than_a_batch(file: Path):
    gauge = SyncNetGauge(file, speech(4), 25, CPU)
    gauge._network = FirstValues()  # type: ignore[assignment]
    kept = []
    for index in range(100):
        gauge.take(make_view(index, draw(0, 40, 40), FACE))
        kept.append(len(gauge._crops))
    assert max(kept) < 16
    gauge.read()
    assert sum(len(embeddings) for embeddings in gauge._lips) == 100 - 4

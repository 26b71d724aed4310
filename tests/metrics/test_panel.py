"""All gauges together: what they say of a video, and that none of them can harm it."""

import tracemalloc
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from s2v_runner.metrics.catalogue import PLAIN_METRICS, VIDEO_METRICS, WEIGHTED_METRICS
from s2v_runner.metrics.faces import choose_face
from s2v_runner.metrics.measures import Measure, Reading, known, unknown
from s2v_runner.metrics.panel import Measured, Panel
from s2v_runner.metrics.views import Box, Gauge, View
from tests.metrics.footage import (
    FACE,
    FPS,
    RATE,
    draw_heads,
    draw_texture,
    open_mouth,
    plain,
    read_portrait,
    speak,
    value_of,
)

SPEECH, LEVELS = speak(48, pauses=[slice(20, 30)])
KEYS = {metric.key for metric in VIDEO_METRICS}
OF_MOUTHS = ("mouth_r", "mouth_lag", "mouth_motion", "mouth_stillness")
NOT_ASKED = {metric.key: unknown("not given") for metric in WEIGHTED_METRICS}
PORTRAIT = read_portrait(96)


class Broken:
    """A gauge that fails at a frame, or at the end."""

    def __init__(self, frame: int | None) -> None:
        self._frame = frame

    def take(self, view: View) -> None:
        if view.index == self._frame:
            raise ValueError("as planned")

    def read(self) -> Mapping[str, Measure]:
        raise ZeroDivisionError("at last")


class BrokenTrack:
    """Loses more than the face."""

    problem: str | None = None
    in_picture: Box | None = None

    def follow(self, index: int, small_luma: np.ndarray, flow: np.ndarray | None) -> Box | None:
        if index == 2:
            raise RuntimeError("lost")
        return FACE


class Told:
    """A gauge that knows of every metric of the networks."""

    def take(self, view: View) -> None:
        pass

    def read(self) -> Mapping[str, Measure]:
        return {metric.key: known(len(metric.key)) for metric in WEIGHTED_METRICS}


def video_of(picture: np.ndarray, starts: Sequence[int] = (0,), mouth: Box | None = None) -> Measured:
    return Measured(picture_rgb=picture, samples=SPEECH, rate=RATE, fps=FPS, clip_starts=starts, mouth=mouth)


def panel_for(
    picture: np.ndarray,
    starts: Sequence[int] = (0,),
    face: Box | None = None,
    mouth: Box | None = None,
    further: Sequence[Gauge] = (),
) -> Panel:
    return Panel(video_of(picture, starts, mouth), choose_face(picture, face), further, NOT_ASKED)


def read(panel: Panel, frames: Sequence[np.ndarray]) -> Reading:
    panel.take(np.stack(frames), [True] * len(frames))
    return panel.read()


def test_everything_there_is_has_a_number_or_a_reason():
    reading = read(panel_for(PORTRAIT, (0, 24)), [PORTRAIT] * 48)
    assert reading.measures.keys() == KEYS
    assert reading.problems == ()
    assert {key: len(values) for key, values in reading.clips.items()} == {"picture_ssim": 2, "colour_drift": 2}
    assert {key: measure for key, measure in reading.measures.items() if key in NOT_ASKED} == NOT_ASKED


def test_somebody_who_speaks_is_heard_and_seen():
    face = choose_face(PORTRAIT, None).in_picture
    assert face is not None
    frames = [open_mouth(PORTRAIT, face, share) for share in LEVELS**0.6]
    reading = read(panel_for(PORTRAIT, (0, 24)), frames)
    assert value_of(reading.measures, "mouth_r") > 0.9
    assert value_of(reading.measures, "mouth_lag") == 0
    assert value_of(reading.measures, "picture_ssim") > 0.9
    assert value_of(reading.measures, "sound_excess") == 0
    assert value_of(reading.measures, "dead_frames") < 50
    assert not [key for key in KEYS - NOT_ASKED.keys() if reading.measures[key].value is None]


def test_of_two_people_it_is_asked_who_is_meant():
    both = np.hstack((PORTRAIT, PORTRAIT))
    reasons = {read(panel_for(both), [both] * 40).measures[key].reason for key in OF_MOUTHS}
    assert reasons == {"2 faces are found; metrics.face=left,top,width,height says which is meant"}
    chosen = read(panel_for(both, face=Box(0.14, 0.23, 0.23, 0.46)), [both] * 40)
    assert chosen.measures["mouth_r"].value is not None
    assert read(panel_for(both, mouth=Box(0.2, 0.6, 0.1, 0.1)), [both] * 40).measures["mouth_r"].value is not None


def test_where_nobody_is_that_is_said():
    nobody = draw_texture(64, 64)
    reading = read(panel_for(nobody), [nobody] * 4)
    assert "no face is found" in str(reading.measures["mouth_r"].reason)
    assert "metrics.face" in str(reading.measures["mouth_r"].reason)
    heads = draw_heads(LEVELS**0.6)
    measures = read(panel_for(heads[0], face=FACE), heads).measures
    assert value_of(measures, "mouth_r") > 0.9


@pytest.mark.parametrize("pieces", [(1,) * 20, (7, 0, 13), (16, 4)])
def test_in_pieces_it_is_the_same(pieces: tuple[int, ...]):
    frames = draw_heads(LEVELS[:20])
    whole = read(panel_for(frames[0], (0, 9)), frames)
    panel, begin = panel_for(frames[0], (0, 9)), 0
    for count in pieces:
        some = np.array(frames[begin : begin + count], np.uint8).reshape(count, *frames[0].shape)
        panel.take(some, [True] * count)
        begin += count
    assert panel.read() == whole


@pytest.mark.parametrize("side", [4, 8, 16])
@pytest.mark.parametrize("count", [1, 2, 40])
def test_tiny_videos_have_reasons_and_no_problems(side: int, count: int):
    frames = [plain(50 + index, side, side) for index in range(count)]
    reading = read(panel_for(frames[0]), frames)
    assert reading.problems == ()
    assert value_of(reading.measures, "exposure") == pytest.approx(50 + (count - 1) / 2)
    assert reading.measures["seam_jump"].reason == "it has a single clip"
    if count == 1:
        assert reading.measures["motion"].reason == reading.measures["warp_error"].reason == "it has a single frame"


def test_frames_that_are_a_part_of_larger_ones_are_measured():
    large = draw_texture(80, 120)
    frames = np.stack([large] * 3)[:, 5:69, 7:87]
    reading = read(panel_for(large[5:69, 7:87]), list(frames))
    panel = panel_for(large[5:69, 7:87])
    panel.take(frames, [True] * 3)
    assert panel.read() == reading
    assert reading.problems == ()


def test_frames_that_were_no_numbers_are_dead():
    frames = np.stack([draw_texture(32, 32, seed) for seed in range(4)])
    panel = panel_for(frames[0])
    panel.take(frames, [True, False, True, True])
    assert value_of(panel.read().measures, "dead_frames") == 25


def test_speech_that_goes_on_is_longer_than_the_video():
    frames = draw_heads(LEVELS[:40])
    assert value_of(read(panel_for(frames[0]), frames).measures, "sound_excess") == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("frame", "said"),
    [(0, "frame 0: ValueError: as planned"), (3, "frame 3: ValueError"), (None, "frame 6: ZeroDivisionError: at last")],
)
def test_a_gauge_that_fails_costs_its_own_measures(frame: int | None, said: str):
    frames = draw_heads(LEVELS[:6])
    sound = read(panel_for(frames[0], (0, 3)), frames)
    harmed = read(panel_for(frames[0], (0, 3), further=[Broken(frame)]), frames)
    (problem,) = harmed.problems
    assert said in problem
    assert problem.startswith("Broken failed at ")
    assert (harmed.measures, harmed.clips) == (sound.measures, sound.clips)


def test_what_a_failed_gauge_would_have_said_has_a_reason():
    frames = draw_heads(LEVELS[:6])
    panel = Panel(video_of(frames[0]), choose_face(frames[0], FACE), [Broken(2)], {})
    measures = read(panel, frames).measures
    assert {measures[metric.key].reason for metric in WEIGHTED_METRICS} == {"its measuring failed"}
    assert value_of(measures, "exposure") > 0


def test_an_observer_that_fails_is_told_of_once():
    frames = draw_heads(LEVELS[:40])
    reading = read(Panel(video_of(frames[0]), BrokenTrack(), [], NOT_ASKED), frames)
    assert reading.problems == ("the observer failed at frame 2: RuntimeError: lost",)
    unmeasured = {metric.key for metric in PLAIN_METRICS} - {"sound_excess"}
    assert {reading.measures[key].reason for key in unmeasured} == {"its measuring failed"}
    assert value_of(reading.measures, "sound_excess") == pytest.approx(0.5)


def test_frames_of_another_shape_than_the_picture_are_told_of():
    reading = read(panel_for(draw_texture(64, 64)), [draw_texture(64, 32)] * 3)
    (problem,) = reading.problems
    assert "PictureGauge failed at frame 0" in problem
    assert reading.measures["picture_ssim"].reason == "its measuring failed"
    assert value_of(reading.measures, "motion") < 1
    assert reading.clips == {}


def test_what_networks_say_is_taken_up():
    frames = draw_heads(LEVELS[:6])
    panel = Panel(video_of(frames[0]), choose_face(frames[0], FACE), [Told()], {})
    measures = read(panel, frames).measures
    assert {key: measures[key].value for key in NOT_ASKED} == {key: len(key) for key in NOT_ASKED}


def test_memory_does_not_grow_with_the_video():
    frames = np.stack([draw_texture(64, 64, seed) for seed in range(20)])
    panel = panel_for(frames[0], range(0, 420, 80), FACE)
    panel.take(frames, [True] * 20)
    tracemalloc.start()
    try:
        for _ in range(20):
            panel.take(frames, [True] * 20)
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Some numbers of each of 400 frames, and not even the luma of a fifth of them.
    assert grown < 80 * frames[0, ..., 0].nbytes

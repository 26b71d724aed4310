import dataclasses
from collections.abc import Callable

import pytest

from s2v_runner.errors import InputError
from s2v_runner.estimate import count_tokens
from s2v_runner.plan import LARGE_FRAME_AREA, feature_frame_count, fit_area, interpolated_count, plan_run, shift_for
from s2v_runner.records import FIXED, REFERENCE, Request

RATE = 16000
Make = Callable[..., Request]


def test_a_video_lasts_as_long_as_its_speech(request_for: Make):
    plan = plan_run(request_for(infer_frames=80), (80, 96), round(12.34 * RATE), RATE)
    assert plan.num_frames == round(12.34 * 16)
    assert plan.num_clips == 3
    assert plan.lead_frames == plan.lead_silence == 3
    assert plan.clip_seeds == (42, 43, 44)


def test_speech_that_fills_a_clip_exactly_needs_one_more_for_the_frames_thrown_away(request_for: Make):
    seconds_of_a_clip = 80 / 16
    plan = plan_run(request_for(infer_frames=80), (80, 96), round(seconds_of_a_clip * RATE), RATE)
    assert (plan.num_clips, plan.num_frames) == (2, 80)
    from_picture = plan_run(
        request_for(infer_frames=80, start_from_ref=True), (80, 96), round(seconds_of_a_clip * RATE), RATE
    )
    assert (from_picture.num_clips, from_picture.num_frames, from_picture.lead_frames) == (1, 80, 0)


def test_num_clip_only_lowers(request_for: Make):
    assert plan_run(request_for(infer_frames=8, num_clip=1), (80, 96), 10 * RATE, RATE).num_frames == 5
    assert plan_run(request_for(infer_frames=80, num_clip=9), (80, 96), RATE, RATE).num_clips == 1


def test_the_reference_makes_whole_clips(request_for: Make):
    plan = plan_run(request_for(infer_frames=80, compat=REFERENCE), (80, 96), 5 * RATE, RATE)
    # 5 s give 249 states of the encoder, hence 149 features, one short of what a clip hears.
    assert (plan.num_clips, plan.num_frames) == (1, 77)
    assert plan.lead_silence == 0
    longer = plan_run(request_for(infer_frames=80, compat=REFERENCE), (80, 96), round(5.1 * RATE), RATE)
    assert (longer.num_clips, longer.num_frames) == (2, 157)


def test_each_choice_of_compat_acts_alone(request_for: Make):
    mixed = dataclasses.replace(FIXED, alignment="decoded")
    plan = plan_run(request_for(compat=mixed), (80, 96), RATE, RATE)
    assert (plan.num_frames, plan.lead_silence, plan.lead_frames) == (16, 0, 3)


def test_latent_frames_of_a_clip(request_for: Make):
    assert plan_run(request_for(infer_frames=80), (80, 96), RATE, RATE).latent_frames == 20
    assert plan_run(request_for(infer_frames=48), (80, 96), RATE, RATE).latent_frames == 12


def test_feature_count_is_rounded_as_the_original_rounds_it():
    assert interpolated_count(205) == 122
    assert interpolated_count(200) == 120
    assert feature_frame_count(RATE) == 29


def test_a_picture_is_enlarged_only_to_the_next_multiple():
    assert fit_area(200, 300, 1024 * 704) == (256, 320)
    assert fit_area(704, 1024, 1024 * 704) == (704, 1024)


def test_large_frames_take_the_larger_shift():
    assert LARGE_FRAME_AREA == 1280 * 704
    assert (shift_for(1280 * 704 - 1), shift_for(1280 * 704)) == (3.0, 5.0)


def test_the_shift_goes_by_the_video_and_not_by_what_is_cut_from_it(request_for: Make):
    for size, shift in (((700, 1270), 3.0), ((704, 1280), 5.0)):
        assert plan_run(request_for(exact_size=size, shift=None), (80, 96), RATE, RATE).shift == shift


@pytest.mark.parametrize(
    ("area", "picture", "shift"),
    [
        (1280 * 720, (1080, 1920), 5.0),
        (1280 * 720, (1920, 1080), 5.0),
        (1280 * 720, (480, 832), 3.0),
        (1024 * 704, (704, 1024), 3.0),
        (1024 * 704, (2000, 2000), 3.0),
    ],
)
def test_a_shift_that_is_left_open_goes_by_the_frame_that_is_made(
    request_for: Make, area: int, picture: tuple[int, int], shift: float
):
    assert plan_run(request_for(area=area, shift=None), picture, RATE, RATE).shift == shift
    assert plan_run(request_for(area=area, shift=4.0), picture, RATE, RATE).shift == 4.0


@pytest.mark.parametrize(
    ("exact", "made"),
    [((704, 1280), (704, 1280)), ((480, 832), (512, 832)), ((720, 1280), (768, 1280)), ((2, 2), (64, 64))],
)
def test_an_exact_size_is_cut_from_the_next_multiple_whatever_the_picture(
    request_for: Make, exact: tuple[int, int], made: tuple[int, int]
):
    for picture in ((80, 96), (3000, 500)):
        plan = plan_run(request_for(exact_size=exact, area=1), picture, RATE, RATE)
        assert (plan.output_height, plan.output_width) == exact
        assert (plan.height, plan.width) == made


def test_an_area_leaves_nothing_to_cut(request_for: Make):
    plan = plan_run(request_for(area=1024 * 704), (704, 1024), RATE, RATE)
    assert (plan.output_height, plan.output_width) == (plan.height, plan.width) == (704, 1024)


def test_tokens_are_of_the_frame_that_is_made(request_for: Make):
    plan = plan_run(request_for(exact_size=(480, 832), infer_frames=48), (80, 96), RATE, RATE)
    rows, columns = 512 // 16, 832 // 16
    assert count_tokens(plan, 0, opens_from_nothing=True) == 13 * rows * columns
    past = rows * columns + rows * columns // 4 + rows * columns // 4
    assert count_tokens(plan, 0, opens_from_nothing=False) == 13 * rows * columns + past


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"infer_frames": 81}, ["infer_frames=81", "multiple of 4", "80"]),
        ({"infer_frames": 0}, ["infer_frames=0", "multiple of 4"]),
        ({"area": 63 * 64}, ["64x64", "larger size"]),
        ({"motion_frames": 72}, ["motion_frames=72", "73"]),
        ({"num_clip": 0}, ["num_clip=0"]),
        ({"base_seed": -1}, ["base_seed=-1"]),
        ({"base_seed": 2**63 - 1}, ["base_seed=", "each clip takes the next"]),
        ({"motion_frames": -3}, ["motion_frames=-3"]),
        ({"solver": "ddim"}, ["'ddim'", "unipc, dpmpp, euler"]),
        ({"steps": 0}, ["sampler.steps=0"]),
        ({"shift": 0.0}, ["sampler.shift=0.0"]),
        ({"shift": float("nan")}, ["sampler.shift=nan"]),
        ({"guide_scale": float("nan")}, ["sampler.guide_scale=nan"]),
        ({"sample_fps": 0}, ["sample_fps=0"]),
        ({"exact_size": (480, 831)}, ["831x480", "even"]),
        ({"exact_size": (0, 832)}, ["832x0", "even"]),
        ({"steps": -1}, ["sampler.steps=-1"]),
        ({"shift": float("inf")}, ["sampler.shift=inf"]),
    ],
)
def test_impossible_numbers_are_refused_by_name(request_for: Make, changes: dict, words: list[str]):
    with pytest.raises(InputError) as caught:
        plan_run(request_for(**changes), (80, 96), RATE, RATE)
    for word in words:
        assert word in str(caught.value)


def test_a_picture_too_long_for_the_size_is_refused(request_for: Make):
    with pytest.raises(InputError, match="4000x1 does not fit"):
        plan_run(request_for(area=8192), (1, 4000), RATE, RATE)


def test_speech_too_short_for_the_encoder_is_refused(request_for: Make):
    for samples in (1, 399, 719):
        with pytest.raises(InputError, match="too short for the speech encoder"):
            plan_run(request_for(compat=REFERENCE), (80, 96), samples, RATE)


def test_speech_shorter_than_a_frame_is_refused(request_for: Make):
    with pytest.raises(InputError, match=r"audio\.path.*0\.02"):
        plan_run(request_for(), (80, 96), 320, RATE)

import numpy as np

from s2v_runner.inputs.extraction.estimation import KeyPoints
from s2v_runner.inputs.extraction.skeleton import BODY_LIMBS, HAND_LIMBS, LEFT_HAND, RIGHT_HAND, pose_of


def numbered() -> KeyPoints:
    """Key points whose places and scores are their numbers."""
    numbers = np.arange(133, dtype=np.float32)
    return KeyPoints(np.stack([numbers, 1000 + numbers], axis=1), numbers / 100)


def test_joints_are_those_of_openpose():
    pose = pose_of(numbered())
    # Nose, neck, right arm, left arm, right leg, left leg, eyes, ears; right before left.
    body = [0, 5.5, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3]
    assert pose.places[:18, 0].tolist() == body
    assert pose.places[:18, 1].tolist() == [1000 + number for number in body]
    assert pose.places[LEFT_HAND:RIGHT_HAND, 0].tolist() == list(range(91, 112))
    assert pose.places[RIGHT_HAND:, 0].tolist() == list(range(112, 133))
    assert pose.scores.shape == (60,)


def test_the_neck_is_as_sure_as_the_less_sure_shoulder():
    points = numbered()
    points.scores[5], points.scores[6] = 0.8, 0.1
    pose = pose_of(points)
    assert pose.scores[1] == np.float32(0.1)
    assert pose.scores[[2, 5]].tolist() == [np.float32(0.1), np.float32(0.8)]


def test_limbs_have_the_colours_of_the_example():
    colours = {(limb.begin, limb.end): limb.colour for limb in BODY_LIMBS}
    assert len(colours) == 17
    assert colours[1, 0] == (153, 0, 0)
    assert colours[1, 2] == (0, 0, 153)
    assert colours[1, 5] == (0, 51, 153)
    assert colours[1, 8] == (0, 153, 0)
    assert colours[1, 11] == (153, 153, 0)
    assert colours[15, 17] == (102, 0, 153)


def test_every_finger_goes_from_the_wrist_to_its_tip():
    assert [(limb.begin, limb.end) for limb in HAND_LIMBS[4:8]] == [(0, 5), (5, 6), (6, 7), (7, 8)]
    assert {limb.end for limb in HAND_LIMBS} == set(range(1, 21))
    assert HAND_LIMBS[0].colour == (0, 0, 255)
    assert HAND_LIMBS[5].colour == (0, 255, 128)

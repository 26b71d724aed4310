import torch

from s2v_runner.records import FIXED, REFERENCE
from s2v_runner.video.pixels import to_eight_bit


def test_values_are_rounded_or_as_in_the_original_cut_off():
    video = torch.tensor([-1.0, -0.999, 0.0, 0.999, 1.0, 1.5]).view(1, 1, 1, 1, 6).expand(1, 3, 2, 1, 6)
    rounded, cut = to_eight_bit(video, FIXED), to_eight_bit(video, REFERENCE)
    assert rounded.shape == (2, 1, 6, 3)
    assert rounded[0, 0, :, 0].tolist() == [0, 0, 128, 255, 255, 255]
    assert cut[0, 0, :, 0].tolist() == [0, 0, 127, 254, 255, 255]

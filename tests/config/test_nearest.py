import pytest

from s2v_runner.config.nearest import suggest
from s2v_runner.config.schema import all_keys


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("base_sed", "base_seed"),
        ("seed", "base_seed"),
        ("steps", "sampler.steps"),
        ("guide_scale", "sampler.guide_scale"),
        ("sample_steps", "sampler.steps"),
        ("sample_guide_scale", "sampler.guide_scale"),
        ("sampler.guidance_scale", "sampler.guide_scale"),
        ("crf", "output.crf"),
        ("uri", "tracking.uri"),
        ("ckpt_dir", "model.ckpt_dir"),
        ("audio_path", "audio.path"),
        ("pose_path", "pose.path"),
    ],
)
def test_the_likeliest_name_is_suggested(wrong: str, right: str):
    assert suggest(wrong, all_keys()) == f"Did you mean '{right}'?"


def test_few_names_are_listed_when_none_is_near_and_many_are_not():
    assert suggest("x", ["fixed", "reference"]) == "Choose one of fixed, reference."
    assert suggest("zzz", all_keys()) == "`s2v-runner run --help` lists them."

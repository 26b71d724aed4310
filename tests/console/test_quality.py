"""What is said of a video's quality once it is made."""

from dataclasses import asdict

from s2v_runner.console.quality import quality_line
from s2v_runner.metrics.measures import Measure, known, unknown


def line_of(**measures: Measure) -> str | None:
    return quality_line({key: asdict(measure) for key, measure in measures.items()})


def test_what_says_most_is_said_with_its_unit():
    line = line_of(mouth_r=known(0.71249), mouth_lag=known(-1.0), colour_drift=known(3.14159), exposure=known(120.0))
    assert line == "mouth with loudness 0.712, lag of the mouth -1 frames, drift of colours 3.14 ΔE"


def test_where_the_mouth_is_not_known_the_line_says_why():
    line = line_of(mouth_r=unknown("no face is found"), picture_ssim=known(0.9), seam_jump=unknown("it has one clip"))
    assert line == "likeness to the picture 0.900; of the mouth: no face is found"


def test_without_measures_nothing_is_said():
    assert line_of() is None


def test_where_nothing_is_known_only_the_reason_is_said():
    assert line_of(mouth_r=unknown("the speech is silent")) == "of the mouth: the speech is silent"


def test_the_order_is_always_the_same():
    forwards = line_of(mouth_r=known(0.5), flicker=known(1.0))
    backwards = line_of(flicker=known(1.0), mouth_r=known(0.5))
    assert forwards == backwards == "mouth with loudness 0.500, flicker 1.000"

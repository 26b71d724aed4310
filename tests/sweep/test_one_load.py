"""A sweep loads once, encodes once, and its points are what they would be alone."""

from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest

from s2v_runner import engine as engine_module
from s2v_runner import generation
from s2v_runner.cli import main
from s2v_runner.execution import Session
from s2v_runner.sweep.preparation import name_of
from s2v_runner.tracking.definition import point_folder, read_definition
from s2v_runner.tracking.folder import find_sweeps
from s2v_runner.tracking.record import read_record
from tests.runs import Workshop

LOADING = ("load_transformer", "load_vae", "load_text_encoder", "load_audio_encoder")
ENCODING = ("encode_prompt", "encode_speech")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often parts are loaded and inputs are encoded; all of it is done."""
    counts: Counter[str] = Counter()

    def count(module: Any, name: str) -> None:
        actual: Callable[..., Any] = getattr(module, name)

        @wraps(actual)
        def counting(*given: Any, **named: Any) -> Any:
            counts[name] += 1
            return actual(*given, **named)

        monkeypatch.setattr(module, name, counting)

    for name in LOADING:
        count(engine_module, name)
    for name in ENCODING:
        count(generation, name)
    return counts


def test_twelve_points_load_once_encode_once_and_are_what_they_are_alone(workshop: Workshop, counted: Counter[str]):
    swept = ("sampler.steps=2,3,4", "sampler.guide_scale=2,3", "sampler.shift=3,5")
    words = (*workshop.settings, "num_clip=1")
    assert main(["-m", *words, *swept]) == 0
    # The prompt and the negative one.
    assert counted == Counter(dict.fromkeys((*LOADING, "encode_speech"), 1) | {"encode_prompt": 2})
    (folder,) = find_sweeps(workshop.outputs)
    points = read_definition(folder).points
    assert len(points) == 12
    for point in (points[0], points[7], points[11]):
        # Nothing of the sweep is left to it: another model is loaded, and other inputs are encoded.
        alone = Workshop(workshop.folder / f"alone{point.number}", workshop.settings, Session())
        words = (f"output.folder={alone.outputs}", "num_clip=1", *name_of(point.values).split())
        finished = alone.perform(*words)
        made = read_record(point_folder(folder, point))
        assert finished.record.frames == made.frames
        assert finished.record.identity == made.identity
    assert counted["load_transformer"] == 4
    assert len({str(read_record(point_folder(folder, point)).frames) for point in points}) == 12

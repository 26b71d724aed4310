from typing import Any

import pytest

from s2v_runner.config.reach import refuse_unbuilt
from s2v_runner.errors import InputError
from tests.settings import config_with


@pytest.mark.parametrize(
    ("changes", "named", "instead"),
    [
        ({"parallel.mode": "ulysses"}, "parallel=ulysses", "parallel=single"),
        ({"parallel.mode": "cfg"}, "parallel=cfg", "parallel=single"),
        ({"parallel.mode": "points"}, "parallel=points", "parallel=single"),
        ({"parallel.mode": "ray"}, "parallel=ray", "parallel=single"),
        ({"parallel.ulysses_size": 8}, "parallel.ulysses_size=8", "ulysses_size=1"),
        ({"parallel.dit_fsdp": True}, "parallel.dit_fsdp", "leave it out"),
        ({"parallel.t5_fsdp": True}, "parallel.t5_fsdp", "t5_cpu"),
    ],
)
def test_what_is_not_there_yet_is_named_with_what_to_do_instead(changes: dict[str, Any], named: str, instead: str):
    with pytest.raises(InputError) as caught:
        refuse_unbuilt(config_with(changes))
    assert caught.value.subject.startswith(named)
    assert caught.value.problem == "not there yet"
    assert instead in caught.value.remedy


def test_everything_that_is_not_there_yet_is_named_in_one_message():
    asked = {
        "parallel.mode": "ulysses",
        "parallel.ulysses_size": 8,
        "parallel.dit_fsdp": True,
        "parallel.t5_fsdp": True,
    }
    with pytest.raises(InputError) as caught:
        refuse_unbuilt(config_with(asked))
    assert caught.value.subject == "parallel=ulysses, parallel.dit_fsdp, parallel.t5_fsdp"


def test_what_is_there_is_let_through():
    built = (
        {"pose.method": "video", "pose.path": "p.mp4"},
        {"memory.mode": "resident"},
        {"memory.mode": "offload", "memory.t5_cpu": True},
        {"tts.method": "espeak", "tts.text": "hello"},
        {"prompt_extend.method": "dashscope"},
        {"pose.method": "extract", "pose.path": "p.mp4"},
        {"speed.mode": "fast", "speed.step_share": 0.5, "speed.guidance_every": 2},
        {"metrics.method": "basic"},
        {"metrics.method": "none"},
    )
    for changes in ({}, *built):
        refuse_unbuilt(config_with(changes))

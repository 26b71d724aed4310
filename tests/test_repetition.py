import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from s2v_runner.config.compose import restore_config
from s2v_runner.config.resolve import as_request
from s2v_runner.records import FIXED, REFERENCE, Compat
from s2v_runner.repetition import repeated_settings
from s2v_runner.tracking.record import Record
from tests.runs import Workshop


def as_before_inputs_were_made(record: Record) -> Record:
    """The record as it was before anything was made of inputs."""
    resolved: dict[str, Any] = {key: value for key, value in record.resolved.items() if key != "fit"}
    compat: Mapping[str, str] = resolved["compat"]
    fits = {"cover": "cover", "reference": "pad"}
    resolved["compat"] = {key: value for key, value in compat.items() if key != "pose_end"}
    resolved["compat"]["picture_fit"] = fits[compat["picture_fit"]]
    for group, keys in {
        "audio": ("path",),
        "tts": ("method", "text", "prompt_audio", "prompt_text"),
        "pose": ("method", "path"),
        "prompt_extend": ("method", "model", "target_lang"),
        "speed": ("mode", "attention"),
    }.items():
        resolved[group] = {key: resolved[group][key] for key in keys}
    return dataclasses.replace(record, resolved=resolved, prepared={})


@pytest.mark.parametrize(("name", "compat"), [("fixed", FIXED), ("reference", REFERENCE)])
def test_an_early_record_is_repeated_as_it_was_meant(workshop: Workshop, name: str, compat: Compat):
    record = workshop.perform("num_clip=1", "sampler.steps=1", f"compat={name}").record
    config = restore_config(repeated_settings(as_before_inputs_were_made(record), workshop.outputs))
    assert as_request(config, 0).compat == dataclasses.replace(compat, pose_end="black")
    assert config.speed.autoencoder == "float32"
    config = restore_config(repeated_settings(record, workshop.outputs))
    assert as_request(config, 0).compat == compat

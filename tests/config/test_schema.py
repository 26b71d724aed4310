from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from s2v_runner.config.compose import PROJECT, print_config
from s2v_runner.config.places import conf_folder, group_options
from s2v_runner.config.schema import all_keys, free_text_keys, nullable_keys, path_keys
from s2v_runner.errors import InputError
from s2v_runner.generate import SETTINGS, SWITCHES
from tests.settings import config_with, flatten


def test_every_key_of_the_schema_is_in_the_files_and_the_other_way_round():
    composed = flatten(yaml.safe_load(print_config([], PROJECT)))
    assert list(composed) == list(all_keys())


@pytest.mark.parametrize("group", group_options([conf_folder()]))
def test_every_file_of_a_group_gives_all_its_keys(group: str):
    keys = [key.partition(".")[2] for key in all_keys() if key.startswith(f"{group}.")]
    files = sorted((conf_folder() / group).glob("*.yaml"))
    assert files
    for file in files:
        given = yaml.safe_load(file.read_text(encoding="utf-8"))
        bases = given.pop("defaults", [])
        for base in bases:
            given = yaml.safe_load((conf_folder() / group / f"{base}.yaml").read_text(encoding="utf-8")) | given
        assert list(given) == keys, file


def test_every_flag_of_the_original_has_a_setting_that_there_is():
    assert {*SETTINGS.values(), *SWITCHES.values()} <= set(all_keys())


def test_what_is_typed_freely():
    assert path_keys() < free_text_keys()
    assert free_text_keys() - path_keys() == {
        "prompt",
        "negative_prompt",
        "tts.text",
        "tts.prompt_text",
        "prompt_extend.url",
        "tracking.uri",
        "tracking.experiment",
        "tracking.run_name",
        "title",
        "baseline",
        "metrics.face",
        "metrics.mouth",
        "search.objectives",
        "parallel.address",
        "parallel.slurm_partition",
        "parallel.slurm_more",
    }
    assert "sampler.solver" not in free_text_keys()
    assert {"num_clip", "model.random_seed", "resolution.max_area"} <= nullable_keys()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sampler.guide_scale", 4),
        ("sampler.shift", 5),
        ("sampler.shift", "auto"),
        ("base_seed", -1),
        ("base_seed", 2**63 - 1),
        ("num_clip", None),
        ("model.random_seed", None),
        ("output.crf", 0),
        ("output.crf", 51),
        ("memory.offload_model", False),
        ("memory.offload_model", "auto"),
        ("negative_prompt", ""),
        ("resolution.max_area", 1),
    ],
)
def test_values_at_the_edge_are_taken(key: str, value: Any):
    assert flatten(config_with({key: value}).model_dump())[key] == value


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sampler.steps", "20"),
        ("sampler.steps", 20.0),
        ("sampler.steps", True),
        ("sampler.steps", None),
        ("sampler.guide_scale", "4"),
        ("sampler.guide_scale", True),
        ("sampler.shift", "Auto"),
        ("sampler.solver", "dpm++"),
        ("dry_run", 1),
        ("dry_run", "true"),
        ("prompt", None),
        ("prompt", 3),
        ("image", ["a.png"]),
        ("base_seed", -2),
        ("model.random_seed", -1),
        ("model.random_seed", 2**63),
        ("model.task", "t2v-A14B"),
        ("output.crf", 52),
        ("output.audio_kbps", 8),
        ("output.audio_kbps", 513),
        ("parallel.ulysses_size", 0),
        ("tracking.patience", 0),
        ("tracking.experiment", ""),
        ("resolution.max_area", 0),
        ("resolution.fit", "stretch"),
        ("compat.noise", "loud"),
        ("memory.offload_model", None),
        ("resume", None),
    ],
)
def test_values_of_another_type_or_beyond_the_edge_are_refused_by_their_key(key: str, value: Any):
    with pytest.raises(InputError, match=rf"^{key}="):
        config_with({key: value})


def test_a_configuration_does_not_change():
    config = config_with({})
    with pytest.raises(ValidationError, match="frozen"):
        config.prompt = "another"
    with pytest.raises(ValidationError, match="frozen"):
        config.sampler.steps = 3

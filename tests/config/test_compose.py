import subprocess
import sys
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import yaml

from s2v_runner.config.asked import compose_points
from s2v_runner.config.compose import (
    PROJECT,
    ConfigSource,
    as_yaml,
    check_config,
    compose_run,
    print_config,
    restore_config,
)
from s2v_runner.config.places import conf_folder, group_options
from s2v_runner.config.schema import RunConfig
from s2v_runner.errors import InputError
from s2v_runner.records import FIXED, REFERENCE, Compat
from tests.settings import config_with

OPTIONS = group_options([conf_folder()])
Write = Callable[[str, str], ConfigSource]


@pytest.fixture
def write_own(tmp_path: Path) -> Write:
    """Writes a file into a folder of the user's own, with an awkward name; the source that starts from it."""
    folder = tmp_path / "my conf, v2 (it's = ${new})"

    def write(name: str, content: str) -> ConfigSource:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return ConfigSource(folder, path.stem if path.parent == folder else PROJECT.name)

    return write


def test_there_is_a_class_for_every_group():
    groups = {name for name, field in RunConfig.model_fields.items() if field.annotation in RunConfig.__subclasses__()}
    assert groups <= set(OPTIONS)
    assert set(OPTIONS) == {name for name, value in config_with({}).model_dump().items() if isinstance(value, dict)}


@pytest.fixture(scope="module")
def made() -> dict[str, dict[str, Any]]:
    """For each group and option what it composes to; each run takes another option of every group."""
    made: dict[str, dict[str, Any]] = {group: {} for group in OPTIONS}
    for number in range(max(map(len, OPTIONS.values()))):
        composed = compose_run([f"{group}={names[number % len(names)]}" for group, names in OPTIONS.items()])
        for group, name in composed.choices.items():
            made[group][name] = getattr(composed.config, group)
    return made


def test_every_option_of_every_group_composes_to_something_of_its_own(made: dict[str, dict[str, Any]]):
    assert {group: sorted(options) for group, options in made.items()} == OPTIONS
    for options in made.values():
        values = list(options.values())
        assert all(one != other for index, one in enumerate(values) for other in values[:index])


def test_options_are_what_they_are_called(made: dict[str, dict[str, Any]]):
    keys = {"mode": ("memory", "speed"), "solver": ("sampler",)}
    keys |= {"method": ("tts", "pose", "prompt_extend", "metrics"), "backend": ("tracking",)}
    for key, groups in keys.items():
        for group in groups:
            assert all(getattr(value, key) == name for name, value in made[group].items()), group
    assert made["resolution"]["720p"].size == "1280*720"
    ways = {name: (parallel.mode, parallel.spread) for name, parallel in made["parallel"].items()}
    assert ways == {
        "single": ("single", "none"),
        "ulysses": ("ulysses", "none"),
        "cfg": ("cfg", "none"),
        "points": ("single", "gpus"),
        "ray": ("single", "ray"),
        "slurm": ("single", "slurm"),
    }


def test_the_two_sets_of_choices_are_those_of_the_library(made: dict[str, dict[str, Any]]):
    assert Compat(**made["compat"]["fixed"].model_dump()) == FIXED
    assert Compat(**made["compat"]["reference"].model_dump()) == REFERENCE


def test_a_run_knows_how_it_was_asked_for():
    composed = compose_run(["sampler=euler", "prompt=It's me"])
    assert composed.overrides == ("sampler=euler", "prompt='It\\'s me'")
    assert composed.choices == {
        **dict.fromkeys(("tts", "pose", "prompt_extend", "search"), "none"),
        "model": "demo",
        "sampler": "euler",
        "resolution": "balanced",
        "audio": "file",
        "compat": "fixed",
        "memory": "auto",
        "speed": "exact",
        "parallel": "single",
        "metrics": "basic",
        "output": "video",
        "tracking": "mlflow",
    }


def test_a_sampler_does_what_its_model_advises(made: dict[str, dict[str, Any]]):
    advice = {"demo": (20, 2.0), "random": (40, 4.5), "wan_s2v_14b": (40, 4.5)}
    assert {name: (it.sampling_steps, it.sampling_guide_scale) for name, it in made["model"].items()} == advice
    for model, advised in advice.items():
        for sampler in OPTIONS["sampler"]:
            config = compose_run([f"sampler={sampler}", f"model={model}"]).config.sampler
            assert (config.steps, config.guide_scale) == advised


def test_what_is_given_goes_before_what_the_model_advises():
    words = ["sampler.steps=7", "model=wan_s2v_14b", "sampler=euler"]
    for ordered in permutations(words):
        sampler = compose_run(ordered).config.sampler
        assert (sampler.solver, sampler.steps, sampler.guide_scale) == ("euler", 7, 4.5)
    assert compose_run(["model.sampling_steps=7"]).config.sampler.steps == 7


def test_an_interpolation_is_printed_as_it_is_written():
    printed = yaml.safe_load(print_config(["sampler.steps=3"], PROJECT))["sampler"]
    assert (printed["steps"], printed["guide_scale"]) == (3, "${model.sampling_guide_scale}")


def test_the_last_given_key_changes_fastest():
    points = compose_points(["size=480p,720p", "prompt=a, b", "base_seed=range(2)"], PROJECT, multirun=True)
    order = [(point.choices["resolution"], point.config.base_seed) for point in points]
    assert order == [("480p", 0), ("480p", 1), ("720p", 0), ("720p", 1)]
    assert {point.config.prompt for point in points} == {"a, b"}
    assert points[-1].overrides == ("prompt='a, b'", "resolution=720p", "base_seed=1")


def test_several_values_need_several_runs():
    for words in (["sampler.steps=1,2"], ["sampler=euler,unipc"], ["size=480p,720p"]):
        for ask in (compose_run, lambda words: print_config(words, PROJECT)):
            with pytest.raises(InputError, match=r"several values to one run\. Add -m"):
                ask(words)


def test_an_option_of_ones_own_builds_on_the_projects(write_own: Write):
    source = write_own("sampler/quick.yaml", "defaults: [euler]\nsteps: 7\n")
    (point,) = compose_points(["sampler=quick"], source, multirun=False)
    assert (point.config.sampler.solver, point.config.sampler.steps) == ("euler", 7)
    assert point.choices["sampler"] == "quick"
    assert compose_points([], source, multirun=False)[0].config == compose_run([]).config
    with pytest.raises(InputError, match="sampler=quick: there is no such choice"):
        compose_run(["sampler=quick"])


def test_a_preset_of_ones_own_is_a_size(write_own: Write):
    source = write_own("resolution/square.yaml", "size: 640*640\nfit: exact\nmax_area: null\n")
    (point,) = compose_points(["size=square"], source, multirun=False)
    assert point.config.resolution.size == "640*640"


def test_a_file_of_ones_own_goes_before_the_projects_of_the_same_name(write_own: Write):
    source = write_own("sampler/unipc.yaml", "solver: unipc\nsteps: 11\nguide_scale: 1.0\nshift: 2.0\n")
    assert compose_points([], source, multirun=False)[0].config.sampler.steps == 11
    assert compose_run([]).config.sampler.steps != 11


def test_a_configuration_of_ones_own_to_start_from(write_own: Write):
    source = write_own("talk.yaml", "defaults:\n- config\n- override sampler: euler\n- _self_\nprompt: Hello, you\n")
    (point,) = compose_points(["sampler.steps=3"], source, multirun=False)
    assert (point.config.prompt, point.config.sampler.solver, point.config.sampler.steps) == ("Hello, you", "euler", 3)
    assert yaml.safe_load(print_config([], source))["prompt"] == "Hello, you"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("sampler:\n  stepz: 3\n", "sampler.stepz: there is no such setting. Did you mean 'sampler.steps'?"),
        ("promt: Hello\n", "promt: there is no such setting. Did you mean 'prompt'?"),
        ("3: 4\n", "3: there is no such setting"),
        ("sampler: 3\n", "sampler=3: it must be a group of settings"),
        ("sampler: {steps: many}\n", "sampler.steps=many: it must be a whole number"),
        ("prompt: no\n", "prompt=false: it must be text"),
        ("prompt: ${absent}\n", "Interpolation key 'absent' not found"),
        ("prompt: ${asset\n", "no viable alternative"),
        ("image: ${asset:absent.png}\n", "absent.png"),
        ("prompt: [\n", "own.yaml"),
        ("prompt: a\nprompt: b\n", "found duplicate key prompt"),
        ("prompt: '\x01'\n", "special characters are not allowed"),
        ("prompt: !!python/object:os.system {}\n", "could not determine a constructor"),
    ],
)
def test_what_is_wrong_in_a_file_is_said(write_own: Write, content: str, said: str):
    source = write_own("own.yaml", f"defaults: [config, _self_]\n{content}")
    with pytest.raises(InputError) as caught:
        compose_points([], source, multirun=False)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "prompt: it is missing"),
        ("- prompt\n", "must be a DictConfig"),
        ("defaults: config\n", "Invalid defaults list"),
        ("defaults: [own]\n", "recursion"),
        ("defaults: [confog]\n", "confog"),
        ("defaults: [config, override sampler: eular]\n", "Could not find 'sampler/eular'"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(write_own: Write, content: str, said: str):
    source = write_own("own.yaml", content)
    with pytest.raises(InputError) as caught:
        compose_points([], source, multirun=False)
    assert said in str(caught.value)


def test_files_and_folders_that_are_not_there_or_cannot_be_read_are_refused(write_own: Write, tmp_path: Path):
    source = write_own("latin.yaml", "")
    assert source.own_folder is not None
    (source.own_folder / "latin.yaml").write_bytes("prompt: café".encode("latin-1"))
    for wrong, said in (
        (source, "'utf-8' codec can't decode"),
        (ConfigSource(source.own_folder, "absent"), "Cannot find primary config 'absent'"),
        (ConfigSource(tmp_path / "absent", PROJECT.name), "--config-dir .*absent': there is no such folder"),
    ):
        with pytest.raises(InputError, match=said):
            compose_points([], wrong, multirun=False)


def test_a_group_of_ones_own_is_no_setting(write_own: Write):
    source = write_own("colour/red.yaml", "hue: 0\n")
    for word in ("colour=red", "+colour=red"):
        with pytest.raises(InputError, match="colour"):
            compose_points([word], source, multirun=False)


def test_a_printed_configuration_composes_to_itself(write_own: Write):
    words = ["prompt=a, 'b' ${c}", "sampler=euler", "size=720p", "num_clip=2"]
    printed = print_config(words, PROJECT)
    assert "image: ${asset:picture.png}" in printed
    source = write_own("again.yaml", printed)
    assert compose_points([], source, multirun=False)[0].config == compose_run(words).config


@pytest.mark.parametrize("turn", range(4))
def test_a_configuration_written_down_composes_to_itself(write_own: Write, turn: int):
    texts = [
        "${x}",
        "costs ${ 5",
        "\\${x} \\\\${",
        "null",
        "1e3",
        ".5",
        "yes",
        "- a: b # c",
        " two\nlines\t",
        "12",
        "it's",
    ]
    texts += ["中 \x85 \u2028", "a 'b' \"c\" " * 200, "???", "\\"]
    keys = ["prompt", "negative_prompt", "tts.text", "tracking.run_name"]
    config = config_with(
        {
            **dict(zip(keys, texts[turn * 4 :], strict=False)),
            "sampler.shift": 2.5,
            "memory.t5_cpu": True,
            "num_clip": 3,
        }
    )
    source = write_own("again.yaml", as_yaml(config.model_dump()))
    assert compose_points([], source, multirun=False)[0].config == config


def test_values_are_checked_as_files_are():
    values = config_with({}).model_dump()
    assert check_config(values) == config_with({})
    with pytest.raises(InputError, match=r"sampler\.steps=x: it must be a whole number"):
        check_config({**values, "sampler": {**values["sampler"], "steps": "x"}})


def test_the_command_line_prints_what_it_composed(tmp_path: Path):
    command = [sys.executable, "-m", "s2v_runner", "--cfg", "job", "sampler.steps=3", "prompt=一位女士, (说话)"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    printed = yaml.safe_load(result.stdout)
    assert (printed["sampler"]["steps"], printed["prompt"]) == (3, "一位女士, (说话)")
    assert list(tmp_path.iterdir()) == []


def test_a_record_of_an_earlier_version_is_understood():
    config = compose_run(["sampler.steps=3"]).config
    values = config.model_dump(mode="json")
    del values["max_points"], values["output"]["crf"], values["sampler"]["solver"]
    assert restore_config(values) == config
    with pytest.raises(InputError, match="there is no such setting"):
        restore_config({**values, "colour": 1})


def test_a_record_from_before_models_advised_keeps_its_numbers():
    values = compose_run(["model=wan_s2v_14b", "sampler.steps=33"]).config.model_dump(mode="json")
    del values["model"]["sampling_steps"], values["model"]["sampling_guide_scale"]
    sampler = restore_config(values).sampler
    assert (sampler.steps, sampler.guide_scale) == (33, 4.5)

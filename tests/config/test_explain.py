from typing import Any

import pytest

from s2v_runner.config.compose import check_config
from s2v_runner.errors import InputError
from tests.settings import config_with


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("sampler.steps", "many", "sampler.steps=many: it must be a whole number. Give such a value"),
        ("sampler.steps", 2.5, "sampler.steps=2.5: it must be a whole number. Give such a value"),
        ("sampler.guide_scale", "high", "sampler.guide_scale=high: it must be a number. Give such a value"),
        ("sampler.shift", "high", "sampler.shift=high: it must be a number or 'auto'. Give such a value"),
        ("sampler.shift", True, "sampler.shift=true: it must be a number or 'auto'. Give such a value"),
        ("dry_run", 1, "dry_run=1: it must be true or false. Give such a value"),
        (
            "memory.offload_model",
            "no",
            "memory.offload_model=no: it must be true or false or 'auto'. Give such a value",
        ),
        ("prompt", None, "prompt=null: it must be text. Give such a value"),
        ("sampler.solver", "unpic", "it must be 'unipc', 'dpmpp' or 'euler'. Did you mean 'unipc'?"),
        ("resolution.fit", "stretch", "it must be 'area' or 'exact'. Choose one of area, exact."),
        ("compat.tail", "silent", "it must be 'silence' or 'zeros'. Did you mean 'silence'?"),
        ("output.crf", 99, "output.crf=99: it must be 51 or less. Give such a value"),
        ("base_seed", -2, "base_seed=-2: it must be -1 or more. Give such a value"),
        ("num_clip", "two", "num_clip=two: it must be a whole number. Give such a value"),
        ("model.random_seed", -3, "model.random_seed=-3: it must be 0 or more. Give such a value"),
        ("tracking.patience", 0.0, "tracking.patience=0.0: it must be more than 0.0. Give such a value"),
        ("tracking.experiment", "", "tracking.experiment=: it must be text, and not empty. Give such a value"),
        ("sampler", 3, "sampler=3: it must be a group of settings. Give such a value"),
    ],
)
def test_one_wrong_value_is_named_with_what_it_must_be(key: str, value: Any, said: str):
    with pytest.raises(InputError) as caught:
        config_with({key: value})
    assert str(caught.value).endswith(said)


def test_the_first_wrong_key_is_explained_and_the_others_are_named():
    with pytest.raises(InputError) as caught:
        config_with({"infer_frames": "x", "sampler.shift": "x", "sampler.steps": None, "output.crf": -1})
    assert str(caught.value) == (
        "infer_frames=x: it must be a whole number. Give such a value "
        "(And look at sampler.steps, sampler.shift, output.crf)"
    )


def test_a_key_that_is_missing_and_one_that_is_too_many_are_said():
    values = config_with({}).model_dump()
    del values["sampler"]["steps"]
    with pytest.raises(InputError, match=r"^sampler\.steps: it is missing"):
        check_config(values)
    values["sampler"] |= {"steps": 3, "guidance_scale": 4.5}
    with pytest.raises(InputError, match=r"^sampler\.guidance_scale: there is no such setting.*'sampler\.guide_scale'"):
        check_config(values)
    with pytest.raises(InputError, match=r"^prompt: it is missing.*And look at prompt_file, .*infer_frames"):
        check_config({})

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from s2v_runner.checkpoint.loras import Lora
from s2v_runner.conditioning import scope
from s2v_runner.conditioning.scope import scope_of
from s2v_runner.engine import Engine
from tests.test_layers import MODULES, PACKAGE, imports, place

# Types, messages, the writing of files, the place of modules and the plan of passes, which compute nothing, and parts
# with no say in what is encoded.
NOT_ENCODING = {
    "digests.py",
    # What several processes encode together is what one encodes, to the bit (tests/parallel/test_sharding.py).
    "division.py",
    "errors.py",
    "estimate.py",
    "following.py",
    "passes.py",
    "placement",
    "records.py",
    "replacement.py",
    "sampling",
    "transformer",
}


@pytest.mark.parametrize(
    "change", [{"dtype": torch.bfloat16}, {"device": torch.device("meta")}, {"text_device": torch.device("meta")}]
)
def test_what_may_change_a_bit_is_another_scope(tiny_engine: Engine, change: dict):
    settings = tiny_engine.settings
    assert scope_of(settings, "digest") == scope_of(settings, "digest")
    assert scope_of(replace(settings, **change), "digest") != scope_of(settings, "digest")
    assert scope_of(settings, "another") != scope_of(settings, "digest")


def test_what_only_the_transformer_cares_for_is_the_same_scope(tiny_engine: Engine):
    settings = tiny_engine.settings
    lora = Lora(Path("a.safetensors"), 1.0, "digest", 0)
    others = replace(settings, attention="sdpa_math", memory="tiny", matrices="float8", loras=(lora,))
    assert scope_of(others, "") == scope_of(settings, "")


def test_libraries_and_code_are_part_of_it(tiny_engine: Engine):
    told = scope_of(tiny_engine.settings, "")
    assert told["torch"] == torch.__version__
    assert {"diffusers", "transformers", "code"} <= set(told)


def test_no_code_that_encodes_is_left_out():
    sources = set(vars(scope)["_SOURCES"])
    for path in MODULES:
        if place(path) in sources:
            parts = {name.split(".")[1] for name in imports(path) if name.startswith("s2v_runner.")}
            imported = {part if (PACKAGE / part).is_dir() else f"{part}.py" for part in parts}
            assert imported <= sources | NOT_ENCODING, path

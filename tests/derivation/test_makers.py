from dataclasses import replace
from pathlib import Path

import pytest

from s2v_runner.derivation.makers import derive_prompt
from s2v_runner.inputs.prompt.choice import choose_extender
from s2v_runner.records import FIXED
from tests.inputs.prompt.asking import settings_with

TURNED = replace(FIXED, orientation="ignored")


@pytest.mark.parametrize("looks", [False, True])
def test_a_longer_prompt_depends_on_the_picture_where_it_is_looked_at(looks: bool):
    extender = choose_extender(settings_with(picture=looks))
    one, other = (derive_prompt(extender, "a woman", Path("p.png"), sha256, FIXED) for sha256 in ("1", "2"))
    assert (one.key != other.key) is looks
    assert (one.key != derive_prompt(extender, "a woman", Path("p.png"), "1", TURNED).key) is looks
    assert one.key != derive_prompt(extender, "a man", Path("p.png"), "1", FIXED).key
    assert one.key == derive_prompt(extender, "a woman", Path("moved.png"), "1", FIXED).key

"""What prompts say is what is so, and every way of saying it is found."""

import re

import numpy as np
import pytest
import torch

from demo.world.identity import Description
from demo.world.performance import Acts
from demo.world.phrases import MOVEMENTS, Phrases
from demo.world.prompts import Movement, Prompt, corpus, describe, draw_prompts, list_movements

WOMAN = Description("a woman", "long red hair", "round glasses", "", "a blue striped shirt", "a green wall")
NODDING_SMILING = Movement("yes", "yes", "no", "left")
PLAIN = Movement("no", "no", "no", "ahead")
NOTHING = Movement("", "", "", "")


def describe_often(movement: Movement, count: int = 600) -> list[Prompt]:
    rng = np.random.default_rng(0)
    return [describe(WOMAN, movement, rng) for _ in range(count)]


def phrases_of(act: Phrases) -> list[str]:
    templates = (*act.clauses, *act.participles, *act.nouns)
    return [template.format(her=her) for template in templates for her in ("her", "his", "their", "the")]


def says(prompt: Prompt, act: str, value: str) -> bool:
    text = prompt.text.lower()
    return any(re.search(rf"\b{re.escape(phrase)}\b", text) for phrase in phrases_of(MOVEMENTS[act, value]))


def test_the_movements_of_acts():
    flag = torch.tensor
    acts = Acts(
        nod=flag([True, False, False]),
        turn=torch.tensor([-1, 0, 1]),
        smile=flag([False, True, False]),
        still=flag([False, True, False]),
    )
    assert list_movements(acts) == [
        Movement("yes", "no", "no", "left"),
        Movement("no", "yes", "yes", "ahead"),
        Movement("no", "no", "no", "right"),
    ]


def test_a_prompt_tells_every_act_or_nothing_of_the_movement():
    prompts = describe_often(NODDING_SMILING)
    told = [prompt for prompt in prompts if prompt.movement != NOTHING]
    assert 0.8 < len(told) / len(prompts) < 0.9
    for prompt in told:
        assert prompt.movement == Movement("yes", "yes", "", "left")
        assert all(says(prompt, *said) for said in (("nod", "yes"), ("smile", "yes"), ("turn", "left")))
        assert not says(prompt, "turn", "right")


def test_nothing_said_is_nothing_written():
    for prompt in describe_often(NODDING_SMILING):
        if prompt.movement == NOTHING:
            # "in a calm voice", "still" and "happy" would be something said.
            assert not any(says(prompt, *said) for said in MOVEMENTS if said != ("still", "yes")), prompt.text


def test_a_take_without_acts_is_told_to_be_one():
    told = [prompt.movement for prompt in describe_often(PLAIN) if prompt.movement != NOTHING]
    assert all("yes" not in vars(movement).values() for movement in told)
    assert {movement.turn for movement in told} == {"", "ahead"}
    assert {movement.nod for movement in told} == {"", "no"}


def test_a_fifth_says_nothing_of_the_looks():
    prompts = describe_often(PLAIN)
    silent = [prompt for prompt in prompts if not any(vars(prompt.looks).values())]
    assert 0.15 < len(silent) / len(prompts) < 0.28
    for prompt in silent:
        assert not re.search(r"\b(woman|red|hair|glasses|shirt|wall)\b", prompt.text), prompt.text


def test_what_is_said_of_the_looks_is_so_and_stands_there():
    for prompt in describe_often(PLAIN):
        for name, phrase in vars(prompt.looks).items():
            assert set(phrase.split()) <= set(getattr(WOMAN, name).split()) | {"a"}
        for colour, said in (("blue", prompt.looks.shirt), ("green", prompt.looks.background)):
            assert (colour in prompt.text.lower()) == (colour in said), prompt.text


@pytest.mark.parametrize("said", MOVEMENTS)
def test_every_way_of_saying_an_act_is_taken(said: tuple[str, str]):
    # The sum of what is drawn covers most phrases, in whichever form.
    texts = " ".join(prompt.text.lower() for prompt in DRAWN)
    templates = MOVEMENTS[said]
    forms = [
        any(template.format(her=her) in texts for her in ("her", "his", "their", "the"))
        for template in (*templates.clauses, *templates.participles, *templates.nouns)
    ]
    assert sum(forms) >= 0.9 * len(forms)


def test_prompts_read_well():
    for prompt in DRAWN:
        assert not re.search(r"  |,,|\{|\}|^\W| [,.]|\ba [aeiou]\w* (shirt|wall)|\ban [^aeiou]", prompt.text), (
            prompt.text
        )
        assert prompt.text.count(".") < 7


def test_the_same_seed_gives_the_same_prompts():
    assert draw_prompts(50, 3) == draw_prompts(50, 3)
    assert draw_prompts(50, 3) != draw_prompts(50, 4)
    assert corpus(np.random.default_rng(1), 20) == corpus(np.random.default_rng(1), 20)


DRAWN = draw_prompts(4000, 0)

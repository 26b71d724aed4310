from dataclasses import fields

import pytest
import torch

from demo.world.identity import (
    FACIAL_HAIR,
    GLASSES,
    HAIR_COLOURS,
    HAIR_STYLES,
    PERSONS,
    SHIRTS,
    WALLS,
    Description,
    Identities,
    draw_identities,
    words,
)

KINDS = {
    "person": PERSONS,
    "hair_style": HAIR_STYLES,
    "glasses": GLASSES,
    "facial_hair": FACIAL_HAIR,
    "shirt": SHIRTS,
    "wall": WALLS,
}


@pytest.fixture(scope="module")
def people() -> Identities:
    return draw_identities(600, torch.Generator().manual_seed(1))


def test_the_same_seed_draws_the_same_people(people: Identities):
    again = draw_identities(600, torch.Generator().manual_seed(1))
    other = draw_identities(600, torch.Generator().manual_seed(2))
    assert all(torch.equal(getattr(people, field.name), getattr(again, field.name)) for field in fields(people))
    assert not torch.equal(people.skin_colour, other.skin_colour)


def test_fields_have_the_shapes_and_types_of_the_contract(people: Identities):
    assert len(people) == 600
    for field in fields(people):
        value = getattr(people, field.name)
        if field.name.endswith("_colour"):
            assert value.shape == (600, 3)
            assert value.dtype == torch.float32
            assert value.min() >= 0
            assert value.max() <= 1
        else:
            assert value.shape == (600,)
            assert value.dtype in (torch.float32, torch.int64)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_drawn(people: Identities, name: str):
    assert set(getattr(people, name).tolist()) == set(range(len(KINDS[name])))


def test_women_are_drawn_without_beards(people: Identities):
    assert people.facial_hair[people.person == PERSONS.index("woman")].max() == 0


def test_select_takes_some_in_order(people: Identities):
    some = people.select(torch.tensor([5, 2]))
    assert len(some) == 2
    assert torch.equal(some.skin_colour, people.skin_colour[[5, 2]])
    assert words(some) == [words(people)[5], words(people)[2]]


def test_words_say_what_is_drawn(people: Identities):
    described = words(people)
    assert len(described) == 600
    for number, description in enumerate(described):
        assert description.person == f"a {PERSONS[people.person[number]]}"
        assert (description.glasses == "") == (people.glasses[number] == 0)
        assert (description.facial_hair == "") == (people.facial_hair[number] == 0)
        if people.hair_style[number] > 0:
            assert list(HAIR_COLOURS)[people.hair_shade[number]] in description.hair
        assert description.shirt.endswith(("shirt", "shirt with a collar"))
        assert "wall" in description.background


def test_words_are_plain_english():
    people = draw_identities(1, torch.Generator().manual_seed(0))
    orange = Identities(
        **{
            **vars(people),
            "person": torch.tensor([1]),
            "hair_style": torch.tensor([HAIR_STYLES.index("long")]),
            "hair_shade": torch.tensor([list(HAIR_COLOURS).index("red")]),
            "glasses": torch.tensor([1]),
            "facial_hair": torch.tensor([0]),
            "shirt": torch.tensor([1]),
            "shirt_shade": torch.tensor([3]),
            "wall": torch.tensor([2]),
            "wall_shade": torch.tensor([3]),
        }
    )
    assert words(orange) == [
        Description(
            person="a woman",
            hair="long red hair",
            glasses="round glasses",
            facial_hair="",
            shirt="an orange striped shirt",
            background="a two-tone green wall",
        )
    ]

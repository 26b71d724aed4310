"""Prompts: what is seen of a person and what the head does, said in many ways.

Not all of it is said every time, so that a model learns what to make of a prompt that leaves something open.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
import torch

from demo.world.identity import Description, draw_identities, words
from demo.world.performance import Acts, draw_acts
from demo.world.phrases import ANYONE, DENIALS, FRAMINGS, MANNERS, MOVEMENTS, REMARKS, SAYINGS, SPEAKING

_Option = TypeVar("_Option")

_NO_LOOKS, _NO_MOVEMENT = 0.2, 0.15
_SPEECH_SAID = 0.92


@dataclass(frozen=True)
class Movement:
    """What one head does, or what is said of it; '' where nothing is said."""

    nod: str
    """'yes' or 'no'."""
    smile: str
    """'yes' or 'no'."""
    still: str
    """'yes' or 'no'."""
    turn: str
    """'left' or 'right' of the picture, or 'ahead'."""


@dataclass(frozen=True)
class Prompt:
    """A prompt and what it says."""

    text: str
    looks: Description
    movement: Movement


@dataclass(frozen=True)
class _Parts:
    """A sentence in the making."""

    person: str
    her: str
    she: str
    features: list[str]
    shirt: str
    background: str
    clauses: list[str]
    participles: list[str]
    nouns: list[str]


def list_movements(acts: Acts) -> list[Movement]:
    """What each of the takes shows, everything said."""
    flags = (("yes" if flag else "no" for flag in tensor.tolist()) for tensor in (acts.nod, acts.smile, acts.still))
    turns = (("ahead", "right", "left")[turn] for turn in acts.turn.tolist())
    return [Movement(*values) for values in zip(*flags, turns, strict=True)]


def describe(description: Description, movement: Movement, rng: np.random.Generator) -> Prompt:
    """A prompt for a take that looks and moves like this.

    Nothing is said of the looks in a fifth of the prompts and nothing of the movement in 15 of 100. Where the movement
    is told, every act of the take is.
    """
    looks, hair_word = _with_hair_word(_choose_looks(description, rng), rng)
    said = _choose_movement(movement, rng)
    parts = _gather(looks, hair_word, said, rng)
    write = _pick(rng, (_one_sentence, _one_sentence, _one_sentence, _sentences, _sentences, _list, _movement_first))
    text = _finish(write(parts, rng), rng)
    return Prompt(text, looks, said)


def draw_prompts(count: int, seed: int) -> list[Prompt]:
    """Prompts for random people who do random things."""
    generator = torch.Generator().manual_seed(seed)
    descriptions = words(draw_identities(count, generator))
    movements = list_movements(draw_acts(count, generator))
    rng = np.random.default_rng(seed)
    return [describe(*pair, rng) for pair in zip(descriptions, movements, strict=True)]


def corpus(rng: np.random.Generator, count: int) -> list[str]:
    """Texts to make a tokenizer of."""
    return [prompt.text for prompt in draw_prompts(count, int(rng.integers(2**31)))]


def _pick(rng: np.random.Generator, options: Sequence[_Option]) -> _Option:
    return options[int(rng.random() * len(options))]


def _choose_looks(description: Description, rng: np.random.Generator) -> Description:
    names = [field.name for field in fields(Description)]
    if rng.random() < _NO_LOOKS:
        return Description(**dict.fromkeys(names, ""))
    share = _pick(rng, (0.4, 0.8, 1.0))
    said = {name: getattr(description, name) if rng.random() < share else "" for name in names}
    said = {name: _thin(phrase, rng) if rng.random() < 0.15 else phrase for name, phrase in said.items()}
    if description.person == "a person":
        said["person"] = ""
    return Description(**said)


def _thin(phrase: str, rng: np.random.Generator) -> str:
    """Less of it: "a blue striped shirt" → "a blue shirt"."""
    for link in (" with ", " in "):
        if link in phrase:
            return phrase.split(link)[0]
    words_of = phrase.split()
    article = words_of.pop(0) if words_of and words_of[0] in ("a", "an") else ""
    if len(words_of) < 2 or words_of[0] == "bald":
        return phrase
    del words_of[int(rng.integers(len(words_of) - 1))]
    return _with_article(" ".join(words_of)) if article else " ".join(words_of)


def _with_article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _with_hair_word(looks: Description, rng: np.random.Generator) -> tuple[Description, str]:
    """Sometimes the hair is told by a word before the person: "a red-haired woman"."""
    before = looks.hair.split(" hair")[0].split()
    if not looks.hair or rng.random() > 0.12:
        return looks, ""
    if "bald" in before:
        return looks, "bald"
    said = {field.name: getattr(looks, field.name) for field in fields(looks)} | {"hair": f"{before[-1]} hair"}
    return Description(**said), f"{before[-1]}-haired"


def _choose_movement(movement: Movement, rng: np.random.Generator) -> Movement:
    if rng.random() < _NO_MOVEMENT:
        return Movement("", "", "", "")
    acting = "yes" in (movement.nod, movement.smile, movement.still) or movement.turn != "ahead"

    def tell(value: str, plain: str, share: float) -> str:
        return value if value != plain or rng.random() < share else ""

    nod, smile = (tell(value, "no", 0.06) for value in (movement.nod, movement.smile))
    plain = nod or smile
    turn = tell(movement.turn, "ahead", 0.15 if acting or plain else 1.0)
    return Movement(nod, smile, tell(movement.still, "no", 0.0), turn)


def _gather(looks: Description, hair_word: str, said: Movement, rng: np.random.Generator) -> _Parts:
    her, she = {"a woman": ("her", "she"), "a man": ("his", "he")}.get(looks.person, ("their", "the person"))
    her = "the" if rng.random() < 0.1 else her
    person = _reword(looks.person, rng) or _pick(rng, ANYONE)
    if hair_word:
        article, noun = person.split(" ", 1) if " " in person else ("a", "person")
        person = f"the {hair_word} {noun}" if article == "the" else _with_article(f"{hair_word} {noun}")
    features = [looks.glasses, looks.facial_hair] + ([] if hair_word else [looks.hair])
    kinds: tuple[list[str], list[str], list[str]] = ([], [], [])
    phrases = [MOVEMENTS[name, value] for name, value in vars(said).items() if value]
    for act in phrases:
        kind = int(rng.random() * 3)
        kinds[kind].append(_pick(rng, (act.clauses, act.participles, act.nouns)[kind]).format(her=her))
    if not phrases or rng.random() < _SPEECH_SAID:
        kind = _pick(rng, (0, 0, 0, 0, 0, 0, 0, 1, 1, 2))
        speech = _pick(rng, (SPEAKING.clauses, SPEAKING.participles, SPEAKING.nouns)[kind]).format(her=her)
        kinds[kind].append(f"{speech} {_pick(rng, MANNERS)}" if kind < 2 and rng.random() < 0.3 else speech)
    return _Parts(
        person,
        her,
        she,
        _shuffled([_reword(feature, rng) for feature in features if feature], rng),
        _reword(looks.shirt, rng),
        _reword(looks.background, rng),
        *(_denials_last(_shuffled(kind, rng)) for kind in kinds),
    )


def _reword(phrase: str, rng: np.random.Generator) -> str:
    for word, others in SAYINGS.items():
        if word in phrase and rng.random() < 0.2:
            phrase = phrase.replace(word, _pick(rng, others), 1)
    article, _, noun = phrase.partition(" ")
    return _with_article(noun) if article in ("a", "an") else phrase


def _shuffled(phrases: list[str], rng: np.random.Generator) -> list[str]:
    return sorted(phrases, key=lambda _: rng.random())


def _denials_last(phrases: list[str]) -> list[str]:
    """What follows "not nodding and" would seem denied as well."""
    return sorted(phrases, key=lambda phrase: not set(DENIALS).isdisjoint(phrase.split()))


def _join(phrases: list[str], rng: np.random.Generator) -> str:
    if len(phrases) < 2:
        return "".join(phrases)
    return f"{', '.join(phrases[:-1])}{_pick(rng, (' and ', ' and ', ', and '))}{phrases[-1]}"


def _dress(parts: _Parts, rng: np.random.Generator) -> tuple[str, str]:
    """What follows the person, and the background."""
    pieces = [f"with {_join(parts.features, rng)}"] if parts.features else []
    if parts.shirt:
        pieces.append(f"{_pick(rng, ('in', 'in', 'wearing', 'dressed in'))} {parts.shirt}")
    place = ""
    if parts.background:
        form = _pick(rng, ("before {}", "in front of {}", "against {}", "with {} behind {her}", "{} in the background"))
        place = form.format(parts.background, her="them" if parts.her in ("the", "their") else parts.her)
    return _pick(rng, (" ", ", ")).join(_shuffled(pieces, rng)), place


def _predicate(parts: _Parts, rng: np.random.Generator) -> str:
    """ "speaks and nods, smiling", "speaks with a smile"."""
    pieces = [_join(parts.clauses, rng)] if parts.clauses else []
    rest = []
    if parts.participles:
        lasting = bool(pieces) and all(phrase.split()[0].endswith("ing") for phrase in parts.participles)
        rest.append(("while " if lasting and rng.random() < 0.5 else "") + _join(parts.participles, rng))
    if parts.nouns:
        rest.append(f"with {_join(parts.nouns, rng)}")
    return _pick(rng, (" ", ", ")).join(pieces + _shuffled(rest, rng))


def _one_sentence(parts: _Parts, rng: np.random.Generator) -> str:
    dress, place = _dress(parts, rng)
    head, tail = (place, "") if rng.random() < 0.5 else ("", place)
    subject = _pick(rng, (" ", ", ")).join(filter(None, (parts.person, dress, head)))
    framing = _pick(rng, FRAMINGS) if rng.random() < 0.15 else ""
    link = " who " if framing and parts.clauses else _pick(rng, (" ", " ", ", ") if parts.clauses else (", ", " "))
    return " ".join(filter(None, (framing, f"{subject}{link}{_predicate(parts, rng)}", tail)))


def _sentences(parts: _Parts, rng: np.random.Generator) -> str:
    verb = "" if parts.clauses else "is there, "
    pieces = [f"{verb}{_predicate(parts, rng)}"]
    if parts.features:
        pieces.append(f"{_pick(rng, ('has', 'is seen with'))} {_join(parts.features, rng)}")
    if parts.shirt:
        pieces.append(f"{_pick(rng, ('wears', 'is wearing', 'is dressed in'))} {parts.shirt}")
    pieces = _shuffled(pieces, rng)
    sentences = [f"{parts.she if index else parts.person} {piece}" for index, piece in enumerate(pieces)]
    if parts.background:
        form = _pick(rng, ("the background is {}", "behind the person is {}", "there is {} in the background"))
        sentences.insert(int(rng.integers(1, len(sentences) + 1)), form.format(parts.background))
    return ". ".join(sentence[0].upper() + sentence[1:] for sentence in sentences)


def _list(parts: _Parts, rng: np.random.Generator) -> str:
    looks = [*parts.features, parts.shirt, parts.background]
    pieces = [*looks, *parts.clauses, *parts.participles, *parts.nouns]
    return ", ".join([parts.person, *_shuffled([piece for piece in pieces if piece], rng)])


def _movement_first(parts: _Parts, rng: np.random.Generator) -> str:
    """ "Nodding, with a smile, a woman speaks"."""
    opening = [_join(parts.participles, rng)] if parts.participles else []
    opening += [f"with {_join(parts.nouns, rng)}"] if parts.nouns else []
    if not opening or not parts.clauses:
        return _one_sentence(parts, rng)
    dress, place = _dress(parts, rng)
    subject = " ".join(filter(None, (parts.person, dress)))
    sentence = " ".join(filter(None, (subject, _join(parts.clauses, rng), place)))
    return f"{', '.join(_shuffled(opening, rng))}, {sentence}"


def _finish(text: str, rng: np.random.Generator) -> str:
    """Capitals and full stops as people set them or leave them out."""
    if rng.random() < 0.1:
        text += _pick(rng, (", ", ". ")) + _pick(rng, REMARKS)
    text += "" if rng.random() < 0.25 else "."
    return text.lower() if rng.random() < 0.15 else text[0].upper() + text[1:]

"""Who says what, and what is asked of them: the cases that a checkpoint is measured on, each with its truth.

A case depends on its pool, its group and its number alone, so that more cases leave the first ones as they are.
"""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from demo.world.identity import Identities, words
from demo.world.mouth import closures, follow_phonemes
from demo.world.performance import FRAMES_PER_SECOND, Acts, Performances, perform
from demo.world.prompts import Movement, describe, list_movements
from demo.world.sentences import HELD_OUT_SENTENCES, HELD_OUT_VOICES, TRAINING_VOICES, draw_sentences, draw_voice
from demo.world.speech import Line, Phoneme, Utterance, at_16_khz, speak_all
from demo.world.take import draw_takes
from s2v_runner.plan import SPEECH_RATE

ACTS = ("nod", "left", "right", "smile", "none")
FREE, UNSAID = "free", "unsaid"

_WORDS_A_SECOND_AT_150 = 2.8
_LONGEST_LEAD = 0.5
_SILENT_MARGIN = 0.08
"""Seconds from the next sound at which a moment counts as silent: in shorter gaps the mouth does not close."""
_QUIET = Movement(nod="", smile="", still="", turn="")


@dataclass(frozen=True)
class Pool:
    """Where people, voices and sentences come from."""

    name: str
    seed: int
    """Its cases are made from this and the numbers after it, which no training and no other pool uses."""
    voices: Sequence[str]
    write: Callable[[np.random.Generator, float], str]
    """A text that takes about so many seconds at 150 words a minute."""


@dataclass(frozen=True)
class Group:
    """Cases of one kind."""

    name: str
    number: int
    frames: int
    acts: Sequence[str]
    """Taken in turn: one of ACTS, which the prompt asks for; FREE, whatever comes, with a prompt as in training;
    UNSAID, whatever comes, with a prompt that says nothing of it."""


@dataclass(frozen=True)
class Case:
    """One video to be made, and what is true of it in each of its V frames."""

    name: str
    act: str
    """What its group asks for."""
    identities: Identities
    """Of one."""
    portrait: Performances
    """How the picture shows them, [1, 1]."""
    performance: Performances
    """The truth, [1, V]."""
    prompt: str
    line: Line
    """What is said, and with which voice."""
    waveform: np.ndarray
    """The speech from frame 0 on, float32 at 16 kHz; at least as long as the V frames."""
    closed: np.ndarray
    """The frames in which lips meet for p, b or m, bool [V]."""
    voiced: np.ndarray
    """The frames in the middle of a sound."""
    silent: np.ndarray
    """The frames that no sound is near to."""
    noise_seed: int

    @property
    def frames(self) -> int:
        return len(self.closed)


def _choose_sentences(rng: np.random.Generator, seconds: float) -> str:
    wanted = seconds * _WORDS_A_SECOND_AT_150
    chosen: list[str] = []
    for index in rng.permutation(len(HELD_OUT_SENTENCES)):
        chosen.append(HELD_OUT_SENTENCES[index])
        if len(" ".join(chosen).split()) >= wanted:
            break
    return " ".join(chosen)


POOLS = {
    pool.name: pool
    for pool in (
        # PyTorch takes the last 32 bits of a seed alone.
        Pool("held-out", 1_000_000_000, HELD_OUT_VOICES, _choose_sentences),
        Pool("validation", 2_000_000_000, TRAINING_VOICES, draw_sentences),
        Pool("calibration", 3_000_000_000, TRAINING_VOICES, draw_sentences),
    )
}
"""Figures are of the first, settings are chosen on the second, and the third says which readings mean what."""

GROUPS = {
    group.name: group
    for group in (
        Group("plain", 0, 77, (FREE,)),
        Group("acted", 1, 77, ACTS),
        Group("posed", 2, 77, (UNSAID,)),
        Group("two clips", 3, 157, (FREE,)),
        Group("five clips", 4, 397, (FREE,)),
    )
}
"""The frames are those of one, two and five clips of 80, of which the first gives away three."""

_SEEDS_OF_A_GROUP = 2**20


def draw_cases(pool: Pool, group: Group, count: int, seed: int) -> list[Case]:
    """The first `count` cases. Raises RuntimeError where espeak-ng fails."""
    assert count + seed < _SEEDS_OF_A_GROUP
    first = pool.seed + group.number * _SEEDS_OF_A_GROUP + seed
    rngs = [np.random.default_rng(first + number) for number in range(count)]
    lines = [_draw_line(pool, group.frames / FRAMES_PER_SECOND, rng) for rng in rngs]
    utterances = speak_all(lines, os.cpu_count() or 1)
    return [
        _stage(
            name=f"{pool.name} {group.name} {seed + number}",
            act=group.acts[number % len(group.acts)],
            frames=group.frames,
            seed=first + number,
            utterance=utterance,
            rng=rng,
        )
        for number, (utterance, rng) in enumerate(zip(utterances, rngs, strict=True))
    ]


def _draw_line(pool: Pool, seconds: float, rng: np.random.Generator) -> Line:
    voice = draw_voice(rng, pool.voices)
    return Line(pool.write(rng, seconds * voice.words_a_minute / 150), voice)


def _stage(name: str, act: str, frames: int, seed: int, utterance: Utterance, rng: np.random.Generator) -> Case:
    lead = round(rng.uniform(0, _LONGEST_LEAD) * SPEECH_RATE)
    spoken = at_16_khz(utterance)
    after = max(0, math.ceil(frames / FRAMES_PER_SECOND * SPEECH_RATE) - lead - len(spoken))
    seconds = lead / SPEECH_RATE
    phonemes = [replace(one, start=one.start + seconds, end=one.end + seconds) for one in utterance.phonemes]
    generator = torch.Generator().manual_seed(seed)
    mouth = follow_phonemes(phonemes, frames, FRAMES_PER_SECOND)
    takes = draw_takes([mouth], generator)
    acts = takes.acts if act in (FREE, UNSAID) else _make_acts(act)
    voiced, silent = _listen(phonemes, frames)
    return Case(
        name=name,
        act=act,
        identities=takes.identities,
        portrait=takes.portraits,
        performance=perform([mouth], acts, generator),
        prompt=_write_prompt(takes.identities, acts, act, rng),
        line=Line(utterance.text, utterance.voice),
        waveform=np.pad(spoken, (lead, after)),
        closed=closures(phonemes, frames, FRAMES_PER_SECOND),
        voiced=voiced,
        silent=silent,
        noise_seed=int(rng.integers(2**31)),
    )


def _make_acts(act: str) -> Acts:
    def flag(name: str) -> torch.Tensor:
        return torch.tensor([act == name])

    turn = torch.tensor([{"left": -1, "right": 1}.get(act, 0)])
    return Acts(nod=flag("nod"), turn=turn, smile=flag("smile"), still=torch.tensor([False]))


def _write_prompt(identities: Identities, acts: Acts, act: str, rng: np.random.Generator) -> str:
    """A prompt as in training; where the group asks for something, one that says it."""
    looks, movement = words(identities)[0], list_movements(acts)[0]
    while True:
        prompt = describe(looks, movement, rng)
        if act == FREE:
            return prompt.text
        if act == UNSAID and prompt.movement == _QUIET:
            return prompt.text
        if act in ACTS and _says(prompt.movement, act):
            return prompt.text


def _says(said: Movement, act: str) -> bool:
    if act in ("left", "right"):
        return said.turn == act
    return {"nod": said.nod == "yes", "smile": said.smile == "yes", "none": said.turn == "ahead"}[act]


def _listen(phonemes: Sequence[Phoneme], frames: int) -> tuple[np.ndarray, np.ndarray]:
    """The frames in the middle of a sound, and those far from any."""
    times = np.arange(frames)[:, None] / FRAMES_PER_SECOND
    starts, ends = (np.array([getattr(one, edge) for one in phonemes]) for edge in ("start", "end"))
    voiced = (times >= starts) & (times < ends)
    near = (times > starts - _SILENT_MARGIN) & (times < ends + _SILENT_MARGIN)
    return np.any(voiced, axis=1), ~np.any(near, axis=1)

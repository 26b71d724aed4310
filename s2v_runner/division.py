"""How the work of one video is divided among processes. It is chosen once, and nothing that computes asks."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from s2v_runner.autoencoder import WHOLE_FRAMES, Strips
from s2v_runner.checkpoint.shards import UNSHARDED, Shards
from s2v_runner.sampling.guidance import ONE_AFTER_THE_OTHER, Branches
from s2v_runner.transformer import WHOLE_SEQUENCE, Sequence


@dataclass(frozen=True, kw_only=True)
class Division:
    """This process's part. Each process of a group has one of its own."""

    sequence: Sequence
    """Who has which tokens."""
    branches: Branches
    """Who works out which branch of guidance."""
    strips: Strips
    """Who has which rows of the frames that are encoded and decoded between clips."""
    shards: Shards
    """Who keeps which rows of weights that are shared out."""
    tell: Callable[[object], None]
    """How the first process lets the others know what is to be done. They `follow` (`following.py`)."""
    at_work: Callable[[], AbstractContextManager[None]]
    """Entered while clips are made: whoever watches this process expects it to get on."""
    advance: Callable[[], None]
    """Told with everything that gets done then."""
    break_off: Callable[[], None]
    """Told when this process leaves its work unfinished while others are at it: they cannot be told anything more."""
    is_whole: Callable[[], bool]
    """Whether that has not happened."""
    turn_to_read: Callable[[str], AbstractContextManager[None]]
    """Entered while a part of the checkpoint of this digest is loaded, which other processes of this machine may want
    as well. What is done then waits for none of them."""


UNDIVIDED = Division(
    sequence=WHOLE_SEQUENCE,
    branches=ONE_AFTER_THE_OTHER,
    strips=WHOLE_FRAMES,
    shards=UNSHARDED,
    tell=lambda _: None,
    at_work=nullcontext,
    advance=lambda: None,
    break_off=lambda: None,
    is_whole=lambda: True,
    turn_to_read=lambda _: nullcontext(),
)
"""One process does everything, and has nobody to tell."""

"""Which points of a sweep are still to be made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from s2v_runner.sweep.states import PointState


@dataclass(frozen=True)
class Policy:
    """What is done with points that are there already."""

    resume: Literal["retry", "skip", "force"]
    tried: Mapping[str, int]
    """How often each point had been tried at first, by its number: more often means that it was just made."""

    def is_wanted(self, state: PointState, number: int) -> bool:
        """Whether the point of this number, which stands like this, is to be made."""
        if self.is_to_be_made_anew(state, number):
            return True
        if state.standing == "failed":
            return self.resume == "retry" and not self.was_tried_since(state, number)
        return state.standing != "finished"

    def is_to_be_made_anew(self, state: PointState, number: int) -> bool:
        """Whether nothing of what is there of it is to be kept."""
        return self.resume == "force" and not self.was_tried_since(state, number)

    def was_tried_since(self, state: PointState, number: int) -> bool:
        """Whether it was tried in this sweep, by whomever."""
        # Of points that a search has added since, there was none.
        return state.attempts > self.tried.get(str(number), 0)

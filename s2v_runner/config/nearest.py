"""The right name for a wrong one."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

_ALIKE = 0.5
_FEW = 12


def suggest(wrong: str, right: Iterable[str]) -> str:
    """A sentence that names the likeliest of `right`, or all of them when none is near and they are few."""
    names = list(right)
    # `seed` is short for `base_seed`, and not a slip for `speed`.
    whole = [name for name in names if re.split(r"[._]", name)[-1] == wrong]
    # One outside groups first: `seed` is `base_seed`, and not `tts.seed`. Then the shortest, of which it is the largest
    # part: `steps` is `sampler.steps`, and not `model.sampling_steps`.
    near = sorted(whole, key=lambda name: ("." in name, len(name))) or get_close_matches(
        wrong, names, n=1, cutoff=_ALIKE
    )
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"Choose one of {', '.join(names)}." if len(names) <= _FEW else "`s2v-runner run --help` lists them."

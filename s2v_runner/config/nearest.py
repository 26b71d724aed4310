"""The right name for a wrong one."""

from collections.abc import Iterable
from difflib import get_close_matches

_ALIKE = 0.5


def suggest(wrong: str, right: Iterable[str]) -> str:
    """A sentence that names the likeliest of `right`, or all of them when none is near and they are few."""
    names = list(right)
    near = get_close_matches(wrong, names, n=1, cutoff=_ALIKE)
    if not near and "." not in wrong:
        near = [name for name in names if name.rpartition(".")[2] == wrong][:1]
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"Choose one of {', '.join(names)}" if len(names) <= 12 else "`s2v-runner run --help` lists them"

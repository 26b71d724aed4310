"""What each part of a checkpoint must hold, worked out from its configuration and from its tensors' shapes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import nn

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class PartPlan:
    """How to build a part and where in the checkpoint its tensors are."""

    build: Callable[[], nn.Module]
    """Makes the empty module; called under the meta device."""
    names: Mapping[str, str]
    """Our parameter → its name in the checkpoint."""
    ignored: frozenset[str] = field(default_factory=frozenset)
    """Names in the checkpoint that the part rightly leaves alone."""
    float32_prefixes: tuple[str, ...] = ()
    """Our parameters that stay float32 whatever dtype is asked for."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Sizes in which this part must agree with others, by name."""


class UnfitError(Exception):
    """The configuration or the shapes describe something that this project does not run; the message says what."""

"""Which rows of a model this process keeps, where several processes have one model together.

The rows of a parameter are those of its first axis. They lie one after another in a file, so that some of them are read
without the others.
"""

from typing import Protocol

import torch
from torch import nn


class Shards(Protocol):
    """How the parameters of a model are shared out."""

    def wrap(self, module: nn.Module) -> None:
        """Prepare a module for parameters that are shared out. They are on the meta device, and stay on it."""
        ...

    def rows(self, count: int) -> range:
        """Those that this process keeps, of so many; none of them where there are more processes than rows."""
        ...

    def assemble(self, empty: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """What takes the place of an empty parameter of a wrapped module, of which these rows are kept here."""
        ...


class _Unsharded:
    """One process that keeps all rows."""

    def wrap(self, module: nn.Module) -> None:
        return None

    def rows(self, count: int) -> range:
        return range(count)

    def assemble(self, empty: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        return rows


UNSHARDED: Shards = _Unsharded()

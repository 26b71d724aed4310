"""LoRAs added to weights, one weight at a time, in float32."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from s2v_runner.checkpoint.loras import Change, Changes
from s2v_runner.errors import InputError


class Merger:
    """Adds changes to weights. Use as a context, which holds the files open."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._files = ExitStack()
        self._opened: dict[tuple[Path, torch.device], Any] = {}
        self.sums: list[tuple[tuple[Path, str], torch.Tensor]] = []
        """The sum of each tensor that was read, by its file and key: finite exactly when each number is."""

    def __enter__(self) -> "Merger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def changes(self, parameter: str) -> bool:
        """Whether anything is added to this parameter."""
        return parameter in self._changes

    def merge(self, parameter: str, weight: torch.Tensor, rows: range) -> torch.Tensor:
        """The weight with all that is added to it, in float32 and on its device. Raises InputError.

        The weight has these rows of the parameter.

        LoRA, https://arxiv.org/abs/2106.09685, section 4.1: W + alpha / rank · B A.
        """
        # Several small things are added to a large one: it is rounded once, by whoever takes it.
        total = weight.to(torch.float32, copy=True)
        for change in self._changes[parameter]:
            strength = change.lora.scale * self._alpha(change) / change.rank
            # Rows of what is added come of the same rows of the first factor and of all of the second.
            key, *others = change.factors
            added = self._read(change.lora.path, key, weight.device, rows)
            if others:
                (down,) = (self._read(change.lora.path, key, weight.device, None) for key in others)
                total.flatten(1).addmm_(added.flatten(1), down.flatten(1), alpha=strength)
            else:
                total.add_(added, alpha=strength)
        return total

    def _alpha(self, change: Change) -> float:
        if not isinstance(change.alpha, str):
            return change.alpha
        # Read on the CPU: a GPU would be waited for.
        return self._read(change.lora.path, change.alpha, torch.device("cpu"), None).item()

    def _read(self, path: Path, key: str, device: torch.device, rows: range | None) -> torch.Tensor:
        """These rows of a tensor, or all that it has."""
        tensor = self._get(path, key, device, rows).to(device, torch.float32)
        self.sums.append(((path, key), tensor.sum()))
        return tensor

    def _get(self, path: Path, key: str, device: torch.device, rows: range | None) -> torch.Tensor:
        try:
            if (path, device) not in self._opened:
                file = safe_open(path, framework="pt", device=str(device))
                self._opened[path, device] = self._files.enter_context(file)
            file = self._opened[path, device]
            return file.get_tensor(key) if rows is None else file.get_slice(key)[rows.start : rows.stop]
        except (SafetensorError, OSError) as error:
            raise InputError(
                f"LoRA '{path}'",
                f"its tensor '{key}' cannot be read ({error})",
                "Start again with the file as it is now",
            ) from error

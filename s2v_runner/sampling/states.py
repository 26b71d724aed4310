"""The state between two clips on disk, so that a run which was stopped goes on where it was."""

import os
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from s2v_runner.errors import InputError, OutputError
from s2v_runner.replacement import unfinished_path
from s2v_runner.sampling.clips import ClipState

_PAST, _NEXT = "past", "next_clip"
LATENTS = "latents"
"""The name of the tensor in a file of latents."""


def write_state(path: Path, state: ClipState) -> None:
    """Write a state, whole or not at all: under another name first, then moved. Raises OutputError.

    Only one process may write into its folder. One that is killed leaves hidden files there.
    """
    _write(path, {_PAST: state.past_BCVHW.contiguous().cpu(), _NEXT: torch.tensor(state.next_clip)})


def write_latents(path: Path, latents_BCFHW: torch.Tensor) -> None:
    """Write the latents of a clip in 16 bits, whole or not at all. Raises OutputError."""
    _write(path, {LATENTS: latents_BCFHW.to("cpu", torch.float16).contiguous()})


def read_state(path: Path, device: torch.device) -> ClipState:
    """Read a state back. Raises InputError for a file that is missing or is no state."""
    try:
        content = load_file(path, device=str(device))
        return ClipState(int(content[_NEXT]), content[_PAST])
    except (OSError, SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise InputError(f"state '{path}'", f"it cannot be read ({error})", "Start the run anew") from error


def _write(path: Path, content: dict[str, torch.Tensor]) -> None:
    unfinished = unfinished_path(path)
    try:
        save_file(content, unfinished)
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    except (OSError, SafetensorError) as error:
        raise OutputError(path, error) from error
    finally:
        unfinished.unlink(missing_ok=True)

"""What `s2v-runner check` prints."""

from collections.abc import Iterator

import torch

from s2v_runner.checkpoint.headers import DamagedFileError
from s2v_runner.checkpoint.inspection import InspectedPart, Problem, describe, inspect_checkpoint
from s2v_runner.checkpoint.layout import CheckpointFolder
from s2v_runner.transformer import resolve_attention


def print_report(checkpoint: CheckpointFolder, deep: bool) -> bool:
    """Print the state of every part of a checkpoint; True when it can be loaded."""
    print(f"{checkpoint.root}: {checkpoint.layout} layout")
    sound = True
    # The kernel is part of the module and takes no part in what its tensors are.
    for name, part in inspect_checkpoint(checkpoint, resolve_attention("sdpa")).items():
        problems = [*part.problems, *(_find_broken_tensors(part) if deep else ())]
        fit = all(problem.kind == "stray" for problem in problems)
        sound = sound and fit
        print(f"  {name:<14} {'ok ' if fit else 'BAD'}  {_contents(part)}")
        for problem in problems:
            print(f"    {describe(checkpoint, problem)}")
    print("sound" if sound else "not sound: fetch the files named above again")
    return sound


def _contents(part: InspectedPart) -> str:
    files = [*part.files.weights, *(path for role, path in part.files.others.items() if role == "tokenizer")]
    size = sum(path.stat().st_size for path in files if path.is_file())
    tensors = f", {len(part.store.entries)} tensors" if part.store.entries else ""
    return f"{len(files)} file{'' if len(files) == 1 else 's'}{tensors}, {_human(size)}"


def _human(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _find_broken_tensors(part: InspectedPart) -> Iterator[Problem]:
    for file in part.store.files:
        try:
            for name, tensor in file.read(torch.device("cpu")):
                count = tensor.numel() - int(torch.isfinite(tensor).sum())
                if count:
                    yield Problem("damaged", file.path, f"tensor '{name}' has {count} values not finite")
        except DamagedFileError as error:
            yield Problem("damaged", file.path, str(error))

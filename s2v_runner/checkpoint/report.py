"""What `s2v-runner check` prints."""

from collections.abc import Iterator, Sequence

import torch
from safetensors import safe_open

from s2v_runner.checkpoint.headers import DamagedFileError
from s2v_runner.checkpoint.inspection import InspectedPart, Problem, describe, inspect_checkpoint
from s2v_runner.checkpoint.layout import CheckpointFolder
from s2v_runner.checkpoint.loras import Lora, check_loras
from s2v_runner.errors import InputError
from s2v_runner.transformer import plain_backend


def print_report(checkpoint: CheckpointFolder, loras: Sequence[Lora], deep: bool) -> bool:
    """Print the state of every part of a checkpoint and of LoRAs for it; True when all can be loaded."""
    print(f"{checkpoint.root}: {checkpoint.layout} layout")
    sound = True
    # The kernel is part of the module and takes no part in what its tensors are.
    for name, part in inspect_checkpoint(checkpoint, plain_backend("sdpa")).items():
        problems = [*part.problems, *(_find_broken_tensors(part) if deep else ())]
        fit = all(problem.kind == "stray" for problem in problems)
        sound = sound and fit
        print(f"  {name:<14} {'ok ' if fit else 'BAD'}  {_contents(part)}")
        for problem in problems:
            print(f"    {describe(checkpoint, problem)}")
    for lora in loras:
        problem = _find_problem_of(lora, checkpoint, deep)
        sound = sound and problem is None
        print(f"  {'LoRA':<14} {'ok ' if problem is None else 'BAD'}  {lora.path}")
        if problem is not None:
            print(f"    {problem}")
        elif lora.left_out:
            print(f"    left out: {lora.left_out} of its tensors, for encoded pictures")
    print("sound" if sound else "not sound: fetch the files named above again")
    return sound


def _find_problem_of(lora: Lora, checkpoint: CheckpointFolder, deep: bool) -> str | None:
    try:
        check_loras((lora,), checkpoint)
    except InputError as error:
        return error.problem
    if deep:
        with safe_open(lora.path, framework="pt") as file:
            for key in file.keys():  # noqa: SIM118, it is no mapping
                if not torch.isfinite(file.get_tensor(key)).all():
                    return f"'{key}' holds values that are not finite"
    return None


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

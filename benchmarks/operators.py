"""How many operators the model runs, which needs no GPU and no quiet machine to be told.

    python -m benchmarks operators              # the counts, as they are
    python -m benchmarks operators --check      # against the record; the status is 1 where they differ
    python -m benchmarks operators --write      # the record anew

Counted on the CPU with a tiny model in float32: operators that compute or copy, by their names in PyTorch. Views and
empty memory are left out, because they move nothing. On a GPU each of the others is work of its own to be started.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.autoencoders import EXACT, PRECISIONS, random_autoencoder
from benchmarks.clips import LATER, ClipCase, draw_conditioning, draw_latents
from benchmarks.models import MODELS
from s2v_runner.sampling.denoise import denoise
from s2v_runner.sampling.guidance import ONE_AFTER_THE_OTHER, guided_velocity
from s2v_runner.sampling.schedules import make_solver
from s2v_runner.transformer import S2VTransformer, plain_backend
from s2v_runner.transformer.initialisation import random_transformer

RECORD = Path(__file__).parent / "results" / "operator-counts.json"
_CPU = torch.device("cpu")
_MODEL = MODELS["tiny"]
_CASE = ClipCase(*_MODEL.size, _MODEL.frames, LATER)
# Views that are declared without an alias, and memory that is not written.
_IDLE = {
    "aten::_unsafe_view",
    "aten::lift_fresh",
    "aten::empty",
    "aten::empty_like",
    "aten::empty_strided",
    "aten::new_empty",
    "aten::new_empty_strided",
}
WAITS = ("aten::_local_scalar_dense", "aten::item", "aten::nonzero")
"""Operators that a GPU is waited for, each of which empties its queue."""

Counts = Mapping[str, int]


class OperatorCounter(TorchDispatchMode):
    """Counts what reaches PyTorch's kernels while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if not _is_idle(func):
            self.counts[func.name().partition(".")[0]] += 1
        return func(*args, **(kwargs or {}))


def _is_idle(func: Any) -> bool:
    aliases = [result.alias_info for result in func._schema.returns]
    is_view = any(alias is not None and not alias.is_write for alias in aliases)
    return is_view or func.name().partition(".")[0] in _IDLE


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks operators",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--write", action="store_true", help="record what there is now")
    what.add_argument("--check", action="store_true", help="compare with what is recorded")
    options = parser.parse_args(arguments)
    record = {"torch": torch.__version__.partition("+")[0], "counts": count_operators()}
    if options.check:
        lines = list(differences(read_record(), record))
        print("\n".join(lines) if lines else "as recorded")
        return bool(lines)
    text = json.dumps(record, indent=1)
    if options.write:
        RECORD.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
    return 0


def read_record() -> dict[str, Any]:
    return json.loads(RECORD.read_text(encoding="utf-8"))


@torch.no_grad()
def count_operators() -> dict[str, Counts]:
    """By what is done: a forward and each kind of block in it, a prepare, a guided step, a latent decoded."""
    transformer = random_transformer(_MODEL.transformer, plain_backend("sdpa"), _CPU, torch.float32, seed=0)
    conditioning = draw_conditioning(_MODEL.transformer, _CASE, _CPU)
    latents = draw_latents(_MODEL.transformer, _CASE, _CPU)
    prepared = transformer.prepare(conditioning)
    timestep = torch.tensor([500.0])
    velocity = guided_velocity(transformer, conditioning, conditioning.text_BTC, 4.5, ["guided"], ONE_AFTER_THE_OTHER)
    solver = make_solver("euler", 1, [0], 5.0, _CPU)
    counts = {
        "prepare": _count(lambda: transformer.prepare(conditioning)),
        "forward": _count(lambda: transformer(latents, timestep, prepared)),
        "guided step": _count(lambda: denoise(latents, velocity, solver, lambda *_: None)),
        "decode a latent": _count_decoding(),
    }
    return counts | _count_blocks(transformer, lambda: transformer(latents, timestep, prepared))


def _count(call: Callable[[], object]) -> Counts:
    with OperatorCounter() as counter:
        call()
    return dict(sorted(counter.counts.items()))


def _count_blocks(transformer: S2VTransformer, forward: Callable[[], object]) -> dict[str, Counts]:
    """Of the first block that hears the speech, and of the first that does not."""
    hearing = _MODEL.transformer.audio_injection_layers
    deaf = next(index for index in range(_MODEL.transformer.num_layers) if index not in hearing)
    counted = {"block with speech": hearing[0], "block without speech": deaf}
    counts = {}
    for name, index in counted.items():
        with OperatorCounter() as counter, _around(list(transformer.blocks)[index], counter) as marks:
            forward()
        before, after = marks
        counts[name] = dict(sorted((after - before).items()))
    return counts


@contextmanager
def _around(module: torch.nn.Module, counter: OperatorCounter) -> Iterator[list[Counter[str]]]:
    """What was counted when the module began, and when it was done."""
    marks: list[Counter[str]] = []
    hooks = (
        module.register_forward_pre_hook(lambda *_: marks.append(counter.counts.copy())),
        module.register_forward_hook(lambda *_: marks.append(counter.counts.copy())),
    )
    try:
        yield marks
    finally:
        for hook in hooks:
            hook.remove()


def _count_decoding() -> Counts:
    """Of a latent that is not the first of its video."""
    autoencoder = random_autoencoder(_MODEL.autoencoder_width, PRECISIONS[EXACT], _CPU)
    latents = torch.randn(1, 16, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    chunks = autoencoder.decode(latents)
    # Only from the third on does every convolution have its whole past.
    for _ in range(2):
        next(chunks)
    return _count(lambda: next(chunks))


def differences(recorded: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    """A line for each operator that is run more or less often than recorded, by what is done; none if all is equal."""
    old, new = recorded["counts"], found["counts"]
    lines = [line for name in dict.fromkeys((*old, *new)) for line in _differ(name, old.get(name), new.get(name))]
    if not lines:
        return
    if recorded["torch"] != found["torch"]:
        yield f"recorded with PyTorch {recorded['torch']}, counted with {found['torch']}, which may count otherwise"
    yield from lines
    yield "If this is meant, record it: python -m benchmarks operators --write"


def _differ(name: str, old: Counts | None, new: Counts | None) -> Iterator[str]:
    if old == new:
        return
    if old is None or new is None:
        yield f"{name}: {'not recorded' if old is None else 'recorded, and no longer counted'}"
        return
    before, after = sum(old.values()), sum(new.values())
    yield f"{name}: {after} operators where {before} are recorded ({after - before:+})"
    for operator in sorted({*old, *new}):
        was, is_now = old.get(operator, 0), new.get(operator, 0)
        if was != is_now:
            yield f"  {operator:40} {was:4} → {is_now:4}  ({is_now - was:+})"

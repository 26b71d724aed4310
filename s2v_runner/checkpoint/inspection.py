"""What is missing, damaged or unexpected in a checkpoint, found without loading its tensors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from s2v_runner.checkpoint.audio_encoder import plan_audio_encoder
from s2v_runner.checkpoint.headers import DamagedFileError
from s2v_runner.checkpoint.layout import PARTS, CheckpointFolder, PartFiles, read_json
from s2v_runner.checkpoint.parts import PartPlan, Shapes, UnfitError
from s2v_runner.checkpoint.tensors import TensorFile, TensorStore
from s2v_runner.checkpoint.text_encoder import plan_text_encoder
from s2v_runner.checkpoint.tokenizer import load_extractor, load_tokenizer
from s2v_runner.checkpoint.transformer import plan_transformer
from s2v_runner.checkpoint.vae import plan_vae
from s2v_runner.errors import InputError
from s2v_runner.transformer.backend import Backend


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one file. A stray is a file that nothing names: it is shown and disturbs nobody."""

    kind: Literal["missing", "damaged", "unexpected", "stray"]
    file: Path
    detail: str


@dataclass(frozen=True)
class InspectedPart:
    """One part of a checkpoint, its headers read."""

    name: str
    files: PartFiles
    store: TensorStore
    plan: PartPlan | None
    """None when there is nothing to build, or when the problems keep it from being planned."""
    problems: tuple[Problem, ...]

    @property
    def is_sound(self) -> bool:
        return all(problem.kind == "stray" for problem in self.problems)


def inspect_checkpoint(folder: CheckpointFolder, backend: Backend) -> dict[str, InspectedPart]:
    """Every part, compared with what it must hold and with the others. Takes no device memory."""
    parts = {name: _inspect_part(folder, name, backend) for name in PARTS}
    for name, problem in _disagreements(parts):
        part = parts[name]
        parts[name] = InspectedPart(name, part.files, part.store, part.plan, (*part.problems, problem))
    return parts


def require_sound(folder: CheckpointFolder, parts: Mapping[str, InspectedPart]) -> None:
    """Raise InputError that lists what is wrong with the checkpoint, if anything is."""
    serious = [problem for part in parts.values() for problem in part.problems if problem.kind != "stray"]
    if not serious:
        return
    shown = [describe(folder, problem) for problem in serious[:5]]
    if len(serious) > len(shown):
        shown.append(f"… and {len(serious) - len(shown)} more")
    raise InputError(
        f"checkpoint folder '{folder.root}'",
        "it cannot be loaded:\n  " + "\n  ".join(shown),
        f"Fetch these files again, all from one release; `s2v-runner check {folder.root}` shows all that is wrong",
    )


def describe(folder: CheckpointFolder, problem: Problem) -> str:
    detail = f": {problem.detail}" if problem.detail else ""
    kind = "unexpected" if problem.kind == "stray" else problem.kind
    return f"{kind} {folder.relative(problem.file)}{detail}"


def _inspect_part(folder: CheckpointFolder, name: str, backend: Backend) -> InspectedPart:
    files = folder.parts[name]
    problems = [Problem("missing", path, "") for path in files.absent]
    problems += [Problem("stray", path, "no index names it") for path in files.strays]
    opened = []
    for path in files.weights:
        try:
            opened.append(TensorFile(path))
        except DamagedFileError as error:
            problems.append(Problem("damaged", path, str(error)))
    problems += _repeated(opened)
    problems += _unfit_companions(files)
    store, plan = TensorStore(opened), None
    if files.weights and all(problem.kind == "stray" for problem in problems):
        try:
            plan = _plan(name, files, store.shapes, backend)
            problems += _compare(plan, store, files)
        except Exception as error:  # a configuration can be wrong in more ways than can be listed
            problems.append(Problem("damaged", files.config or files.weights[0], _reason(error)))
    return InspectedPart(name, files, store, plan, tuple(problems))


def _plan(name: str, files: PartFiles, shapes: Shapes, backend: Backend) -> PartPlan:
    if name == "vae":
        return plan_vae(shapes)
    if name == "text_encoder":
        return plan_text_encoder(shapes)
    assert files.config is not None
    if name == "audio_encoder":
        return plan_audio_encoder(read_json(files.config), shapes)
    return plan_transformer(read_json(files.config), shapes, backend)


def _compare(plan: PartPlan, store: TensorStore, files: PartFiles) -> Iterator[Problem]:
    with torch.device("meta"):
        wanted = plan.build().state_dict()
    homes = _homes(files)
    for ours, published in plan.names.items():
        entry = store.entries.get(published)
        expected = tuple(wanted[ours].shape)
        if entry is None:
            home = homes.get(published, files.weights[-1])
            yield Problem("missing", home, f"tensor '{published}' {list(expected)}")
        elif entry.shape != expected:
            detail = f"tensor '{published}' has shape {list(entry.shape)} and should have {list(expected)}"
            yield Problem("damaged", entry.file, detail)
    known = set(plan.names.values()) | plan.ignored
    for entry in store.entries.values():
        if entry.name not in known:
            yield Problem("unexpected", entry.file, f"tensor '{entry.name}' {list(entry.shape)}")


def _homes(files: PartFiles) -> Mapping[str, Path]:
    """The file in which the index says each tensor is."""
    index = files.others.get("index")
    if index is None:
        return {}
    return {name: index.parent / file for name, file in read_json(index)["weight_map"].items()}


def _repeated(opened: list[TensorFile]) -> Iterator[Problem]:
    seen: dict[str, Path] = {}
    for file in opened:
        for entry in file.entries:
            if entry.name in seen:
                yield Problem("damaged", file.path, f"tensor '{entry.name}' is also in {seen[entry.name].name}")
            seen[entry.name] = file.path


def _unfit_companions(files: PartFiles) -> Iterator[Problem]:
    """What is wrong with the files that hold no tensors. They are small, so they are read for good."""
    loaders = {"tokenizer": lambda path: load_tokenizer(path, text_length=1), "extractor": load_extractor}
    for role, load in loaders.items():
        path = files.others.get(role)
        if path is None or not path.is_file():
            continue
        try:
            load(path)
        except Exception as error:  # as with configurations
            yield Problem("damaged", path, _reason(error))


def _disagreements(parts: Mapping[str, InspectedPart]) -> Iterator[tuple[str, Problem]]:
    """Parts that are sound by themselves and not of the same model; the transformer is taken to be right."""
    transformer = parts["transformer"].plan
    for name in ("vae", "text_encoder", "audio_encoder"):
        part = parts[name]
        if transformer is None or part.plan is None:
            continue
        for size in sorted(transformer.sizes.keys() & part.plan.sizes.keys()):
            ours, theirs = part.plan.sizes[size], transformer.sizes[size]
            if ours != theirs:
                detail = f"its {size} is {ours} and the transformer's {theirs}"
                yield name, Problem("damaged", part.files.config or part.files.weights[0], detail)
    tokenizer, encoder = parts["tokenizer"], parts["text_encoder"].plan
    if encoder is not None and tokenizer.is_sound:
        path = tokenizer.files.others["tokenizer"]
        tokens = load_tokenizer(path, text_length=1).get_vocab_size()
        if tokens > encoder.sizes["vocabulary"]:
            detail = f"it has {tokens} tokens and the text encoder {encoder.sizes['vocabulary']}"
            yield "tokenizer", Problem("damaged", path, detail)


def _reason(error: Exception) -> str:
    if isinstance(error, InputError):
        return error.problem
    if isinstance(error, UnfitError):
        return str(error)
    lines = str(error).strip().splitlines()
    return f"it makes no sense ({type(error).__name__}{': ' + lines[0] if lines else ''})"

"""What is missing, damaged or unexpected in a checkpoint, found from headers alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from s2v_runner.checkpoint.audio_encoder import plan_audio_encoder
from s2v_runner.checkpoint.layout import CheckpointFolder, PartFiles, read_json
from s2v_runner.checkpoint.parts import PartPlan, Shapes, UnfitError
from s2v_runner.checkpoint.tensors import DamagedFileError, TensorFile, TensorStore
from s2v_runner.checkpoint.text_encoder import plan_text_encoder
from s2v_runner.checkpoint.transformer import plan_transformer
from s2v_runner.checkpoint.vae import plan_vae
from s2v_runner.errors import InputError
from s2v_runner.transformer.attention import AttentionFunction


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one file."""

    kind: Literal["missing", "damaged", "unexpected"]
    file: Path
    detail: str


@dataclass(frozen=True)
class InspectedPart:
    """One part of a checkpoint, its headers read."""

    name: str
    files: PartFiles
    store: TensorStore
    plan: PartPlan | None
    """None when the problems keep it from being made."""
    problems: tuple[Problem, ...]


def inspect_part(folder: CheckpointFolder, name: str, attend: AttentionFunction) -> InspectedPart:
    """Read the headers of a part and compare them with what it must hold. Takes no device memory."""
    files = folder.parts[name]
    problems = [Problem("missing", path, "") for path in files.absent]
    problems += [Problem("unexpected", path, "no index names it") for path in files.strays]
    opened = []
    for path in files.weights:
        try:
            opened.append(TensorFile(path))
        except DamagedFileError as error:
            problems.append(Problem("damaged", path, str(error)))
    store = TensorStore(opened)
    if name == "tokenizer":
        problems += _inspect_tokenizer(files)
        return InspectedPart(name, files, store, None, tuple(problems))

    problems += _repeated(opened)
    if any(problem.kind != "unexpected" for problem in problems):
        return InspectedPart(name, files, store, None, tuple(problems))
    try:
        plan = _plan(name, files, store.shapes, attend)
    except (UnfitError, InputError) as error:
        blamed = files.config if files.config is not None else files.weights[0]
        return InspectedPart(name, files, store, None, (*problems, Problem("damaged", blamed, str(error))))
    problems += _compare(plan, store, files)
    return InspectedPart(name, files, store, plan, tuple(problems))


def require_sound(folder: CheckpointFolder, part: InspectedPart) -> None:
    """Raise InputError that lists what is wrong with the part, if anything is."""
    serious = [problem for problem in part.problems if not is_harmless(problem)]
    if not serious:
        return
    shown = [describe(folder, problem) for problem in serious[:5]]
    if len(serious) > len(shown):
        shown.append(f"… and {len(serious) - len(shown)} more")
    raise InputError(
        f"checkpoint folder '{folder.root}'",
        f"its {part.name} cannot be loaded:\n  " + "\n  ".join(shown),
        f"Fetch these files again; `s2v-runner check {folder.root}` shows all that is wrong",
    )


def is_harmless(problem: Problem) -> bool:
    """A whole file that nothing names disturbs nobody; it is shown and not held against the checkpoint."""
    return problem.kind == "unexpected" and problem.detail == "no index names it"


def describe(folder: CheckpointFolder, problem: Problem) -> str:
    detail = f": {problem.detail}" if problem.detail else ""
    return f"{problem.kind} {folder.relative(problem.file)}{detail}"


def _plan(name: str, files: PartFiles, shapes: Shapes, attend: AttentionFunction) -> PartPlan:
    if name == "vae":
        return plan_vae(shapes)
    if name == "text_encoder":
        return plan_text_encoder(shapes)
    assert files.config is not None
    if name == "audio_encoder":
        return plan_audio_encoder(read_json(files.config), shapes)
    return plan_transformer(read_json(files.config), shapes, attend)


def _compare(plan: PartPlan, store: TensorStore, files: PartFiles) -> Iterator[Problem]:
    with torch.device("meta"):
        wanted = plan.build().state_dict()
    homes = _homes(files)
    somewhere = files.weights[-1]
    for ours, published in plan.names.items():
        entry = store.entries.get(published)
        expected = tuple(wanted[ours].shape)
        if entry is None:
            yield Problem("missing", homes.get(published, somewhere), f"tensor '{published}' {list(expected)}")
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


def _inspect_tokenizer(files: PartFiles) -> Iterator[Problem]:
    path = files.others["tokenizer"]
    if not path.is_file():
        return
    try:
        content = read_json(path)
    except InputError as error:
        yield Problem("damaged", path, error.problem)
        return
    if "model" not in content:
        yield Problem("damaged", path, "it has no 'model', so it is no tokenizer")

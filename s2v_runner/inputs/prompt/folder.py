"""The folder of a Qwen model: what is in it, from its small files. Nothing heavy is imported."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2v_runner.digests import digest_files
from s2v_runner.errors import InputError
from s2v_runner.inputs.prompt.failures import flatten

_SHORT_NAMES = {
    "Qwen2.5_3B": "Qwen/Qwen2.5-3B-Instruct",
    "Qwen2.5_7B": "Qwen/Qwen2.5-7B-Instruct",
    "Qwen2.5_14B": "Qwen/Qwen2.5-14B-Instruct",
    "QwenVL2.5_3B": "Qwen/Qwen2.5-VL-3B-Instruct",
    "QwenVL2.5_7B": "Qwen/Qwen2.5-VL-7B-Instruct",
}
"""The original's, in `QwenPromptExpander.model_dict` of wan/utils/prompt_extend.py."""
_USUAL = {True: "Qwen/Qwen2.5-VL-7B-Instruct", False: "Qwen/Qwen2.5-14B-Instruct"}
"""The original's, by whether a picture is shown."""

_TEXT_TYPES = {"qwen2", "qwen2_moe", "qwen3", "qwen3_moe"}
_VISION_TYPES = {"qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe"}
_TEMPLATE = "chat_template.jinja"
_WEIGHTS = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_FILES_FOR_ALL = ("config.json", "tokenizer_config.json", "tokenizer.json")
_FILES_FOR_VISION = ("preprocessor_config.json",)


@dataclass(frozen=True)
class QwenFolder:
    """A model of this family, whole as far as its names tell."""

    path: Path
    sees: bool
    """Whether it is a vision model."""
    dtype: str
    """Of its weights, as its configuration states it."""
    weights: tuple[Path, ...]

    @property
    def name(self) -> str:
        return self.path.resolve().name

    def digest(self) -> str:
        """By content: milliseconds, whatever the size."""
        small = {path.name: path for path in sorted(self.path.glob("*.json")) + sorted(self.path.glob("*.jinja"))}
        return digest_files({**small, **{path.name: path for path in self.weights}})


def find_qwen(model: str | None, wants_sight: bool) -> QwenFolder:
    """Raises InputError where there is no folder, or no Qwen model that writes in it, or not all of one."""
    if model is None:
        raise InputError(
            "prompt_extend.model",
            "prompt_extend=local_qwen needs the folder of a model, and none is given",
            _how_to_fetch(_USUAL[wants_sight]),
        )
    subject = f"prompt_extend.model '{flatten(model)}'"
    try:
        path = Path(model).expanduser()
        if not path.is_dir():
            problem = "it is a file, not the folder of a model" if path.exists() else "there is no such folder"
            raise InputError(subject, problem, _how_to_fetch(_guess_id(model, wants_sight)))
        return _look_into(path, subject)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or flatten(str(error))
        raise InputError(subject, f"it cannot be looked into ({reason})", "Give a folder you may read") from error


def _look_into(path: Path, subject: str) -> QwenFolder:
    config = _read_json(path / "config.json", subject)
    kind = config.get("model_type")
    sees = kind in _VISION_TYPES
    if not sees and kind not in _TEXT_TYPES:
        raise InputError(
            subject,
            f"it is a model of the type '{kind}', which is not one that extends prompts",
            f"Give a model of the type {', '.join(sorted(_TEXT_TYPES | _VISION_TYPES))}",
        )
    if "quantization_config" in config:
        raise InputError(
            subject, "its weights are quantised, which is not supported", "Give the same model without quantisation"
        )
    weights = _find_weights(path, subject)
    needed = _FILES_FOR_ALL + (_FILES_FOR_VISION if sees else ())
    absent = [name for name in needed if not (path / name).is_file()]
    absent += [weight.name for weight in weights if not weight.is_file()]
    if not absent and not _has_template(path, subject):
        absent = [_TEMPLATE]
    if absent:
        others = f" and {len(absent) - 1} more" if absent[1:] else ""
        raise InputError(subject, f"it lacks {absent[0]}{others}", "Fetch the whole folder of an Instruct model again")
    return QwenFolder(path, sees, str(config.get("dtype") or config.get("torch_dtype") or "float32"), weights)


def _find_weights(path: Path, subject: str) -> tuple[Path, ...]:
    if not (path / _INDEX).is_file():
        return (path / _WEIGHTS,)
    names = _read_json(path / _INDEX, subject).get("weight_map")
    if not isinstance(names, Mapping) or not names or not all(isinstance(name, str) for name in names.values()):
        raise InputError(subject, f"its {_INDEX} names no weights", "Fetch the folder again")
    return tuple(path / Path(name).name for name in sorted(set(names.values())))


def _has_template(path: Path, subject: str) -> bool:
    """Whether it is said how a conversation is written, as it is for models that have learned to converse."""
    settings = _read_json(path / "tokenizer_config.json", subject)
    return bool(settings.get("chat_template")) or (path / _TEMPLATE).is_file()


def _read_json(path: Path, subject: str) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(subject, f"it lacks {path.name}", "Give the folder of a Qwen model in Transformers' layout")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(subject, f"its {path.name} is damaged ({error})", "Fetch the folder again") from error
    if not isinstance(content, dict):
        raise InputError(subject, f"its {path.name} is damaged (no object in it)", "Fetch the folder again")
    return content


def _guess_id(model: str, wants_sight: bool) -> str:
    """Which published model is meant by what is no folder."""
    if model in _SHORT_NAMES:
        return _SHORT_NAMES[model]
    is_id = model.count("/") == 1 and model.lower().startswith("qwen/") and not model.endswith("/")
    return model if is_id else _USUAL[wants_sight]


def _how_to_fetch(name: str) -> str:
    folder = name.partition("/")[2]
    fetching = f"hf download {name} --local-dir {folder}"
    return f"Models are read from the disk alone: {fetching}, and give prompt_extend.model={folder}"

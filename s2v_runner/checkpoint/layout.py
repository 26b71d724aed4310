"""Where each part of a checkpoint lies, in the two layouts in which it is published."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from s2v_runner.errors import InputError

PARTS = ("transformer", "vae", "text_encoder", "tokenizer", "audio_encoder")

_OFFICIAL_T5 = "models_t5_umt5-xxl-enc-bf16.pth"
_OFFICIAL_VAE = "Wan2.1_VAE.pth"
_OFFICIAL_TOKENIZER = "google/umt5-xxl/tokenizer.json"
_OFFICIAL_WAV2VEC2 = "wav2vec2-large-xlsr-53-english"
_EXTRACTOR = "preprocessor_config.json"
_TRANSFORMER_STEM = "diffusion_pytorch_model"


@dataclass(frozen=True)
class PartFiles:
    """The files of one part. Any of them may be absent: `absent` says which of those that are needed."""

    config: Path | None
    """Its configuration, where it has one."""
    weights: tuple[Path, ...]
    """The weight files that are there, in order."""
    others: Mapping[str, Path]
    """Further files by role: `tokenizer`, `extractor`."""
    absent: tuple[Path, ...]
    strays: tuple[Path, ...]
    """Weight files beside these that nothing names."""


@dataclass(frozen=True)
class CheckpointFolder:
    """A checkpoint on disk, its files located and not yet opened."""

    root: Path
    layout: Literal["official", "diffusers"]
    parts: Mapping[str, PartFiles]

    def relative(self, path: Path) -> str:
        return str(path.relative_to(self.root))


def locate_checkpoint(folder: str | Path) -> CheckpointFolder:
    """Recognise the layout of `folder` and find its files.

    The official layout is that of Wan-AI/Wan2.2-S2V-14B; the Diffusers layout has a folder for each part.
    Raises InputError when the folder is not there or is of neither layout.
    """
    try:
        return _locate(Path(folder).expanduser())
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"checkpoint folder '{folder}'", f"it cannot be looked into ({error})", "Give a folder you may read"
        ) from error


def _locate(root: Path) -> CheckpointFolder:
    if not root.is_dir():
        raise InputError(f"checkpoint folder '{root}'", "there is no such folder", "Give the folder of the weights")
    if (root / "transformer").is_dir():
        return CheckpointFolder(root, "diffusers", _locate_diffusers_parts(root))
    official_signs = (_OFFICIAL_T5, _OFFICIAL_VAE, f"{_TRANSFORMER_STEM}.safetensors.index.json", _OFFICIAL_WAV2VEC2)
    if any((root / sign).exists() for sign in official_signs):
        return CheckpointFolder(root, "official", _locate_official_parts(root))
    raise InputError(
        f"checkpoint folder '{root}'",
        "it is of no known layout",
        f"The official layout has {_OFFICIAL_VAE}, {_OFFICIAL_T5} and {_OFFICIAL_WAV2VEC2}/ in it; "
        "the Diffusers layout has transformer/, vae/, text_encoder/, tokenizer/ and audio_encoder/",
    )


def _locate_official_parts(root: Path) -> dict[str, PartFiles]:
    tokenizer = root / _OFFICIAL_TOKENIZER
    wav2vec2 = root / _OFFICIAL_WAV2VEC2
    return {
        "transformer": _weights_in(root, _TRANSFORMER_STEM),
        "vae": _single_file(root / _OFFICIAL_VAE),
        "text_encoder": _single_file(root / _OFFICIAL_T5),
        "tokenizer": _tokenizer_files(tokenizer),
        "audio_encoder": _audio_encoder_files(wav2vec2, wav2vec2 / _EXTRACTOR),
    }


def _locate_diffusers_parts(root: Path) -> dict[str, PartFiles]:
    audio_encoder = root / "audio_encoder"
    # The published folders keep the feature extractor beside the encoder, in a folder of its own, or in both;
    # Transformers 5 writes it into the processor's file.
    beside = audio_encoder / _EXTRACTOR
    apart = (root / "audio_processor" / _EXTRACTOR, root / "audio_processor" / "processor_config.json")
    extractor = next((path for path in (beside, *apart) if path.is_file()), beside)
    return {
        "transformer": _weights_in(root / "transformer", _TRANSFORMER_STEM),
        "vae": _weights_in(root / "vae", _TRANSFORMER_STEM),
        "text_encoder": _weights_in(root / "text_encoder", "model"),
        "tokenizer": _tokenizer_files(root / "tokenizer" / "tokenizer.json"),
        "audio_encoder": _audio_encoder_files(audio_encoder, extractor),
    }


def _single_file(path: Path) -> PartFiles:
    present = path.is_file()
    return PartFiles(None, (path,) if present else (), {}, () if present else (path,), ())


def _tokenizer_files(path: Path) -> PartFiles:
    return PartFiles(None, (), {"tokenizer": path}, () if path.is_file() else (path,), ())


def _audio_encoder_files(folder: Path, extractor: Path) -> PartFiles:
    stem = "pytorch_model" if _has_only_pickled_weights(folder) else "model"
    found = _weights_in(folder, stem)
    absent = found.absent if extractor.is_file() else (*found.absent, extractor)
    return PartFiles(found.config, found.weights, {"extractor": extractor}, absent, found.strays)


def _has_only_pickled_weights(folder: Path) -> bool:
    return any(folder.glob("pytorch_model*.bin*")) and not any(folder.glob("model*.safetensors*"))


def _weights_in(folder: Path, stem: str) -> PartFiles:
    """`config.json` and the weights called `stem`, in one file or in shards that an index names."""
    suffix = ".bin" if stem == "pytorch_model" else ".safetensors"
    single = folder / f"{stem}{suffix}"
    index = folder / f"{stem}{suffix}.index.json"
    named = _files_named_by(index) if index.is_file() else [single]
    config = folder / "config.json"
    needed = [config, *named]
    strays = sorted(set(folder.glob(f"{stem}*{suffix}")) - set(named))
    return PartFiles(
        config=config,
        weights=tuple(path for path in named if path.is_file()),
        others={"index": index} if index.is_file() else {},
        absent=tuple(path for path in needed if not path.is_file()),
        strays=tuple(strays),
    )


def _files_named_by(index: Path) -> list[Path]:
    content = read_json(index)
    weight_map = content.get("weight_map")
    if not isinstance(weight_map, dict) or not all(isinstance(name, str) for name in weight_map.values()):
        raise InputError(f"index '{index}'", "it has no 'weight_map' of files", "Fetch the file again")
    return [index.parent / name for name in sorted(set(weight_map.values()))]


def read_json(path: Path) -> dict:
    """A JSON object from a file. Raises InputError when it is not one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"file '{path}'", f"it cannot be read as JSON ({error})", "Fetch the file again") from error
    if not isinstance(content, dict):
        raise InputError(f"file '{path}'", "it is JSON but not an object", "Fetch the file again")
    return content

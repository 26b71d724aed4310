"""Where CosyVoice is: its code, a model, and the Python that it is installed in."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from s2v_runner.digests import digest_files
from s2v_runner.errors import InputError
from s2v_runner.inputs.speech.settings import SpeechSettings

_ENTRANCE = Path("cosyvoice/cli/cosyvoice.py")
_SUBMODULE = Path("third_party/Matcha-TTS")
_GENERATIONS = (2, 3)
_TOKENIZER = "CosyVoice-BlankEN"
_PARTS = ("llm.pt", "flow.pt", "hift.pt", "campplus.onnx")
_POINTER = b"version https://git-lfs"
_LANGUAGES = {
    2: ("zh", "yue", "en", "ja", "ko"),
    3: ("zh", "yue", "en", "ja", "ko", "de", "es", "fr", "it", "ru"),
}
_MODELS = "Give the folder of FunAudioLLM/CosyVoice2-0.5B or FunAudioLLM/Fun-CosyVoice3-0.5B-2512"
_CLONE = "Give a checkout: git clone --recursive https://github.com/FunAudioLLM/CosyVoice"


@dataclass(frozen=True)
class Installation:
    """A checkout, a model that it can load, and an interpreter; absolute paths."""

    code: Path
    weights: Path
    python: Path
    generation: int
    """2 or 3."""

    @property
    def name(self) -> str:
        """CosyVoice2 or CosyVoice3, which is also the name of the class."""
        return f"CosyVoice{self.generation}"

    @property
    def submodule(self) -> Path:
        """What the code imports Matcha-TTS from."""
        return self.code / _SUBMODULE

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of what the model was trained to speak. Source: CosyVoice's README and its papers."""
        return _LANGUAGES[self.generation]


def locate_installation(settings: SpeechSettings) -> Installation:
    """Find CosyVoice. Raises InputError for what is missing, or too old for the model. Nothing of it is run."""
    with _looking_into("code", settings.code):
        code = _locate_code(settings.code)
        entrance = (code / _ENTRANCE).read_text(encoding="utf-8", errors="replace")
    with _looking_into("weights", settings.weights):
        weights, generation = _locate_weights(settings.weights)
    known = re.search(rf"^class CosyVoice{generation}\b", entrance, re.MULTILINE)
    # The first checkouts with the class asked for another file.
    if known is None or _setup_name(generation) not in entrance:
        raise InputError(
            f"tts.code '{settings.code}'",
            f"it is older than the model in '{settings.weights}', a CosyVoice{generation}",
            "Update it: git pull, then git submodule update --init --recursive",
        )
    with _looking_into("python", settings.python):
        python = _locate_python(settings.python)
    return Installation(code, weights, python, generation)


def digest_installation(installation: Installation) -> str:
    """SHA-256 that tells models and versions of the code apart: names, sizes, and blocks spread over each file.

    Milliseconds for a model of gigabytes; single weights changed by hand go unnoticed.
    """
    # Not the engines and the speakers that CosyVoice may have put beside them.
    parts = [installation.weights / name for name in _part_names(installation.generation)]
    tokenizer = [path for path in (installation.weights / _TOKENIZER).rglob("*") if path.is_file()]
    sources = (installation.code / "cosyvoice").rglob("*.py")
    files = {f"weights/{path.relative_to(installation.weights)}": path for path in (*parts, *tokenizer)}
    return digest_files({**files, **{f"code/{path.relative_to(installation.code)}": path for path in sources}})


@contextmanager
def _looking_into(key: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        problem = f"it cannot be looked into ({error.strerror or error})"
        raise InputError(f"tts.{key} '{path}'", problem, "Give one that you may read") from error


def _setup_name(generation: int) -> str:
    return f"cosyvoice{generation}.yaml"


def _part_names(generation: int) -> tuple[str, ...]:
    return (_setup_name(generation), *_PARTS, f"speech_tokenizer_v{generation}.onnx")


def _locate_code(code: Path) -> Path:
    subject = f"tts.code '{code}'"
    if not code.is_dir():
        raise InputError(subject, "there is no such folder", _CLONE)
    if not (code / _ENTRANCE).is_file():
        raise InputError(subject, f"it has no {_ENTRANCE}, so it is no checkout of CosyVoice", _CLONE)
    if not (code / _SUBMODULE / "matcha").is_dir():
        raise InputError(
            subject, f"its {_SUBMODULE} is empty or missing", "In that folder: git submodule update --init --recursive"
        )
    return code.absolute()


def _locate_weights(weights: Path) -> tuple[Path, int]:
    """The folder of a model, and which generation it is of."""
    subject = f"tts.weights '{weights}'"
    if not weights.is_dir():
        raise InputError(subject, "there is no such folder", _MODELS)
    found = [generation for generation in _GENERATIONS if (weights / _setup_name(generation)).is_file()]
    if not found and (weights / "cosyvoice.yaml").is_file():
        raise InputError(subject, "it is a model of CosyVoice 1, or from before cosyvoice2.yaml had that name", _MODELS)
    if len(found) != 1:
        problem = "both cosyvoice2.yaml and" if found else "neither cosyvoice2.yaml nor"
        raise InputError(subject, f"it has {problem} cosyvoice3.yaml", _MODELS)
    generation = found[0]
    for name in _part_names(generation):
        _check_part(subject, weights / name)
    if not (weights / _TOKENIZER).is_dir():
        raise InputError(subject, f"{_TOKENIZER} is missing", "Download it again: it is not whole")
    return weights.absolute(), generation


def _check_part(subject: str, path: Path) -> None:
    if not path.is_file():
        raise InputError(subject, f"{path.name} is missing", "Download it again: it is not whole")
    with path.open("rb") as file:
        beginning = file.read(len(_POINTER))
    if beginning == _POINTER:
        raise InputError(subject, f"{path.name} is only a pointer to the file", "In that folder: git lfs pull")
    if not beginning:
        raise InputError(subject, f"{path.name} is empty", "Download it again: it is not whole")


def _locate_python(python: Path) -> Path:
    """An interpreter by its path, or by a bare name on PATH. A link stays one, since an environment is known by it."""
    subject = f"tts.python '{python}'"
    remedy = "Give the Python of the environment that CosyVoice is installed in, such as /envs/cosyvoice/bin/python"
    if len(python.parts) == 1:
        found = shutil.which(str(python))
        if found is None:
            raise InputError(subject, "there is no such program on PATH", remedy)
        return Path(found).absolute()
    if not python.is_file():
        raise InputError(subject, "there is no such file", remedy)
    if not os.access(python, os.X_OK):
        raise InputError(subject, "it is not a program that can be run", remedy)
    return python.absolute()

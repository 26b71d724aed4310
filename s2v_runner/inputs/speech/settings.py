"""What is to be said, and how."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from s2v_runner.records import Report, Value


@dataclass(frozen=True, kw_only=True)
class SpeechSettings:
    """The settings of `conf/tts`, which has their defaults."""

    method: str
    """`espeak` or `cosyvoice`."""
    text: str
    language: str
    """A code such as `en`, `zh` or `ja`; `auto` is told from the text's script."""
    voice: str
    """Of espeak-ng, such as `en-gb+f3`; `auto` is the language's own. CosyVoice takes its voice from `prompt_audio`."""
    prompt_audio: Path | None
    """A recording of the voice."""
    prompt_text: str | None
    """What is said in it, word for word; without it the voice is cloned across languages."""
    speed: float
    """1 is the voice's own."""
    seed: int
    code: Path
    """A checkout of CosyVoice."""
    weights: Path
    """The folder of a CosyVoice model."""
    python: Path
    """The interpreter of the environment that CosyVoice is installed in."""
    patience: float
    """Seconds that a synthesis may take."""


class Synthesiser(Protocol):
    """Something that speaks."""

    def check(self) -> None:
        """Raises InputError for everything that can be known to be wrong before it begins. Loads nothing heavy."""
        ...

    def describe(self) -> Mapping[str, Value]:
        """All that the sound depends on, by content and not by place: equal for equal speech."""
        ...

    def estimate_seconds(self) -> float:
        """About how long the speech will last, from the text alone."""
        ...

    def synthesise(self, target: Path) -> Report:
        """Speak into a WAV file, which is there once it is whole.

        Raises InputError for what the user can mend, and GenerationError when the synthesis fails.
        """
        ...

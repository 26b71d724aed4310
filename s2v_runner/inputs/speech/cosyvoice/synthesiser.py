"""Speech in a voice that was recorded, by CosyVoice 2 or 3 (https://github.com/FunAudioLLM/CosyVoice)."""

import shutil
import tempfile
import wave
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2v_runner.digests import digest_input
from s2v_runner.errors import GenerationError, InputError, OutputError
from s2v_runner.inputs.speech.cosyvoice.installation import Installation, digest_installation, locate_installation
from s2v_runner.inputs.speech.cosyvoice.process import run_worker
from s2v_runner.inputs.speech.cosyvoice.sentences import split_text
from s2v_runner.inputs.speech.cosyvoice.voice import Voice, find_recording, read_voice, write_voice
from s2v_runner.inputs.speech.languages import (
    AUTO,
    count_unknown,
    estimate_seconds,
    plain_code,
    spoken_text,
    tell_language,
)
from s2v_runner.inputs.speech.settings import SpeechSettings
from s2v_runner.records import Report, Value
from s2v_runner.replacement import replacing, unfinished_path

# Of everything here that changes the sound: what is trimmed, where texts are divided, what CosyVoice is asked.
_VERSION = 1
_MARKER = "<|endofprompt|>"
# What CosyVoice 3 was trained to find before a text: an instruction, which may ask for nothing. Source: its example.py.
_INSTRUCTION = f"You are a helpful assistant.{_MARKER}"
# CosyVoice reads numbers and symbols out by the rules of these; in any other language they would be the wrong words.
_NORMALISED = {"zh", "yue", "en"}
# As espeak-ng has them.
_OTHER_CODES = {"cmn": "zh"}
# What its own page offers.
_SPEEDS = (0.5, 2.0)
_HIGHEST_SEED = 2**32 - 1
# Characters of a text in a message.
_SHOWN = 60
# How far the length of a text may be from that of its recording, or of the speech from what was expected, by a rough
# estimate, before somebody should look.
_PLAUSIBLE = (0.4, 2.5)
# Of the letters of a text, as a name or a sign may be in others.
_MOST_UNKNOWN = 0.1


@dataclass(frozen=True)
class CosyVoiceSynthesiser:
    """Clones the voice of `prompt_audio`: zero-shot with its transcript, and across languages without one.

    A long text is divided into pieces of up to about sixteen seconds (`split_text`), which CosyVoice then leaves whole.
    Each ends with the pause of its end mark, and they follow each other without another, as those that it divides do.
    All chance is seeded anew with `seed` before each, so a piece sounds the same whatever stands before it.
    """

    settings: SpeechSettings

    def check(self) -> None:
        """Raises InputError for a text, a recording or an installation that cannot be used. Loads nothing heavy."""
        self._prepare()

    def describe(self) -> Mapping[str, Value]:
        """All that the sound depends on; not the versions of the libraries that CosyVoice uses. Raises InputError."""
        settings = self.settings
        installation = locate_installation(settings)
        return {
            "method": "cosyvoice",
            "version": _VERSION,
            "engine": installation.name,
            "installation": digest_installation(installation),
            "text": self._text,
            "language": self._language,
            "mode": self._mode,
            "prompt_audio": digest_input(find_recording(settings.prompt_audio)),
            "prompt_text": settings.prompt_text,
            "speed": settings.speed,
            "seed": settings.seed,
        }

    def estimate_seconds(self) -> float:
        """About how long the speech will last, from the text alone."""
        return estimate_seconds(self._text, self._language, self.settings.speed)

    def synthesise(self, target: Path) -> Report:
        """Speak into a 16-bit mono WAV file at the model's rate.

        Raises InputError for what `check` finds and for an environment that lacks something, GenerationError when
        CosyVoice fails, and OutputError when the file cannot be written.
        """
        installation, voice = self._prepare()
        with _workplace() as folder:
            speech = folder / "speech.wav"
            write_voice(voice, folder / "voice.wav")
            request = self._request(installation, folder / "voice.wav", speech)
            run_worker(installation, request, folder, self.settings.patience)
            rate, seconds = _measure(installation, speech)
            _hand_over(speech, target)
        return self._report(installation, voice, len(request["pieces"]), rate, seconds)

    @property
    def _text(self) -> str:
        return spoken_text(self.settings.text)

    @property
    def _language(self) -> str:
        """Without its region."""
        asked = plain_code(self.settings.language)
        language = tell_language(self._text) if asked == AUTO else asked.partition("-")[0]
        return _OTHER_CODES.get(language, language)

    @property
    def _mode(self) -> str:
        return "cross-lingual" if self.settings.prompt_text is None else "zero-shot"

    def _prepare(self) -> tuple[Installation, Voice]:
        installation = locate_installation(self.settings)
        self._check_words(installation)
        return installation, read_voice(self.settings.prompt_audio)

    def _check_words(self, installation: Installation) -> None:
        settings = self.settings
        if self._language not in installation.languages:
            raise InputError(
                f"tts.language '{self._language}'",
                f"{installation.name} does not speak it, only {', '.join(installation.languages)}",
                "Set tts.language to one of these, or let espeak-ng speak: tts=espeak",
            )
        unknown, letters = count_unknown(self._text)
        if unknown > _MOST_UNKNOWN * letters:
            raise InputError(
                f"tts.text '{_begun(self._text)}'",
                f"{unknown:,} of its {letters:,} letters are of a script that {installation.name} does not read",
                f"Write it in the letters of one of its languages: {', '.join(installation.languages)}",
            )
        if settings.voice != AUTO:
            raise InputError(
                f"tts.voice '{_begun(settings.voice)}'",
                "CosyVoice speaks in the voice of tts.prompt_audio alone",
                "Leave it at auto, or add tts=espeak",
            )
        if _MARKER in self._text:
            raise InputError(
                f"tts.text '{_begun(self._text)}'",
                f"it has {_MARKER} in it",
                "Leave it out: it is put where it belongs",
            )
        self._check_transcript(installation)
        slowest, fastest = _SPEEDS
        if not slowest <= settings.speed <= fastest:
            raise InputError(
                f"tts.speed {settings.speed:g}",
                "CosyVoice stretches what it has spoken, which is no speech any more so far from 1",
                f"Give a number from {slowest:g} to {fastest:g}",
            )
        if not 0 <= settings.seed <= _HIGHEST_SEED:
            raise InputError(f"tts.seed {settings.seed}", "it is no number of 32 bits", f"Give 0 to {_HIGHEST_SEED}")

    def _check_transcript(self, installation: Installation) -> None:
        prompt = self.settings.prompt_text
        if prompt is not None and not any(character.isalnum() for character in prompt):
            raise InputError(
                f"tts.prompt_text '{_begun(prompt)}'",
                "there is no word in it",
                "Give what is said in tts.prompt_audio, word for word, or null",
            )
        if prompt is not None and prompt.count(_MARKER) > (1 if installation.generation == 3 else 0):
            raise InputError(
                f"tts.prompt_text '{_begun(prompt)}'",
                f"it has {_MARKER} in it, which is not said in the recording",
                "Give the words of tts.prompt_audio alone",
            )

    def _request(self, installation: Installation, voice: Path, speech: Path) -> dict[str, Any]:
        settings = self.settings
        prompt = settings.prompt_text
        opening = ""
        if installation.generation == 3:
            # It stands before the first words that the language model reads: those of the recording, or of the piece.
            if prompt is None:
                opening = _INSTRUCTION
            elif _MARKER not in prompt:
                prompt = _INSTRUCTION + prompt
        return {
            "mode": self._mode.replace("-", "_"),
            "pieces": [opening + piece for piece in split_text(self._text)],
            "prompt_text": prompt,
            "prompt_audio": str(voice),
            "text_frontend": self._language in _NORMALISED,
            "speed": settings.speed,
            "seed": settings.seed,
            "speech": str(speech),
        }

    def _report(self, installation: Installation, voice: Voice, pieces: int, rate: int, seconds: float) -> Report:
        facts: dict[str, Value] = {
            "engine": installation.name,
            "mode": self._mode,
            "language": self._language,
            "sentences": pieces,
            "sample_rate": rate,
            "seconds": seconds,
            "voice_seconds": voice.seconds,
            "speed": self.settings.speed,
            "seed": self.settings.seed,
        }
        words = (
            f"{seconds:.2f} s spoken by {installation.name} in {pieces} {'piece' if pieces == 1 else 'pieces'}, "
            f"{self._mode}, in the voice of {find_recording(self.settings.prompt_audio).name} ({voice.seconds:.1f} s)"
        )
        return Report(facts, words, (*voice.warnings, *self._concerns(installation, voice, seconds)))

    def _concerns(self, installation: Installation, voice: Voice, seconds: float) -> Iterator[str]:
        prompt = self.settings.prompt_text
        if prompt is not None:
            spoken = prompt.rpartition(_MARKER)[2]
            expected = estimate_seconds(spoken, tell_language(spoken), 1.0)
            if not _is_plausible(expected, voice.seconds):
                yield (
                    f"tts.prompt_text is about {expected:.1f} s of speech, and {voice.seconds:.1f} s of sound are in "
                    "tts.prompt_audio: it must have every word that is said there, and no other"
                )
        if installation.generation == 3 and self._language == "ja" and not _is_katakana(self._text):
            yield "CosyVoice3 reads Japanese in katakana alone: other characters of tts.text may be read as Chinese"
        expected = self.estimate_seconds()
        if not _is_plausible(seconds, expected):
            yield (
                f"the speech lasts {seconds:.1f} s where about {expected:.1f} s were expected: words may be missing or "
                "repeated, and another tts.seed may mend it"
            )


@contextmanager
def _workplace() -> Iterator[Path]:
    """A folder for one speech, which goes whatever happens. Raises OutputError where nothing can be written."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="s2v-cosyvoice-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise OutputError(Path(error.filename or "the folder of temporary files"), error) from error


def _measure(installation: Installation, speech: Path) -> tuple[int, float]:
    """The rate of the speech, and its seconds. Raises GenerationError when there is none."""
    try:
        with wave.open(str(speech), "rb") as file:
            rate, count = file.getframerate(), file.getnframes()
    except (OSError, EOFError, wave.Error) as error:
        raise GenerationError(
            f"{installation.name} left no speech that can be read ({error}). Try once more"
        ) from error
    return rate, count / rate


def _hand_over(speech: Path, target: Path) -> None:
    try:
        with replacing(target, unfinished_path(target)) as file, speech.open("rb") as source:
            shutil.copyfileobj(source, file)
    except OSError as error:
        raise OutputError(target, error) from error


def _is_plausible(seconds: float, expected: float) -> bool:
    lowest, highest = _PLAUSIBLE
    return lowest * expected <= seconds <= highest * expected


def _is_katakana(text: str) -> bool:
    return not any("\u3040" <= character <= "\u309f" or "\u4e00" <= character <= "\u9fff" for character in text)


def _begun(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHOWN else f"{flat[:_SHOWN]}…"

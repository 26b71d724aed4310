"""Speech by espeak-ng: offline, in over a hundred languages, in hundredths of a second, and plainly a machine's.

The library and its data come with the package `espeakng-loader`, which is not installed unless it is asked for:
espeak-ng is licensed under GPL-3.0-or-later. It runs in a process of its own for each utterance (`utterance.py`), so
that the same text is the same samples, bit for bit, whatever was said before.
"""

import json
import selectors
import signal
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from s2v_runner.errors import GenerationError, InputError, OutputError
from s2v_runner.inputs.speech.languages import AUTO, estimate_seconds, spoken_text, tell_language
from s2v_runner.inputs.speech.settings import SpeechSettings
from s2v_runner.inputs.speech.voices import Catalogue, Voice, choose_voice, count_spelt, read_catalogue
from s2v_runner.records import Report, Value
from s2v_runner.replacement import replacing, unfinished_path

_ENGINE = "espeak-ng"
_ERRANDS = Path(__file__).with_name("utterance.py")
# Of speak_lib.h: `espeakRATE_NORMAL`, `espeakRATE_MINIMUM`, `espeakRATE_MAXIMUM`.
_WORDS_A_MINUTE = 175
_SLOWEST, _FASTEST = 80, 450
# What its noise is drawn from has 32 bits.
_SEEDS = 1 << 32
_SAMPLE_BYTES = 2
_BLOCK = 1 << 16
# Seconds to load the library and 250 small files, which is a tenth of one unless the disk is slow.
_STARTING_PATIENCE = 60.0
# After these seconds more the process ends itself, should nobody be there to end it.
_GRACE = 5.0
# What every clock can wait for.
_LONGEST_WAIT = 60.0
# A foreign name may be spelt letter by letter; where more is, nobody would know the text again.
_MOST_SPELT = 0.1
_EXCERPT = 20
_INSTALL_ANEW = "`pip install --force-reinstall espeakng-loader` installs it anew"


class EspeakSynthesiser:
    """Speaks with espeak-ng."""

    def __init__(self, settings: SpeechSettings) -> None:
        self._settings = settings

    def check(self) -> None:
        """Raises InputError for what cannot be spoken, unknown voices and languages, and where espeak-ng is missing."""
        self._prepare()

    def describe(self) -> Mapping[str, Value]:
        """What the samples depend on. Raises InputError as `check` does."""
        request, _ = self._prepare()
        return {"engine": _ENGINE, "engine_version": _installed().version} | request

    def estimate_seconds(self) -> float:
        """About how long the speech will last."""
        text, language = self._settings.text, self._settings.language
        return estimate_seconds(text, tell_language(text) if language == AUTO else language, self._settings.speed)

    def synthesise(self, target: Path) -> Report:
        """Speak into a WAV file: mono, 16 bits, 22,050 Hz.

        Raises InputError as `check` does, GenerationError when espeak-ng fails, takes too long or says nothing, and
        OutputError when the file cannot be written.
        """
        request, voice = self._prepare()
        catalogue = _installed()
        try:
            samples = _record(request, self._settings.patience, catalogue.rate, target)
        except OSError as error:
            raise OutputError(target, error) from error
        except _ErrandError as error:
            raise GenerationError(f"espeak-ng could not speak tts.text with the voice {voice.name}: {error}") from error
        seconds = samples / catalogue.rate
        facts: Mapping[str, Value] = {
            "engine": _ENGINE,
            "engine_version": catalogue.version,
            "voice": voice.name,
            "language": voice.language,
            "words_a_minute": request["words_a_minute"],
            "sample_rate": catalogue.rate,
            "seconds": seconds,
            "seed": self._settings.seed,
        }
        words = f"{_ENGINE} {catalogue.version}, {voice.name}, {catalogue.rate:,} Hz, {seconds:.2f} s"
        return Report(facts, words, tuple(_warnings(request["text"], voice)))

    def _prepare(self) -> tuple[dict[str, Any], Voice]:
        """What espeak-ng is asked for, and the voice of it."""
        settings = self._settings
        _refuse_recordings(settings)
        request = {"text": spoken_text(settings.text), "words_a_minute": _words_a_minute(settings.speed)}
        voice = choose_voice(settings, request["text"], _installed())
        _refuse_unreadable(request["text"], voice, settings)
        return request | {"voice": voice.identifier, "seed": settings.seed % _SEEDS}, voice


class _ErrandError(Exception):
    """Why an errand came to nothing, and what to do about it."""

    def __init__(self, reason: str, remedy: str) -> None:
        self.reason = reason
        super().__init__(f"{reason}. {remedy}")


def _refuse_recordings(settings: SpeechSettings) -> None:
    for name, value in (("prompt_audio", settings.prompt_audio), ("prompt_text", settings.prompt_text)):
        if value is not None:
            raise InputError(
                f"tts.{name} {str(value)[:_EXCERPT]!r}",
                "espeak-ng has voices of its own and takes none from a recording",
                "Leave it out, or add tts=cosyvoice",
            )


def _words_a_minute(speed: float) -> int:
    if not _SLOWEST <= speed * _WORDS_A_MINUTE <= _FASTEST:
        slowest, fastest = _SLOWEST / _WORDS_A_MINUTE, _FASTEST / _WORDS_A_MINUTE
        problem = f"espeak-ng speaks {_SLOWEST} to {_FASTEST} words a minute, and {_WORDS_A_MINUTE} at speed 1"
        raise InputError(f"tts.speed {speed:g}", problem, f"Give a number from {slowest:.2f} to {fastest:.2f}")
    return round(speed * _WORDS_A_MINUTE)


def _refuse_unreadable(text: str, voice: Voice, settings: SpeechSettings) -> None:
    spelt, letters = count_spelt(text, voice)
    if spelt <= _MOST_SPELT * letters:
        return
    subject = f"tts.text {text[:_EXCERPT]!r}"
    if voice.language == "ja":
        raise InputError(
            subject,
            f"espeak-ng knows no kanji: it would say 'Chinese letter' for {spelt:,} of the {letters:,} letters",
            "Write them in kana, or choose tts=cosyvoice",
        )
    is_of_text = settings.voice == settings.language == AUTO
    raise InputError(
        subject,
        f"the voice {voice.name} cannot read {spelt:,} of its {letters:,} letters and would spell them one by one",
        "Write them in letters that it reads, or choose tts.voice by them"
        if is_of_text
        else "Choose tts.voice or tts.language by the text, or leave both at auto",
    )


def _warnings(text: str, voice: Voice) -> Iterator[str]:
    spelt, letters = count_spelt(text, voice)
    if spelt:
        yield f"the voice {voice.name} cannot read {spelt:,} of the {letters:,} letters of tts.text and spells them"


def _installed() -> Catalogue:
    """What there is. Raises InputError where espeak-ng is not installed, or cannot be started."""
    library, data = _find()
    return _ask_for_voices(str(library), str(data))


def _find() -> tuple[Path, Path]:
    """The library, and the folder of its data."""
    try:
        import espeakng_loader

        return Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path())
    except ImportError as error:
        remedy = "`pip install 's2v-runner[espeak]'` installs it"
        raise InputError("tts=espeak", "espeak-ng is not installed", remedy) from error
    except RuntimeError as error:
        raise _cannot_start(error) from error


def _cannot_start(reason: object) -> InputError:
    return InputError("tts=espeak", f"espeak-ng cannot be started ({reason})", _INSTALL_ANEW)


@lru_cache(maxsize=1)
def _ask_for_voices(_library: str, _data: str) -> Catalogue:
    answer = bytearray()
    try:
        _run_errand({"errand": "voices"}, _STARTING_PATIENCE, answer.extend)
        return read_catalogue(json.loads(answer))
    except _ErrandError as error:
        raise _cannot_start(error.reason) from error


def _record(request: dict[str, Any], patience: float, rate: int, target: Path) -> int:
    """Have it spoken into a file. The number of samples. Raises OSError where it cannot be written."""
    with replacing(target, unfinished_path(target)) as file, wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(_SAMPLE_BYTES)
        sound.setframerate(rate)
        tape = _Tape(sound)
        _run_errand({"errand": "speak"} | request, patience, tape.take)
        if tape.silent:
            raise _ErrandError("nothing is to be heard of it", "Write it as words of the voice's language")
        return sound.getnframes()


class _Tape:
    """Takes samples as they come, also halves of them."""

    def __init__(self, sound: wave.Wave_write) -> None:
        self._sound = sound
        self._rest = b""
        self.silent = True

    def take(self, block: bytes) -> None:
        self.silent = self.silent and not any(block)
        content = self._rest + block
        whole = len(content) // _SAMPLE_BYTES * _SAMPLE_BYTES
        self._sound.writeframesraw(content[:whole])
        self._rest = content[whole:]


def _run_errand(request: dict[str, Any], patience: float, take: Callable[[bytes], object]) -> None:
    """Run `utterance.py`, and hand on what it answers while it does. Raises _ErrandError, and what `take` raises."""
    end = time.monotonic() + patience
    with ExitStack() as stack:
        try:
            said = stack.enter_context(tempfile.TemporaryFile())
            process = stack.enter_context(_running(request | {"patience": patience + _GRACE}, said))
        except OSError as error:
            raise _ErrandError(
                f"no process can be started ({error})", "Free memory and space in the temporary folder"
            ) from error
        _read(process, end, patience, take)
        status = process.wait()
        said.seek(0)
        words = said.read().decode(errors="replace").splitlines()
    if status != 0:
        raise _failure(status, words)


@contextmanager
def _running(request: dict[str, Any], said: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The process of an errand, which does not outlive the block."""
    library, data = _find()
    place = {"library": str(library), "folder": str(data.parent), "data": data.name}
    with tempfile.TemporaryFile() as asked:
        asked.write(json.dumps(request | place).encode())
        asked.seek(0)
        process = subprocess.Popen(
            # Without the user's settings and packages, which take longer to load than all else.
            [sys.executable, "-I", "-S", str(_ERRANDS)],
            stdin=asked,
            stdout=subprocess.PIPE,
            stderr=said,
            bufsize=0,
            # Where a Ctrl-C does not reach it, and so is never taken for a crash.
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _read(process: subprocess.Popen[bytes], end: float, patience: float, take: Callable[[bytes], object]) -> None:
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left := end - time.monotonic()) > 0:
            if selector.select(min(left, _LONGEST_WAIT)):
                block = process.stdout.read(_BLOCK)
                if not block:
                    return
                take(block)
    raise _ErrandError(f"it was not done after {patience:g} s", "Raise tts.patience, or give less text")


def _failure(status: int, words: Sequence[str]) -> _ErrandError:
    if status == 1 and words:
        return _ErrandError(words[-1].strip(), _INSTALL_ANEW)
    end = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    return _ErrandError(f"its process {end}", "Choose another tts.voice, or leave out what is unusual in the text")

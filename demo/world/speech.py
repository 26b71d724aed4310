"""Speech from text with espeak-ng, whose library and voices come with `espeakng-loader`, and when it says what.

The library keeps state between utterances, so only the first utterance of a process is always the same for the same
text. It tells where each phoneme starts in the sound, and no offset is needed: sound and report agree to within
20 ms at every rate and voice used here. Only p, t, k and their like are reported at their release, after the silence
in which the mouth is shut; here they start with that silence.
"""

import ctypes
import functools
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import espeakng_loader
import numpy as np

_SYNCHRONOUS = 2
_PHONEME_EVENTS, _AS_IPA = 1, 2
_UTF8 = 1
_AT_CHARACTER = 1
_RATE_PARAMETER, _PITCH_PARAMETER = 1, 3
_LAST_EVENT, _PHONEME_EVENT = 0, 7
_STRESS = str.maketrans("", "", "ˈˌ")

_STOPS = ("p", "t", "k", "b", "d", "ɡ", "ʔ")
# A release may be heard this much before it is reported; a silence shorter than this is no closure.
_SLACK_SECONDS = 0.012
_LONGEST_CLOSURE_SECONDS = 0.12
# Of 32768: quieter than any sound, louder than what fades out.
_SILENT = 60


@dataclass(frozen=True)
class Voice:
    """Who speaks: an espeak-ng voice with a variant (`en-us+f2`), words a minute, and a pitch of 0 to 99."""

    name: str
    words_a_minute: int
    pitch: int


@dataclass(frozen=True)
class Line:
    """What one voice is to say."""

    text: str
    voice: Voice


@dataclass(frozen=True)
class Phoneme:
    """One sound of the speech in IPA, without stress marks, and its seconds."""

    symbol: str
    start: float
    end: float


@dataclass(frozen=True)
class Utterance:
    """Spoken text: samples (mono, int16) at `rate` a second, and the phonemes in order. Pauses are left out."""

    text: str
    voice: Voice
    samples: np.ndarray
    rate: int
    phonemes: tuple[Phoneme, ...]


def speak(text: str, voice: Voice) -> Utterance:
    """Say it in this process.

    Raises RuntimeError when espeak-ng cannot be started or does not have the voice.
    """
    library, rate = _library()
    pieces: list[np.ndarray] = []
    events: list[tuple[int, str]] = []

    def collect(samples: "ctypes._Pointer[ctypes.c_short]", count: int, told: "ctypes._Pointer[_Event]") -> int:
        if count > 0:
            pieces.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        events.extend(_phonemes_told(told))
        return 0

    callback = _Callback(collect)
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(voice.name.encode()) != 0:
        raise RuntimeError(f"espeak-ng has no voice '{voice.name}'")
    library.espeak_SetParameter(_RATE_PARAMETER, voice.words_a_minute, 0)
    library.espeak_SetParameter(_PITCH_PARAMETER, voice.pitch, 0)
    encoded = text.encode()
    library.espeak_Synth(encoded, len(encoded) + 1, 0, _AT_CHARACTER, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    samples = np.concatenate(pieces)
    return Utterance(text, voice, samples, rate, _time(events, samples, rate))


def speak_all(lines: Sequence[Line], processes: int) -> list[Utterance]:
    """Say each line in a fresh process of its own, in order, `processes` at once.

    The processes are forked off light ones that this starts, never off the caller, which may hold a GPU.
    Raises RuntimeError when one of them fails.
    """
    shares = [lines[first::processes] for first in range(min(processes, len(lines)))]
    spoken: list[Utterance | None] = [None] * len(lines)
    with ThreadPoolExecutor(max_workers=max(1, len(shares))) as pool:
        for first, utterances in enumerate(pool.map(_speak_elsewhere, shares)):
            spoken[first::processes] = utterances
    return [utterance for utterance in spoken if utterance is not None]


def at_16_khz(utterance: Utterance) -> np.ndarray:
    """The sound as float32 [T] in -1 ... 1 at 16,000 samples a second."""
    from scipy.signal import resample_poly

    common = np.gcd(16000, utterance.rate)
    waveform = utterance.samples.astype(np.float64) / 32768
    resampled = resample_poly(waveform, 16000 // common, utterance.rate // common)
    return resampled.clip(-1, 1).astype(np.float32)


class _Event(ctypes.Structure):
    """`espeak_EVENT` of speak_lib.h. The last field is a union, of which only the text is read here."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("symbol", ctypes.c_ubyte * 8),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@functools.cache
def _library() -> tuple[ctypes.CDLL, int]:
    """espeak-ng and the rate of its sound. It is started once in a process."""
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    folder = espeakng_loader.get_data_path().encode()
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, folder, _PHONEME_EVENTS | _AS_IPA)
    if rate <= 0:
        raise RuntimeError("espeak-ng cannot be started")
    # Breathy voices are noise in part, and the clock would begin it.
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))
    return library, rate


def _phonemes_told(events: "ctypes._Pointer[_Event]") -> Iterator[tuple[int, str]]:
    """The first sample and the symbol of each phoneme; a pause has an empty one."""
    position = 0
    while events and events[position].type != _LAST_EVENT:
        event = events[position]
        if event.type == _PHONEME_EVENT:
            yield event.sample, bytes(event.symbol).split(b"\0")[0].decode().translate(_STRESS)
        position += 1


def _time(events: Sequence[tuple[int, str]], samples: np.ndarray, rate: int) -> tuple[Phoneme, ...]:
    """What is told of phonemes and pauses as phonemes from start to end."""
    starts: list[int] = []
    for position, symbol in events:
        earliest = starts[-1] if starts else 0
        starts.append(_closure(samples, earliest, position, rate) if symbol.startswith(_STOPS) else position)
    ends = [*starts[1:], len(samples)]
    return tuple(
        Phoneme(symbol, start / rate, end / rate)
        for (_, symbol), start, end in zip(events, starts, ends, strict=True)
        if symbol and end > start
    )


def _closure(samples: np.ndarray, earliest: int, release: int, rate: int) -> int:
    """The sample at which the silence before a release starts; the release itself when it comes out of sound."""
    slack = int(_SLACK_SECONDS * rate)
    earliest = max(earliest, release - int(_LONGEST_CLOSURE_SECONDS * rate))
    loud = np.flatnonzero(np.abs(samples[earliest : max(earliest, release - slack)].astype(np.int32)) > _SILENT)
    start = earliest + int(loud[-1]) + 1 if loud.size else earliest
    return start if release - start > 2 * slack else release


def _speak_elsewhere(lines: Sequence[Line]) -> list[Utterance]:
    """Say the lines in processes that are forked off a new one."""
    command = [sys.executable, "-m", "demo.world.speech"]
    root = Path(__file__).parents[2]
    # It forks, which is safe for a process of one thread.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    told = pickle.dumps(list(lines))
    result = subprocess.run(command, input=told, capture_output=True, cwd=root, env=environment, check=False)
    if result.returncode != 0:
        said = result.stderr.decode(errors="replace").strip().splitlines()
        raise RuntimeError(said[-1] if said else f"a speaking process ended with {result.returncode}")
    return pickle.loads(result.stdout)


def _speak_in_a_fork(line: Line) -> Utterance:
    """Say a line in a process that ends with it. Raises RuntimeError with what went wrong there."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            answer: Utterance | str = speak(line.text, line.voice)
        except Exception as error:
            answer = str(error)
        with os.fdopen(writing, "wb") as stream:
            pickle.dump(answer, stream)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        told = stream.read()
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise RuntimeError(f"espeak-ng ended with status {status} at '{line.text}'")
    answer = pickle.loads(told)
    if isinstance(answer, str):
        raise RuntimeError(answer)
    return answer


def _serve() -> None:
    """Say the lines that come in, and hand out what was said."""
    # Imported by its name, so that what is handed out is of the module and not of `__main__`.
    from demo.world.speech import _library, _speak_in_a_fork

    lines = pickle.load(sys.stdin.buffer)
    _library()
    pickle.dump([_speak_in_a_fork(line) for line in lines], sys.stdout.buffer)


if __name__ == "__main__":
    _serve()

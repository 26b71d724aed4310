"""One errand to espeak-ng, in a process of its own: `python -I -S utterance.py < request > answer`.

The library keeps state between utterances, so only the first one of a process is always the same for the same text. And
it is C that reads what people write: should it crash, it takes this process with it and no other. So this file is run
by its path, imports nothing of the package, and is ready in a few hundredths of a second.

The request is a JSON object: `library` (its path), `data` (the name of the folder of its data, in `folder`), `patience`
(seconds after which the process ends itself), and either `errand: voices`, answered with JSON, or `errand: speak` with
`text`, `voice`, `words_a_minute` and `seed`, answered with samples while they are made: 16 bits, mono, in the machine's
order of bytes. What goes wrong is the last line on standard error, with exit status 1. When nobody reads any more, the
process ends.
"""

import ctypes
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from typing import Any

# Of espeak-ng's speak_lib.h.
_SYNCHRONOUS = 2
_DO_NOT_EXIT = 0x8000
_AT_CHARACTER = 1
_UTF8 = 1
_RATE_PARAMETER = 1
_GO_ON, _STOP = 0, 1

# Seconds, longer than anybody waits; what a user writes may be more than the timer takes.
_LONGEST_PATIENCE = 1e8


class _Voice(ctypes.Structure):
    """`espeak_VOICE` of speak_lib.h. Languages are a priority (one byte) and a code each, up to a priority of 0."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("private_byte", ctypes.c_ubyte),
        ("private_score", ctypes.c_int),
        ("private_pointer", ctypes.c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def run_errand() -> None:
    """Read the request, and answer it. Exits with a sentence where espeak-ng cannot be started or fails."""
    # As in any program of C: an interrupt ends it at once, and so does a reader that has gone.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    request = json.load(sys.stdin.buffer)
    signal.setitimer(signal.ITIMER_REAL, min(request["patience"], _LONGEST_PATIENCE))
    answer = os.dup(1)
    # What the library prints is no part of the answer.
    os.dup2(2, 1)
    library, rate = _start(request)
    if request["errand"] == "voices":
        _write_all(answer, json.dumps(_describe(library, rate)).encode())
    else:
        _speak(library, request, answer)


def _start(request: Mapping[str, Any]) -> tuple[ctypes.CDLL, int]:
    """The library, and the rate of its sound."""
    try:
        library = ctypes.CDLL(request["library"])
    except OSError as error:
        sys.exit(f"its library cannot be loaded: {error}")
    library.espeak_Info.restype = ctypes.c_char_p
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    # It keeps the path of its data in 160 bytes and takes a longer one for a missing one, so it is given a short one.
    os.chdir(request["folder"])
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, request["data"].encode(), _DO_NOT_EXIT)
    if rate <= 0:
        sys.exit(f"its data in '{request['folder']}' are missing or damaged")
    return library, rate


def _describe(library: ctypes.CDLL, rate: int) -> Mapping[str, Any]:
    kind = ctypes.create_string_buffer(b"variant")
    variants = list(_voices(library, ctypes.byref(_Voice(languages=ctypes.addressof(kind)))))
    voices = [voice for voice in _voices(library, None) if _has_words(library, voice["identifier"])]
    return {"version": library.espeak_Info(None).decode(), "rate": rate, "voices": voices, "variants": variants}


def _voices(library: ctypes.CDLL, kind: Any) -> Iterator[Mapping[str, Any]]:
    listed = library.espeak_ListVoices(kind)
    position = 0
    while listed[position]:
        voice = listed[position].contents
        yield {
            "identifier": voice.identifier.decode(),
            "name": voice.name.decode().strip(),
            "languages": list(_languages(voice.languages)),
        }
        position += 1


def _languages(address: int) -> Iterator[tuple[int, str]]:
    """The priority, of which a low one comes first, and the code of each language of a voice."""
    while priority := ctypes.string_at(address, 1)[0]:
        code = ctypes.string_at(address + 1)
        yield priority, code.decode()
        address += len(code) + 2


def _has_words(library: ctypes.CDLL, voice: str) -> bool:
    """Whether the voice says anything: some are listed whose dictionary does not come along, and load all the same."""
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        return False
    letter = ctypes.create_string_buffer(b"a")
    text = ctypes.c_void_p(ctypes.addressof(letter))
    return bool(library.espeak_TextToPhonemes(ctypes.byref(text), _UTF8, 0))


def _speak(library: ctypes.CDLL, request: Mapping[str, Any], answer: int) -> None:
    failures: list[OSError] = []

    def hand_out(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int | None) -> int:
        try:
            if samples and count > 0:
                _write_all(answer, ctypes.string_at(samples, 2 * count))
        except OSError as error:
            failures.append(error)
            return _STOP
        return _GO_ON

    callback = _Callback(hand_out)
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(request["voice"].encode()) != 0:
        sys.exit(f"its voice '{request['voice']}' cannot be loaded")
    library.espeak_SetParameter(_RATE_PARAMETER, request["words_a_minute"], 0)
    # Breathy voices are noise in part, and the clock would begin it.
    library.espeak_ng_SetRandSeed(ctypes.c_long(request["seed"]))
    text = request["text"].encode()
    # Without the flags by which it would take tags for SSML, and what is in brackets for phonemes: text is text.
    status = library.espeak_Synth(text, len(text) + 1, 0, _AT_CHARACTER, 0, _UTF8, None, None)
    if failures:
        sys.exit(f"its sound cannot be handed on: {failures[0]}")
    if status != 0:
        sys.exit(f"it ended with status {status}")


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


if __name__ == "__main__":
    run_errand()

"""Speech from text with espeak-ng, whose library and voices come with `espeakng-loader`.

One process makes one utterance: the library keeps state between utterances, and a fresh one always says the same
text in the same way.
"""

import ctypes

import espeakng_loader
import numpy as np

_SYNCHRONOUS = 2
_UTF8 = 1
_AT_CHARACTER = 1
_RATE_PARAMETER, _PITCH_PARAMETER = 1, 3

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def synthesise(text: str, voice: str, words_a_minute: int, pitch: int) -> tuple[np.ndarray, int]:
    """Samples (mono, 16 bits) and their rate."""
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
    if rate <= 0:
        raise RuntimeError("espeak-ng cannot be started")
    pieces: list[np.ndarray] = []

    def collect(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int) -> int:
        if count > 0:
            pieces.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        return 0

    callback = _Callback(collect)
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise RuntimeError(f"espeak-ng has no voice '{voice}'")
    library.espeak_SetParameter(_RATE_PARAMETER, words_a_minute, 0)
    library.espeak_SetParameter(_PITCH_PARAMETER, pitch, 0)
    encoded = text.encode()
    library.espeak_Synth(encoded, len(encoded) + 1, 0, _AT_CHARACTER, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    return np.concatenate(pieces), rate

"""Which synthesiser speaks."""

from s2v_runner.errors import InputError
from s2v_runner.inputs.speech.settings import SpeechSettings, Synthesiser

_ESPEAK, _COSYVOICE = "espeak", "cosyvoice"


def choose_synthesiser(settings: SpeechSettings) -> Synthesiser:
    """The synthesiser of `tts.method`. Nothing of the other is imported. Raises InputError for an unknown method."""
    if settings.method == _ESPEAK:
        from s2v_runner.inputs.speech.espeak import EspeakSynthesiser

        return EspeakSynthesiser(settings)
    if settings.method == _COSYVOICE:
        from s2v_runner.inputs.speech.cosyvoice.synthesiser import CosyVoiceSynthesiser

        return CosyVoiceSynthesiser(settings)
    raise InputError(f"tts.method '{settings.method}'", "nothing speaks by it", f"Choose {_ESPEAK} or {_COSYVOICE}")

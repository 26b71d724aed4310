import subprocess
import sys
from dataclasses import replace

import pytest

from s2v_runner.errors import InputError
from s2v_runner.inputs.speech.choice import choose_synthesiser
from s2v_runner.inputs.speech.cosyvoice.synthesiser import CosyVoiceSynthesiser
from s2v_runner.inputs.speech.espeak import EspeakSynthesiser
from tests.inputs.speech.test_espeak import SETTINGS


def test_the_method_says_who_speaks():
    assert isinstance(choose_synthesiser(replace(SETTINGS, method="espeak")), EspeakSynthesiser)
    assert isinstance(choose_synthesiser(replace(SETTINGS, method="cosyvoice")), CosyVoiceSynthesiser)


def test_an_unknown_method_is_refused():
    with pytest.raises(InputError, match=r"tts\.method 'none': nothing speaks by it\. Choose espeak or cosyvoice"):
        choose_synthesiser(replace(SETTINGS, method="none"))


def test_importing_the_choice_imports_neither_synthesiser_nor_anything_heavy():
    code = "import sys, s2v_runner.inputs.speech.choice; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not loaded & {
        "torch",
        "espeakng_loader",
        "s2v_runner.inputs.speech.espeak",
        "s2v_runner.inputs.speech.cosyvoice",
    }

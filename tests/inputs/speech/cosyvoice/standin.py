"""Small checkouts of CosyVoice at several ages, and models: the calls are the real ones, the voice is a tone."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from s2v_runner.inputs.speech.settings import SpeechSettings

RATE = 24_000

# How the methods were declared in commits 1c062ab, dc96e4c and 0e62489 of FunAudioLLM/CosyVoice.
AGES = {
    "january_2025": {
        "prompt": "prompt_speech_16k",
        "speaker": "",
        "options": "load_jit=False, load_trt=False, fp16=False",
        "generations": (2,),
    },
    "august_2025": {
        "prompt": "prompt_speech_16k",
        "speaker": "zero_shot_spk_id='', ",
        "options": "load_jit=False, load_trt=False, load_vllm=False, fp16=False, trt_concurrent=1",
        "generations": (2,),
    },
    "february_2026": {
        "prompt": "prompt_wav",
        "speaker": "zero_shot_spk_id='', ",
        "options": "load_trt=False, load_vllm=False, fp16=False, trt_concurrent=1",
        "generations": (2, 3),
    },
}

_CLASSES = """
import json, os, random, threading
import numpy, torch
from matcha import present
{top}
print("CosyVoice prints whatever it likes", flush=True)

class CosyVoice:
    def __init__(self, model_dir, options):
        self.model_dir, self.sample_rate = model_dir, {rate}
        self.note(made=type(self).__name__, options=options)
        {constructor}

    def note(self, **call):
        with open({calls!r}, "a") as file:
            file.write(json.dumps(call) + chr(10))

    def inference_zero_shot(self, tts_text, prompt_text, {prompt}, {speaker}stream=False, speed=1.0,
                            text_frontend=True):
        shown = {prompt} if isinstance({prompt}, str) else [{prompt}.shape[1], {prompt}.rate]
        self.note(mode="zero_shot", text=tts_text, prompt_text=prompt_text, prompt=shown, stream=stream, speed=speed,
                  text_frontend=text_frontend, chance=[random.random(), numpy.random.rand(), torch.initial_seed()])
        yield from self.tts(tts_text, prompt_text + tts_text, speed)

    def inference_cross_lingual(self, tts_text, {prompt}, {speaker}stream=False, speed=1.0, text_frontend=True):
        shown = {prompt} if isinstance({prompt}, str) else [{prompt}.shape[1], {prompt}.rate]
        self.note(mode="cross_lingual", text=tts_text, prompt=shown, stream=stream, speed=speed,
                  text_frontend=text_frontend, chance=[random.random(), numpy.random.rand(), torch.initial_seed()])
        yield from self.tts(tts_text, tts_text, speed)

    def tts(self, text, read, speed):
        if type(self).__name__ == "CosyVoice3":
            assert "<|endofprompt|>" in read, "<|endofprompt|> not detected in CosyVoice3 text or prompt_text"
        length = int(0.2 * len(text) * {rate} / speed)
        tone = 0.3 * numpy.sin(numpy.arange(length) * 2 * numpy.pi * (200 + 100 * random.random()) / {rate})
        {tts}
        yield {{"tts_speech": torch.from_numpy(tone[None, : length // 2])}}
        yield {{"tts_speech": torch.from_numpy(tone[None, length // 2 :])}}
"""

_GENERATION = """
class CosyVoice{generation}(CosyVoice):
    def __init__(self, model_dir, {options}):
        if not os.path.exists(model_dir + "/cosyvoice{generation}.yaml"):
            raise ValueError(model_dir + "/cosyvoice{generation}.yaml not found!")
        super().__init__(model_dir, dict(item for item in locals().items() if item[0] in {names!r}))
"""

_LOAD_WAV = """
import torch, wave, numpy
def load_wav(wav, target_sr):
    with wave.open(wav) as file:
        samples = numpy.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
        rate = file.getframerate()
    assert rate >= 16000
    tensor = torch.from_numpy(samples[None, : len(samples) * target_sr // rate])
    tensor.rate = target_sr
    return tensor
"""

# As much of torch as the worker and the stand-in use; the real one takes two seconds to import.
_TORCH = """
class Tensor:
    def __init__(self, values): self.values, self.shape = values, values.shape
    def detach(self): return self
    def cpu(self): return self
    def float(self): return Tensor(self.values.astype("float32"))
    def numpy(self): return self.values
def from_numpy(values): return Tensor(values)
_seed = 0
def manual_seed(seed):
    global _seed
    _seed = seed
def initial_seed(): return _seed
class cuda:
    class OutOfMemoryError(RuntimeError): pass
    manual_seed_all = staticmethod(lambda seed: None)
"""


@dataclass(frozen=True)
class Standin:
    """A checkout and a model."""

    code: Path
    weights: Path

    @property
    def calls(self) -> list[dict[str, Any]]:
        """What was called, the constructor first."""
        path = self.code / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def make_standin(
    folder: Path,
    *,
    age: str = "february_2026",
    generation: int = 3,
    top: str = "",
    constructor: str = "",
    tts: str = "",
    torch: bool = False,
) -> Standin:
    """Write a checkout of this age and a model. `top`, `constructor` and `tts` are lines of Python that run there."""
    code, weights = folder / "checkout", folder / "model"
    facts = AGES[age]
    calls = {"calls": str(code / "calls.jsonl"), "rate": RATE, "top": top, "tts": tts, "constructor": constructor}
    source = _CLASSES.format(**facts, **calls)
    for known in (2, 3):
        if known in facts["generations"]:
            names = {part.partition("=")[0].strip() for part in str(facts["options"]).split(",")}
            source += _GENERATION.format(generation=known, options=facts["options"], names=names)
    files = {
        "cosyvoice/__init__.py": "",
        "cosyvoice/cli/__init__.py": "",
        "cosyvoice/cli/cosyvoice.py": source,
        "cosyvoice/utils/__init__.py": "",
        "cosyvoice/utils/file_utils.py": _LOAD_WAV,
        "third_party/Matcha-TTS/matcha/__init__.py": "present = True\n",
        **({} if torch else {"torch.py": _TORCH}),
    }
    for name, content in files.items():
        path = code / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    make_model(weights, generation)
    return Standin(code, weights)


def make_model(weights: Path, generation: int) -> None:
    """The files of a model, of a few bytes each."""
    (weights / "CosyVoice-BlankEN").mkdir(parents=True)
    parts = ("llm.pt", "flow.pt", "hift.pt", "campplus.onnx", f"speech_tokenizer_v{generation}.onnx")
    for name in (*parts, f"cosyvoice{generation}.yaml"):
        (weights / name).write_text(f"{name} of generation {generation}")


def write_recording(path: Path, seconds: float = 6.0, rate: int = RATE, level: float = 0.3) -> Path:
    """Something like speech: bursts of a tone, with half a second of quiet before and after it."""
    time = np.arange(int(seconds * rate)) / rate
    speech = level * np.sin(2 * np.pi * 180 * time) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * time))
    quiet = np.zeros(rate // 2)
    soundfile.write(path, np.concatenate((quiet, speech, quiet)), rate)
    return path


def settings_for(standin: Standin, recording: Path | None, **changes: Any) -> SpeechSettings:
    """Settings that work with a stand-in, some of them changed."""
    settings = {
        "method": "cosyvoice",
        "text": "Good morning, and welcome to the show.",
        "language": "auto",
        "voice": "auto",
        "prompt_audio": recording,
        "prompt_text": "These are the words that are said in the recording, one after the other, six seconds long.",
        "speed": 1.0,
        "seed": 7,
        "code": standin.code,
        "weights": standin.weights,
        "python": Path(sys.executable),
        "patience": 60.0,
    }
    return SpeechSettings(**{**settings, **changes})

"""espeak-ng at work: what it is asked for, and what can be seen of it meanwhile."""

import os
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import espeakng_loader
import numpy as np
import psutil

from s2v_runner.inputs.speech.espeak import EspeakSynthesiser
from s2v_runner.inputs.speech.settings import SpeechSettings
from s2v_runner.records import Report

SETTINGS = SpeechSettings(
    method="espeak",
    text="Good morning, everybody.",
    language="auto",
    voice="auto",
    prompt_audio=None,
    prompt_text=None,
    speed=1.0,
    seed=1,
    code=Path("CosyVoice"),
    weights=Path("CosyVoice2-0.5B"),
    python=Path("python"),
    patience=60.0,
)
# Seconds of work for espeak-ng, so that something can happen meanwhile.
LONG = "The old clock on the wall struck nine, and nobody heard it. " * 300
LOADER = Path(espeakng_loader.__file__).parent


def speak(target: Path, **changes: Any) -> tuple[np.ndarray, Report]:
    report = EspeakSynthesiser(replace(SETTINGS, **changes)).synthesise(target)
    with wave.open(str(target)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 22050)
        samples = np.frombuffer(sound.readframes(sound.getnframes()), dtype=np.int16)
    return samples, report


def errands(parent: int) -> list[psutil.Process]:
    """The processes of errands that this process has started."""
    found = []
    for process in psutil.Process(parent).children(recursive=True):
        try:
            if "utterance.py" in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_for(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + 20
    while not (result := condition()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)
    return result


def loudness(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples.astype(np.float64)))))


@contextmanager
def as_soon_as_it_speaks(folder: Path, act: Callable[[psutil.Process], object]) -> Iterator[None]:
    """Do something to the process of the block's utterance once there is sound of it."""

    def watch() -> None:
        wait_for(lambda: any(path.stat().st_size > 1 << 16 for path in folder.glob(".*.unfinished")))
        act(errands(os.getpid())[0])

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        watcher.join()

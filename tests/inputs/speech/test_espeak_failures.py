"""What goes wrong with espeak-ng, and what is left then: nothing, and no process."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import espeakng_loader
import numpy as np
import psutil
import pytest

from s2v_runner.errors import GenerationError, InputError, OutputError
from s2v_runner.inputs.speech import utterance
from s2v_runner.inputs.speech.espeak import EspeakSynthesiser
from tests.inputs.speech.espeaking import (
    LOADER,
    LONG,
    SETTINGS,
    as_soon_as_it_speaks,
    errands,
    speak,
    wait_for,
)


def test_without_the_package_its_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(
        InputError, match=r"tts=espeak: espeak-ng is not installed\. `pip install 's2v-runner\[espeak\]'`"
    ):
        EspeakSynthesiser(SETTINGS).check()


@pytest.fixture
def installed_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Path]:
    """Installs the package in another folder, with links to the data."""

    def install(folder: Path) -> Path:
        package = folder / "espeakng_loader"
        data = package / "espeak-ng-data"
        data.mkdir(parents=True)
        for path in (LOADER / "espeak-ng-data").iterdir():
            (data / path.name).symlink_to(path)
        for name in ("__init__.py", Path(espeakng_loader.get_library_path()).name):
            shutil.copy(LOADER / name, package / name)
        monkeypatch.delitem(sys.modules, "espeakng_loader")
        monkeypatch.syspath_prepend(folder)
        return package

    return install


def test_it_may_be_installed_at_a_long_path_and_a_foreign_one(
    tmp_path: Path, installed_at: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
):
    expected, _ = speak(tmp_path / "expected.wav")
    package = installed_at(tmp_path / ("é" * 100) / ("x" * 200))
    # Where it would look otherwise.
    monkeypatch.setenv("ESPEAK_DATA_PATH", str(tmp_path))
    samples, _ = speak(tmp_path / "speech.wav")
    import espeakng_loader as found

    assert found.get_data_path() == str(package / "espeak-ng-data")
    assert np.array_equal(samples, expected)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("espeak-ng-data", r"tts=espeak: espeak-ng cannot be started \(data path not exists"),
        (
            "espeak-ng-data/phontab",
            r"cannot be started \(its data in '.*' are missing or damaged\)\. `pip install --force",
        ),
        ("libespeak-ng.so", r"cannot be started \(its library cannot be loaded: "),
    ],
)
def test_a_damaged_installation_is_refused(
    tmp_path: Path, installed_at: Callable[[Path], Path], missing: str, message: str
):
    broken = installed_at(tmp_path) / missing
    if broken.is_dir():
        shutil.rmtree(broken)
    else:
        broken.unlink()
    with pytest.raises(InputError, match=message):
        EspeakSynthesiser(SETTINGS).check()


def test_a_voice_whose_dictionary_is_missing_is_not_offered():
    listed = (LOADER / "espeak-ng-data" / "lang" / "gmq" / "fo").is_file()
    assert listed
    with pytest.raises(InputError, match="espeak-ng has no voice for it"):
        EspeakSynthesiser(replace(SETTINGS, language="fo")).check()


def test_silence_is_a_failure_and_no_file(tmp_path: Path):
    # A digit that voices of other scripts have no word for.
    with pytest.raises(
        GenerationError, match=r"with the voice en-us: nothing is to be heard of it\. Write it as words"
    ):
        speak(tmp_path / "speech.wav", text="٣")
    assert not list(tmp_path.iterdir())


def test_what_takes_too_long_is_stopped(tmp_path: Path):
    EspeakSynthesiser(SETTINGS).check()
    began = time.monotonic()
    with pytest.raises(GenerationError, match=r"it was not done after 0\.2 s\. Raise tts\.patience"):
        speak(tmp_path / "speech.wav", text=LONG, patience=0.2)
    assert time.monotonic() - began < 1.5
    assert not list(tmp_path.iterdir())
    assert not errands(os.getpid())


def test_patience_may_be_endless(tmp_path: Path):
    speak(tmp_path / "speech.wav", patience=float("inf"))


def test_a_crash_is_a_failure_and_leaves_what_was_there(tmp_path: Path):
    (tmp_path / "speech.wav").write_bytes(b"what was there")
    with (
        as_soon_as_it_speaks(tmp_path, lambda process: process.send_signal(signal.SIGSEGV)),
        pytest.raises(
            GenerationError, match=r"its process was ended by SIGSEGV\. Choose another tts\.voice"
        ) as failure,
    ):
        speak(tmp_path / "speech.wav", text=LONG)
    assert "\n" not in str(failure.value)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"what was there"]


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_passes_through_and_leaves_nothing(tmp_path: Path):
    with (
        pytest.raises(KeyboardInterrupt),
        as_soon_as_it_speaks(tmp_path, lambda _: os.kill(os.getpid(), signal.SIGINT)),
    ):
        speak(tmp_path / "speech.wav", text=LONG)
    assert not list(tmp_path.iterdir())
    assert not errands(os.getpid())


def test_a_killed_parent_leaves_no_process(tmp_path: Path):
    settings = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(SETTINGS).items()}
    code = (
        "import json, sys; from pathlib import Path; from s2v_runner.inputs.speech.espeak import EspeakSynthesiser\n"
        "from s2v_runner.inputs.speech.settings import SpeechSettings\n"
        "EspeakSynthesiser(SpeechSettings(**json.load(sys.stdin))).synthesise(Path(sys.argv[1]))\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, tmp_path / "speech.wav"], stdin=subprocess.PIPE) as parent:
        assert parent.stdin is not None
        parent.stdin.write(json.dumps(settings | {"text": LONG}).encode())
        parent.stdin.close()
        wait_for(lambda: any(path.stat().st_size > 1 << 16 for path in tmp_path.glob(".*.unfinished")))
        (orphan,) = errands(parent.pid)
        parent.kill()
        began = time.monotonic()
        wait_for(lambda: not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE)
    assert time.monotonic() - began < 1.5


def test_an_errand_that_nobody_waits_for_ends_itself():
    request = {
        "library": espeakng_loader.get_library_path(),
        "folder": str(LOADER),
        "data": "espeak-ng-data",
        "patience": 0.5,
        "errand": "speak",
        "text": LONG,
        "voice": "en-us",
        "words_a_minute": 175,
        "seed": 1,
    }
    command = [sys.executable, "-I", "-S", utterance.__file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(request).encode())
        process.stdin.close()
        # Nothing is read of what it says.
        assert process.wait(10) == -signal.SIGALRM


def test_a_folder_that_is_not_there_is_said(tmp_path: Path):
    with pytest.raises(OutputError, match="cannot be written: No such file"):
        speak(tmp_path / "absent" / "speech.wav")

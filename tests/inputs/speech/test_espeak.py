import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import espeakng_loader
import numpy as np
import psutil
import pytest

from s2v_runner.errors import GenerationError, InputError, OutputError
from s2v_runner.inputs.speech import utterance
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


def test_speech_is_written_and_told_of(tmp_path: Path):
    samples, report = speak(tmp_path / "speech.wav")
    seconds = len(samples) / 22050
    assert 1 < seconds < 3
    assert loudness(samples) > 500
    assert report.facts == {
        "engine": "espeak-ng",
        "engine_version": "1.52.0",
        "voice": "en-us",
        "language": "en-us",
        "words_a_minute": 175,
        "sample_rate": 22050,
        "seconds": seconds,
        "seed": 1,
    }
    assert report.words == f"espeak-ng 1.52.0, en-us, 22,050 Hz, {seconds:.2f} s"
    assert report.warnings == ()
    assert list(tmp_path.iterdir()) == [tmp_path / "speech.wav"]


@pytest.mark.parametrize(
    ("text", "voice"),
    [
        ("Good morning.", "en-us"),
        ("大家早上好", "cmn"),
        ("おはようございます", "ja"),
        ("좋은 아침입니다", "ko"),
        ("Доброе утро", "ru"),
        ("Καλημέρα", "el"),
        ("صباح الخير", "ar"),
        ("בוקר טוב", "he"),
        ("सुप्रभात", "hi"),
        ("สวัสดีตอนเช้า", "th"),
    ],
)
def test_a_text_is_spoken_by_the_voice_of_its_script(tmp_path: Path, text: str, voice: str):
    samples, report = speak(tmp_path / "speech.wav", text=text)
    assert report.facts["voice"] == voice
    assert len(samples) > 22050 * 0.3
    assert loudness(samples) > 500


@pytest.mark.parametrize(
    "text",
    ["It costs 1,234.50.", "one\ntwo\r\n\r\nthree", "Hi 😀!", "“Quotes” and ‘others’", "AT&T", "x " * 400, "7 " * 50],
)
def test_all_kinds_of_text_are_spoken(tmp_path: Path, text: str):
    samples, _ = speak(tmp_path / "speech.wav", text=text)
    assert loudness(samples) > 300


@pytest.mark.parametrize(
    ("text", "other"),
    [("<b>bold</b>", "bold"), ("[[h@l'oU]]", "hello"), ("<break time='2s'/>one", "one"), ("&lt;b", "<b")],
)
def test_markup_is_text(tmp_path: Path, text: str, other: str):
    spoken, _ = speak(tmp_path / "speech.wav", text=text)
    interpreted, _ = speak(tmp_path / "other.wav", text=other)
    assert not np.array_equal(spoken, interpreted)
    assert len(spoken) > len(interpreted)


@pytest.mark.parametrize("voice", ["auto", "auto+whisper", "auto+f3"])
def test_the_same_text_is_the_same_samples_whatever_is_said_before_or_meanwhile(tmp_path: Path, voice: str):
    first, _ = speak(tmp_path / "first.wav", voice=voice)
    speak(tmp_path / "between.wav", text="大家早上好", speed=2.0)

    def again(number: int) -> np.ndarray:
        return speak(tmp_path / f"{number}.wav", voice=voice)[0]

    with ThreadPoolExecutor(3) as pool:
        others = list(pool.map(again, range(6)))
    assert all(np.array_equal(first, other) for other in others)


def test_the_seed_is_that_of_the_breath(tmp_path: Path):
    def whisper(seed: int) -> np.ndarray:
        return speak(tmp_path / "speech.wav", voice="auto+whisper", seed=seed)[0]

    one, two, negative = whisper(1), whisper(2), whisper(-1)
    assert not np.array_equal(one, two)
    assert np.array_equal(negative, whisper((1 << 32) - 1))


def test_speed_is_in_ordinary_speeds(tmp_path: Path):
    ordinary, _ = speak(tmp_path / "speech.wav", text="It rained all night and all day")
    fast, report = speak(tmp_path / "speech.wav", text="It rained all night and all day", speed=1.5)
    assert report.facts["words_a_minute"] == 262
    assert len(fast) / len(ordinary) == pytest.approx(1 / 1.5, abs=0.1)


def test_a_long_text_is_spoken_to_its_end(tmp_path: Path):
    samples, report = speak(tmp_path / "speech.wav", text=LONG)
    estimate = EspeakSynthesiser(replace(SETTINGS, text=LONG)).estimate_seconds()
    assert len(samples) / 22050 == pytest.approx(estimate, rel=0.25)
    assert report.facts["seconds"] == len(samples) / 22050


def test_what_it_depends_on_is_described_alike_for_equal_speech():
    def describe(**changes: Any) -> dict[str, Any]:
        return dict(EspeakSynthesiser(replace(SETTINGS, **changes)).describe())

    described = describe()
    assert described == {
        "engine": "espeak-ng",
        "engine_version": "1.52.0",
        "text": "Good morning, everybody.",
        "voice": "gmw/en-US",
        "words_a_minute": 175,
        "seed": 1,
    }
    alike = {"text": " Good morning, everybody.\r\n", "language": "en_US", "voice": "EN-us", "speed": 1.001}
    assert describe(**alike, patience=1.0, weights=Path("elsewhere")) == described
    for change in ({"text": "Good morning."}, {"voice": "en-gb"}, {"speed": 1.2}, {"seed": 2}, {"language": "de"}):
        assert describe(**change) != described, change


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": ""}, r"tts\.text: it is empty"),
        ({"text": "a\0b"}, r"tts\.text: character 2 of 3 is U\+0000"),
        ({"speed": 0.4}, r"tts\.speed 0\.4: .* Give a number from 0\.46 to 2\.57"),
        ({"speed": 2.6}, r"tts\.speed 2\.6: .* Give a number from 0\.46 to 2\.57"),
        ({"speed": float("nan")}, r"tts\.speed nan: "),
        ({"voice": "en-uk"}, r"tts\.voice 'en-uk': espeak-ng has no such voice\. Did you mean 'en-us'"),
        ({"language": "xx"}, r"tts\.language 'xx': espeak-ng has no voice for it"),
        (
            {"prompt_audio": Path("voice.wav")},
            r"tts\.prompt_audio 'voice\.wav': espeak-ng has voices of its own .*tts=",
        ),
        ({"prompt_text": "What I said."}, r"tts\.prompt_text 'What I said\.': espeak-ng has voices of its own .*tts="),
        ({"text": "日本語を話します"}, r"knows no kanji: it would say 'Chinese letter' for 4 of the 8 letters"),
        ({"text": "Привет", "voice": "en-us"}, r"the voice en-us cannot read 6 of its 6 letters .*at auto"),
        ({"text": "សួស្តី"}, r"no voice for the language of its script, 'km'"),
        ({"text": "ᐃᓄᒃᑎᑐᑦ"}, r"cannot read 6 of its 6 letters and would spell .* Write them in letters that it reads"),
        ({"text": "Say 𝐇𝐞𝐥𝐥𝐨"}, r"cannot read 5 of its 8 letters and would spell"),
    ],
)
def test_what_cannot_be_spoken_is_refused_before_anything_is_written(
    tmp_path: Path, changes: dict[str, Any], message: str
):
    synthesiser = EspeakSynthesiser(replace(SETTINGS, **changes))
    for act in (synthesiser.check, synthesiser.describe, lambda: synthesiser.synthesise(tmp_path / "speech.wav")):
        with pytest.raises(InputError, match=message) as refusal:
            act()
        assert "\n" not in str(refusal.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("speed", [0.46, 2.57])
def test_the_ends_of_the_range_are_in_it(speed: float):
    EspeakSynthesiser(replace(SETTINGS, speed=speed)).check()


def test_a_foreign_name_is_spelt_and_warned_of(tmp_path: Path):
    text = "When they met in the winter he said привет to the whole of the family, and then he left again."
    _, report = speak(tmp_path / "speech.wav", text=text)
    assert report.warnings == ("the voice en-us cannot read 6 of the 73 letters of tts.text and spells them",)


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

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from s2v_runner.errors import InputError, OutputError
from s2v_runner.inputs.speech.cosyvoice.synthesiser import CosyVoiceSynthesiser
from s2v_runner.inputs.speech.settings import Synthesiser
from s2v_runner.records import Report
from tests.inputs.speech.cosyvoice.standin import AGES, RATE, Standin, make_standin, settings_for, write_recording

INSTRUCTION = "You are a helpful assistant.<|endofprompt|>"
LONG = "收到好友从远方寄来的生日礼物那份意外的惊喜与深深的祝福让我心中充满了甜蜜的快乐笑容如花儿般绽放"
KINDS = [(age, generation) for age in AGES for generation in AGES[age]["generations"]]


def speak(standin: Standin, recording: Path, target: Path, **changes: Any) -> Report:
    synthesiser: Synthesiser = CosyVoiceSynthesiser(settings_for(standin, recording, **changes))
    return synthesiser.synthesise(target)


@pytest.mark.parametrize(("age", "generation"), KINDS)
@pytest.mark.parametrize(
    "prompt_text", ["What is said in the recording, in about six seconds of time, as it were.", None]
)
def test_every_age_is_called_as_it_wants(
    tmp_path: Path, recording: Path, age: str, generation: int, prompt_text: str | None
):
    standin = make_standin(tmp_path, age=age, generation=generation)
    report = speak(standin, recording, tmp_path / "speech.wav", prompt_text=prompt_text, speed=1.25)
    made, call = standin.calls
    assert made["made"] == f"CosyVoice{generation}"
    assert {value for name, value in made["options"].items() if name != "trt_concurrent"} == {False}
    opening = INSTRUCTION if generation == 3 else ""
    if prompt_text is None:
        assert (call["mode"], call["text"]) == ("cross_lingual", f"{opening}Good morning, and welcome to the show.")
        assert "prompt_text" not in call
    else:
        assert (call["mode"], call["text"]) == ("zero_shot", "Good morning, and welcome to the show.")
        assert call["prompt_text"] == opening + prompt_text
    assert (call["stream"], call["speed"], call["text_frontend"]) == (False, 1.25, True)
    if age == "february_2026":
        assert call["prompt"].endswith("/voice.wav")
    else:
        # A tensor at 16 kHz: the speech and what stays around it.
        assert call["prompt"] == [pytest.approx(6.4 * 16000, abs=1600), 16000]
    assert report.facts["engine"] == f"CosyVoice{generation}"
    assert report.facts["mode"] == ("cross-lingual" if prompt_text is None else "zero-shot")


def test_the_speech_is_a_wav_file_of_all_chunks_and_the_report_says_so(tmp_path: Path, recording: Path):
    standin = make_standin(tmp_path)
    report = speak(standin, recording, tmp_path / "speech.wav")
    samples, rate = soundfile.read(tmp_path / "speech.wav")
    info = soundfile.info(tmp_path / "speech.wav")
    assert (rate, info.channels, info.subtype) == (RATE, 1, "PCM_16")
    assert len(samples) == int(0.2 * len("Good morning, and welcome to the show.") * RATE)
    assert np.abs(samples).max() == pytest.approx(0.3, abs=0.001)
    assert report.facts == {
        "engine": "CosyVoice3",
        "mode": "zero-shot",
        "language": "en",
        "sentences": 1,
        "sample_rate": RATE,
        "seconds": pytest.approx(7.6),
        "voice_seconds": pytest.approx(6.0, abs=0.05),
        "speed": 1.0,
        "seed": 7,
    }
    assert report.words == "7.60 s spoken by CosyVoice3 in 1 piece, zero-shot, in the voice of voice.wav (6.0 s)"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkout", "model", "speech.wav", "voice.wav"]


def test_a_long_text_is_spoken_in_pieces_each_with_the_same_chance(tmp_path: Path, recording: Path):
    standin = make_standin(tmp_path)
    report = speak(standin, recording, tmp_path / "speech.wav", text=f"{LONG}。{LONG}！", prompt_text=None)
    _, first, second = standin.calls
    assert (first["text"], second["text"]) == (f"{INSTRUCTION}{LONG}。", f"{INSTRUCTION}{LONG}！")
    assert first["chance"] == second["chance"]
    assert first["chance"][2] == 7
    assert report.facts["sentences"] == 2
    samples, _ = soundfile.read(tmp_path / "speech.wav")
    assert np.array_equal(samples[: len(samples) // 2], samples[len(samples) // 2 :])


def test_the_same_seed_is_the_same_speech_and_another_is_not(tmp_path: Path, recording: Path):
    standin = make_standin(tmp_path)
    files = [tmp_path / f"{index}.wav" for index in range(3)]
    for seed, file in zip((7, 7, 8), files, strict=True):
        speak(standin, recording, file, seed=seed)
    first, same, other = (file.read_bytes() for file in files)
    assert first == same
    assert first != other


@pytest.mark.parametrize(
    ("text", "language", "normalised"),
    [
        ("Eins, zwei, 3.", "de", False),
        ("二十三。", "auto", True),
        ("ニジュウサン。", "auto", False),
        ("廿三。", "yue", True),
    ],
)
def test_numbers_are_not_read_out_in_the_wrong_language(
    tmp_path: Path, recording: Path, text: str, language: str, normalised: bool
):
    standin = make_standin(tmp_path)
    speak(standin, recording, tmp_path / "speech.wav", text=text, language=language)
    assert standin.calls[1]["text_frontend"] is normalised


def test_a_marker_that_is_there_already_is_not_put_twice(tmp_path: Path, recording: Path):
    standin = make_standin(tmp_path)
    prompt = f"You are a helpful assistant. 请用广东话表达。<|endofprompt|>{'希望你以后能够做的比我还好呦。' * 2}"
    report = speak(standin, recording, tmp_path / "speech.wav", prompt_text=prompt)
    assert standin.calls[1]["prompt_text"] == prompt
    assert not any("prompt_text" in warning for warning in report.warnings)


def test_a_real_torch_does_as_well(tmp_path: Path, recording: Path):
    standin = make_standin(
        tmp_path, torch=True, tts="assert torch.rand(1).item() == torch.manual_seed(7) and 0 or True"
    )
    speak(standin, recording, tmp_path / "speech.wav")
    assert standin.calls[1]["chance"][2] == 7
    assert soundfile.info(tmp_path / "speech.wav").frames == int(0.2 * 38 * RATE)


def test_the_checkout_is_imported_and_nothing_of_ours(tmp_path: Path, recording: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours/matcha.py").write_text("raise ImportError('ours')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "ours"))
    top = "import sys; assert not any(part.endswith(('ours', 'speech/cosyvoice')) for part in sys.path), sys.path"
    speak(make_standin(tmp_path, top=top), recording, tmp_path / "speech.wav")


def test_what_somebody_should_look_at_is_a_warning(tmp_path: Path, recording: Path):
    standin = make_standin(tmp_path, tts="length = 2400; tone = tone[:length]")
    report = speak(standin, recording, tmp_path / "speech.wav", text="歴史の世界においては。", prompt_text="Yes.")
    about_transcript, about_kana, about_length = report.warnings
    assert about_transcript.startswith("tts.prompt_text is about 0.")
    assert "6.0 s of sound are in tts.prompt_audio" in about_transcript
    assert "katakana" in about_kana
    assert about_length.startswith("the speech lasts 0.1 s where about ")


def test_a_good_speech_has_no_warnings(tmp_path: Path, recording: Path):
    standin = make_standin(tmp_path, tts="tone = tone[: len(tone) // 3]; length //= 3")
    assert speak(standin, recording, tmp_path / "speech.wav").warnings == ()


@pytest.mark.parametrize(
    ("changes", "subject", "words"),
    [
        ({"text": "Bom dia.", "language": "pt"}, "tts.language 'pt'", "tts=espeak"),
        ({"text": "ᐃᓄᒃᑎᑐᑦ."}, "tts.text 'ᐃᓄᒃᑎᑐᑦ.'", "zh, yue, en, ja, ko, de, es, fr, it, ru"),
        ({"text": "Καλημέρα."}, "tts.language 'el'", "zh, yue, en, ja, ko, de, es, fr, it, ru"),
        ({"text": "Say\nso. <|endofprompt|> Yes."}, "tts.text 'Say so. <|endofprompt|> Yes.'", "Leave it out"),
        ({"text": " "}, "tts.text", "it is empty"),
        ({"voice": "en-us"}, "tts.voice 'en-us'", "Leave it at auto, or add tts=espeak"),
        ({"prompt_text": " …"}, "tts.prompt_text '…'", "there is no word in it"),
        ({"prompt_text": "A<|endofprompt|>b<|endofprompt|>"}, "tts.prompt_text", "not said in the recording"),
        ({"seed": -1}, "tts.seed -1", "0 to 4294967295"),
        ({"seed": 2**32}, "tts.seed 4294967296", "0 to 4294967295"),
        ({"speed": 0.4}, "tts.speed 0.4", "from 0.5 to 2"),
        ({"speed": 2.1}, "tts.speed 2.1", "from 0.5 to 2"),
        ({"prompt_audio": None}, "tts.prompt_audio", "no recording of the voice is given"),
        ({"python": Path("/nowhere/python")}, "tts.python '/nowhere/python'", "there is no such file"),
    ],
)
def test_what_cannot_work_is_refused_before_it_begins(
    tmp_path: Path, recording: Path, changes: dict[str, Any], subject: str, words: str
):
    standin = make_standin(tmp_path)
    synthesiser = CosyVoiceSynthesiser(settings_for(standin, recording, **changes))
    for refused in (synthesiser.check, lambda: synthesiser.synthesise(tmp_path / "speech.wav")):
        with pytest.raises(InputError) as refusal:
            refused()
        assert refusal.value.subject.startswith(subject)
        assert words in str(refusal.value)
        assert "\n" not in str(refusal.value)
    assert standin.calls == []
    assert not (tmp_path / "speech.wav").exists()


@pytest.mark.parametrize("language", ["de", "ru", "fr-CA"])
def test_generation_2_does_not_speak_what_generation_3_does(tmp_path: Path, recording: Path, language: str):
    for generation, folder in ((3, tmp_path / "three"), (2, tmp_path / "two")):
        standin = make_standin(folder, generation=generation)
        synthesiser = CosyVoiceSynthesiser(settings_for(standin, recording, language=language))
        if generation == 3:
            synthesiser.check()
        else:
            with pytest.raises(InputError, match="only zh, yue, en, ja, ko"):
                synthesiser.check()


def test_a_marker_means_nothing_to_generation_2(tmp_path: Path, recording: Path):
    standin = make_standin(tmp_path, generation=2)
    with pytest.raises(InputError, match="not said in the recording"):
        CosyVoiceSynthesiser(settings_for(standin, recording, prompt_text=f"{INSTRUCTION}Hello.")).check()


def test_the_check_runs_nothing(tmp_path: Path, recording: Path):
    standin = make_standin(tmp_path, top="raise SystemExit")
    CosyVoiceSynthesiser(settings_for(standin, recording)).check()
    assert standin.calls == []


def test_the_description_is_by_content(tmp_path: Path, recording: Path):
    standin = make_standin(tmp_path)
    other = write_recording(tmp_path / "other.wav", 7.0)
    copy = tmp_path / "copy.wav"
    copy.write_bytes(recording.read_bytes())

    def describe(**changes: Any) -> dict[str, Any]:
        return dict(CosyVoiceSynthesiser(settings_for(standin, recording, **changes)).describe())

    plain = describe()
    assert str(tmp_path) not in str(plain)
    assert (
        describe(prompt_audio=copy, patience=5.0, language="en", text=" Good morning, and welcome to the show.")
        == plain
    )
    for changes in (
        {"text": "Another."},
        {"prompt_audio": other},
        {"prompt_text": None},
        {"prompt_text": "Others."},
        {"speed": 1.1},
        {"seed": 8},
        {"language": "de"},
    ):
        assert describe(**changes) != plain
    (standin.weights / "llm.pt").write_text("finer weights")
    assert describe() != plain


def test_the_description_refuses_what_is_not_there(tmp_path: Path):
    standin = make_standin(tmp_path)
    for recording in (None, tmp_path / "absent.wav"):
        with pytest.raises(InputError, match=r"tts\.prompt_audio"):
            CosyVoiceSynthesiser(settings_for(standin, recording)).describe()


def test_the_estimate_is_by_text_and_speed(tmp_path: Path, recording: Path):
    standin = make_standin(tmp_path)
    ordinary = CosyVoiceSynthesiser(settings_for(standin, recording)).estimate_seconds()
    fast = CosyVoiceSynthesiser(settings_for(standin, recording, speed=2.0)).estimate_seconds()
    assert ordinary == pytest.approx(2.5, abs=1)
    assert fast == pytest.approx(ordinary / 2)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, recording: Path):
    with pytest.raises(OutputError, match="cannot be written"):
        speak(make_standin(tmp_path), recording, tmp_path / "absent/speech.wav")


def test_a_folder_for_temporary_files_that_is_not_there_is_named(
    tmp_path: Path, recording: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    with pytest.raises(OutputError, match=r"absent/s2v-cosyvoice-.* cannot be written"):
        speak(make_standin(tmp_path), recording, tmp_path / "speech.wav")


def test_what_was_there_stays_when_the_speech_fails(tmp_path: Path, recording: Path):
    standin = make_standin(tmp_path, tts="raise ValueError('no')")
    target = tmp_path / "speech.wav"
    target.write_bytes(b"what was there")
    with pytest.raises(RuntimeError):
        speak(standin, recording, target)
    assert target.read_bytes() == b"what was there"

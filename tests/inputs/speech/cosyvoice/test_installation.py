import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from s2v_runner.errors import InputError
from s2v_runner.inputs.speech.cosyvoice.installation import digest_installation, locate_installation
from tests.inputs.speech.cosyvoice.standin import Standin, make_model, make_standin, settings_for


@pytest.mark.parametrize(("age", "generation"), [("january_2025", 2), ("february_2026", 2), ("february_2026", 3)])
def test_the_model_says_which_cosyvoice_it_is(tmp_path: Path, age: str, generation: int):
    standin = make_standin(tmp_path, age=age, generation=generation)
    installation = locate_installation(settings_for(standin, None))
    assert installation.name == f"CosyVoice{generation}"
    assert ("de" in installation.languages) == (generation == 3)


def test_paths_become_absolute_and_links_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make_standin(tmp_path)
    (tmp_path / "python").symlink_to(sys.executable)
    monkeypatch.chdir(tmp_path)
    relative = Standin(Path("checkout"), Path("model"))
    installation = locate_installation(settings_for(relative, None, python=tmp_path / "python"))
    assert installation.code == tmp_path / "checkout"
    assert installation.weights == tmp_path / "model"
    assert installation.python == tmp_path / "python"


def test_a_bare_name_is_looked_up_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    standin = make_standin(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python-of-theirs").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    settings = settings_for(standin, None, python=Path("python-of-theirs"))
    assert locate_installation(settings).python == tmp_path / "bin/python-of-theirs"


def empty_submodule(standin: Standin) -> None:
    shutil.rmtree(standin.code / "third_party/Matcha-TTS/matcha")


def first_generation(standin: Standin) -> None:
    (standin.weights / "cosyvoice3.yaml").rename(standin.weights / "cosyvoice.yaml")


def both_setups(standin: Standin) -> None:
    (standin.weights / "cosyvoice2.yaml").touch()


def no_setup(standin: Standin) -> None:
    (standin.weights / "cosyvoice3.yaml").unlink()


def missing_part(standin: Standin) -> None:
    (standin.weights / "speech_tokenizer_v3.onnx").unlink()


def pointer(standin: Standin) -> None:
    (standin.weights / "llm.pt").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1234\n")


def empty_part(standin: Standin) -> None:
    (standin.weights / "flow.pt").write_bytes(b"")


def missing_tokenizer(standin: Standin) -> None:
    (standin.weights / "CosyVoice-BlankEN").rmdir()


def other_code(standin: Standin) -> None:
    (standin.code / "cosyvoice/cli/cosyvoice.py").unlink()


def older_code(standin: Standin) -> None:
    shutil.rmtree(standin.code)
    shutil.rmtree(standin.weights)
    make_standin(standin.code.parent, age="august_2025", generation=3)


@pytest.mark.parametrize(
    ("damage", "key", "words"),
    [
        (empty_submodule, "tts.code", "git submodule update --init --recursive"),
        (other_code, "tts.code", "no checkout of CosyVoice"),
        (older_code, "tts.code", "older than the model"),
        (first_generation, "tts.weights", "CosyVoice 1"),
        (both_setups, "tts.weights", "both cosyvoice2.yaml and cosyvoice3.yaml"),
        (no_setup, "tts.weights", "neither cosyvoice2.yaml nor cosyvoice3.yaml"),
        (missing_part, "tts.weights", "speech_tokenizer_v3.onnx is missing"),
        (pointer, "tts.weights", "git lfs pull"),
        (empty_part, "tts.weights", "flow.pt is empty"),
        (missing_tokenizer, "tts.weights", "CosyVoice-BlankEN is missing"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, damage: Callable[[Standin], None], key: str, words: str):
    standin = make_standin(tmp_path)
    locate_installation(settings_for(standin, None))
    damage(standin)
    with pytest.raises(InputError) as refusal:
        locate_installation(settings_for(standin, None))
    assert refusal.value.subject.startswith(f"{key} '{tmp_path}")
    assert words in str(refusal.value)


def test_paths_that_lead_nowhere_are_named(tmp_path: Path):
    standin = make_standin(tmp_path)
    plain = tmp_path / "plain"
    plain.touch()
    long, paths = "long" * 99, ("code", "weights", "python")
    for key, value, problem in (
        ("code", tmp_path / "absent", "there is no such folder"),
        ("weights", tmp_path / "absent", "there is no such folder"),
        ("python", tmp_path / "absent", "there is no such file"),
        *((key, tmp_path / long, "it cannot be looked into (File name too long)") for key in paths),
        ("python", plain, "it is not a program that can be run"),
        ("python", Path("no-such-python-anywhere"), "there is no such program on PATH"),
    ):
        with pytest.raises(InputError) as refusal:
            locate_installation(settings_for(standin, None, **{key: value}))
        assert refusal.value.subject == f"tts.{key} '{value}'"
        assert refusal.value.problem == problem


def test_the_digest_follows_content_and_not_the_place(tmp_path: Path):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        make_standin(folder)
        # The stand-in has a path of its own in it.
        (folder / "checkout/cosyvoice/cli/cosyvoice.py").write_text("class CosyVoice3: cosyvoice3.yaml")

    def digest(folder: Path) -> str:
        return digest_installation(
            locate_installation(settings_for(Standin(folder / "checkout", folder / "model"), None))
        )

    assert digest(first) == digest(second)
    (first / "model/spk2info.pt").write_text("what is no part of it")
    assert digest(first) == digest(second)
    (first / "model/llm.pt").write_text("other weights")
    changed = digest(first)
    (second / "model/CosyVoice-BlankEN/vocab.json").write_text("other words")
    assert changed != digest(second)
    (first / "checkout/cosyvoice/utils/file_utils.py").write_text("other code")
    assert digest(first) != changed


def test_a_change_deep_in_a_large_file_is_seen_by_its_size(tmp_path: Path):
    standin = make_standin(tmp_path)
    installation = locate_installation(settings_for(standin, None))
    with (standin.weights / "llm.pt").open("wb") as file:
        file.truncate(1 << 24)
    before = digest_installation(installation)
    os.truncate(standin.weights / "llm.pt", (1 << 24) + 1)
    assert digest_installation(installation) != before


def test_a_model_of_generation_2_wants_its_own_tokenizer(tmp_path: Path):
    standin = make_standin(tmp_path)
    make_model(tmp_path / "second", 2)
    (tmp_path / "second/speech_tokenizer_v2.onnx").rename(tmp_path / "second/speech_tokenizer_v3.onnx")
    with pytest.raises(InputError, match=r"speech_tokenizer_v2\.onnx is missing"):
        locate_installation(settings_for(Standin(standin.code, tmp_path / "second"), None))

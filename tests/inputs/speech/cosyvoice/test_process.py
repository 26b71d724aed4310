import ast
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from s2v_runner.errors import GenerationError, InputError
from s2v_runner.inputs.speech.cosyvoice import process, worker
from s2v_runner.inputs.speech.cosyvoice.synthesiser import CosyVoiceSynthesiser
from tests.inputs.speech.cosyvoice.standin import Standin, make_standin, settings_for

# A child that would go on for a minute; its number is written down beside the checkout.
CHILD = (
    "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    "open({path!r}, 'w').write(str(child.pid))"
)


def is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    # A zombie has ended; whoever adopted it has yet to hear of it.
    return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def await_end(number: int) -> None:
    deadline = time.monotonic() + 10
    while is_alive(number):
        assert time.monotonic() < deadline, "it lives on"
        time.sleep(0.02)


def await_file(path: Path) -> str:
    deadline = time.monotonic() + 20
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline, f"{path} was not written"
        time.sleep(0.02)
    return path.read_text()


def fail(standin: Standin, recording: Path, error: type[Exception], patience: float = 30.0) -> str:
    """The message of a synthesis that fails, which is of one line and leaves no file."""
    target = recording.with_name("speech.wav")
    with pytest.raises(error) as failure:
        CosyVoiceSynthesiser(settings_for(standin, recording, patience=patience)).synthesise(target)
    assert not list(recording.parent.glob("*speech.wav*"))
    assert "\n" not in str(failure.value)
    return str(failure.value)


def standin_with(folder: Path, place: str, code: str) -> Standin:
    top, constructor, tts = (code if place == name else "" for name in ("top", "constructor", "tts"))
    return make_standin(folder, top=top, constructor=constructor, tts=tts)


@pytest.mark.parametrize(
    ("place", "code", "words"),
    [
        ("tts", "raise ValueError('what a\\nsentence')", ["failed while it spoke (ValueError: what a sentence)"]),
        ("tts", "raise SystemExit(3)", ["failed while it spoke (SystemExit: 3)"]),
        ("tts", "raise torch.cuda.OutOfMemoryError('CUDA out of memory')", ["ran out of memory", "Free memory"]),
        ("tts", "raise MemoryError", ["ran out of memory (MemoryError)"]),
        ("tts", "tone = tone * float('nan')", ["samples that are not finite", "another tts.seed"]),
        ("tts", "tone = tone * 0", ["made nothing but silence"]),
        ("tts", "tone = tone[:0]", ["made no samples"]),
        ("tts", "return", ["made no samples"]),
        ("constructor", "raise RuntimeError('bad magic')", ["could not load its model (RuntimeError: bad magic)"]),
        ("constructor", "raise RuntimeError('CUDA out of memory. Tried')", ["ran out of memory"]),
        ("tts", "os.abort()", ["was ended by SIGABRT (the last that it said:", "One of its libraries crashed"]),
        ("tts", "os.kill(os.getpid(), 9)", ["was ended by SIGKILL", "Most often memory was short"]),
        (
            "tts",
            "print('so long', flush=True); os._exit(4)",
            ["ended with status 4", "the last that it said: so long)"],
        ),
        ("tts", "os._exit(0)", ["ended with status 0 and without an answer"]),
    ],
)
def test_a_failure_is_told_in_a_line(tmp_path: Path, recording: Path, place: str, code: str, words: list[str]):
    message = fail(standin_with(tmp_path, place, code), recording, GenerationError)
    assert message.startswith("CosyVoice3 ")
    for part in words:
        assert part in message


def test_a_failure_in_the_thread_of_the_language_model_is_the_cause(tmp_path: Path, recording: Path):
    # It goes on with what the thread left, and fails again for want of it.
    code = "thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join(); raise KeyError('tokens')"
    assert "ZeroDivisionError" in fail(make_standin(tmp_path, tts=code), recording, GenerationError)


def test_a_failure_in_the_thread_is_found_where_speech_came_of_it(tmp_path: Path, recording: Path):
    code = "thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()"
    assert "ZeroDivisionError" in fail(make_standin(tmp_path, tts=code), recording, GenerationError)


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("top", "import a_module_that_they_lack"),
        # As the setup file does, which names classes by their paths.
        (
            "constructor",
            "\n        try:\n            import a_module_that_they_lack\n"
            "        except ImportError:\n            raise RuntimeError('problem in cosyvoice.flow')",
        ),
    ],
)
def test_a_module_that_is_missing_there_is_named(tmp_path: Path, recording: Path, place: str, code: str):
    message = fail(standin_with(tmp_path, place, code), recording, InputError)
    assert message.startswith(f"tts.python '{sys.executable}': CosyVoice3 cannot be imported with it")
    assert "No module named 'a_module_that_they_lack'" in message


def test_a_version_that_takes_the_recording_in_another_way_is_refused(tmp_path: Path, recording: Path):
    standin = make_standin(tmp_path)
    entrance = standin.code / "cosyvoice/cli/cosyvoice.py"
    entrance.write_text(entrance.read_text().replace("prompt_wav", "prompt_voice"))
    message = fail(standin, recording, InputError)
    assert message.startswith(f"tts.code '{standin.code}': this version of CosyVoice3 is not known")


def test_what_is_printed_is_no_answer(tmp_path: Path, recording: Path):
    standin = make_standin(tmp_path, tts="print('{\"rate\": 1}', flush=True); os.write(1, b'\\xff\\x00{]' * 100000)")
    CosyVoiceSynthesiser(settings_for(standin, recording)).synthesise(tmp_path / "speech.wav")


@pytest.mark.parametrize("content", ["{]", '"words"', ""])
def test_an_answer_that_is_none_is_a_failure(tmp_path: Path, recording: Path, content: str):
    code = f"open('answer.json', 'w').write({content!r}); os._exit(0)"
    assert "answered nonsense" in fail(make_standin(tmp_path, tts=code), recording, GenerationError)


def test_an_answer_without_speech_is_a_failure(tmp_path: Path, recording: Path):
    code = "open('answer.json', 'w').write('{}'); os._exit(0)"
    assert "left no speech that can be read" in fail(make_standin(tmp_path, tts=code), recording, GenerationError)


def test_a_python_that_cannot_be_started_is_named(tmp_path: Path, recording: Path):
    python = tmp_path / "python"
    python.write_text("neither a program nor a script")
    python.chmod(0o755)
    settings = settings_for(make_standin(tmp_path), recording, python=python)
    with pytest.raises(InputError, match=r"it cannot be started \(Exec format error\)") as refusal:
        CosyVoiceSynthesiser(settings).synthesise(tmp_path / "speech.wav")
    assert refusal.value.subject == f"tts.python '{python}'"


def test_a_python_that_is_something_else_says_what_it_said(tmp_path: Path, recording: Path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'activate the environment first' >&2\nexit 3\n")
    python.chmod(0o755)
    settings = settings_for(make_standin(tmp_path), recording, python=python)
    with pytest.raises(GenerationError, match=r"status 3 .* activate the environment first"):
        CosyVoiceSynthesiser(settings).synthesise(tmp_path / "speech.wav")


def test_it_is_stopped_with_its_children_when_patience_ends(tmp_path: Path, recording: Path):
    child = tmp_path / "child"
    code = CHILD.format(path=str(child)) + "; import time; print('still at it', flush=True); time.sleep(60)"
    message = fail(make_standin(tmp_path, tts=code), recording, GenerationError, patience=2.0)
    assert "had not finished after 2 s and was stopped" in message
    assert "tts.patience" in message
    assert "still at it" in message
    await_end(int(child.read_text()))


def test_children_that_it_leaves_end_with_it(tmp_path: Path, recording: Path):
    child = tmp_path / "child"
    standin = make_standin(tmp_path, tts=CHILD.format(path=str(child)))
    CosyVoiceSynthesiser(settings_for(standin, recording)).synthesise(tmp_path / "speech.wav")
    await_end(int(child.read_text()))


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_it_and_passes_through(tmp_path: Path, recording: Path):
    started = tmp_path / "started"
    code = f"open({str(started)!r}, 'w').write(str(os.getpid())); import time; time.sleep(60)"
    standin = make_standin(tmp_path, tts=code)

    def interrupt() -> None:
        await_file(started)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        CosyVoiceSynthesiser(settings_for(standin, recording)).synthesise(tmp_path / "speech.wav")
    thread.join()
    await_end(int(started.read_text()))
    assert not list(tmp_path.glob("*speech.wav*"))


def test_it_ends_with_us_and_takes_its_folder_along(tmp_path: Path, recording: Path, temporary_files: Path):
    started = tmp_path / "started"
    code = f"open({str(started)!r}, 'w').write(str(os.getpid())); import time; time.sleep(60)"
    standin = make_standin(tmp_path, tts=code)
    settings = settings_for(standin, recording)
    script = (
        "from pathlib import PosixPath\n"
        "from s2v_runner.inputs.speech.settings import SpeechSettings\n"
        "from s2v_runner.inputs.speech.cosyvoice.synthesiser import CosyVoiceSynthesiser\n"
        f"CosyVoiceSynthesiser({settings!r}).synthesise(PosixPath('speech.wav'))"
    )
    environment = {**os.environ, "TMPDIR": str(temporary_files), "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, env=environment) as ours:
        number = int(await_file(started))
        assert len(list(temporary_files.iterdir())) == 1
        ours.kill()
    await_end(number)
    assert list(temporary_files.iterdir()) == []


def test_the_worker_keeps_to_python_3_8_and_to_the_standard_library():
    source = Path(worker.__file__).read_text()
    tree = ast.parse(source, feature_version=(3, 8))
    names = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
    }
    assert names - sys.stdlib_module_names == {"numpy", "torch"}
    assert Path(process.__file__).with_name("worker.py").samefile(worker.__file__)

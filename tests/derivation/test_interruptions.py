"""Whole runs that end while something is made of their inputs, and the same command afterwards."""

import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.inputs.extraction.onnx_models import write_detector, write_estimator
from tests.inputs.extraction.people import SOMEBODY, draw_people, write_video
from tests.inputs.prompt.asking import CHINESE, KEY
from tests.inputs.prompt.loopback import answer_parts, say, serving
from tests.inputs.speech.cosyvoice.standin import make_standin, settings_for, write_recording
from tests.runs import Workshop

PATIENCE = 20.0
ENDS = pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])


def nothing() -> None:
    pass


def wait_until(is_so: Callable[[], object]) -> None:
    limit = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < limit, "it never came to that"
        time.sleep(0.01)


def end_while(workshop: Workshop, how: signal.Signals, is_made: Callable[[], object], words: tuple[str, ...]) -> Path:
    """Start a run, end it once something is being made of its inputs, and look at what is left. Its folder."""
    child = workshop.in_child(nothing, *words)
    wait_until(is_made)
    child.kill(how)
    status, printed = child.wait()
    assert status == (-how if how == signal.SIGKILL else 128 + how)
    assert "Traceback" not in printed
    if how != signal.SIGKILL:
        assert not workshop.strays()
        assert workshop.only_record().status == "KILLED"
    (folder,) = workshop.folders()
    assert not any((folder / name).exists() for name in ("speech.wav", "prompt.txt", "poses.mp4"))
    return folder


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def processes_that_name(text: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if text in words:
            found.append(words)
    return found


@ENDS
def test_a_run_that_ends_while_cosyvoice_speaks_leaves_nothing_and_is_taken_up(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
):
    temporary = workshop.folder / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    begun, may_end = workshop.folder / "begun", workshop.folder / "may_end"
    hang = f"import time; open({str(begun)!r}, 'w').close()"
    waits = f"while not os.path.exists({str(may_end)!r}): time.sleep(0.01)"
    standin = make_standin(workshop.folder, tts=f"{hang}\n        {waits}")
    settings = settings_for(standin, write_recording(workshop.folder / "voice.wav"))
    words = (
        "tts=cosyvoice",
        "num_clip=1",
        f"tts.text={settings.text}",
        f"tts.prompt_audio={settings.prompt_audio}",
        f"tts.prompt_text={settings.prompt_text}",
        f"tts.code={standin.code}",
        f"tts.weights={standin.weights}",
        f"tts.python={settings.python}",
    )
    folder = end_while(workshop, how, begun.exists, words)
    wait_until(lambda: not processes_that_name(str(temporary)))
    wait_until(lambda: not list(temporary.iterdir()))
    may_end.touch()
    finished = workshop.perform(*words)
    assert finished.folder == folder
    assert finished.record.status == "FINISHED"
    assert not workshop.strays()


@ENDS
def test_a_run_that_ends_while_its_prompt_is_extended_asks_again(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
):
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    with serving(say(200, "")) as service:
        words = ("prompt_extend=dashscope", "prompt=a woman speaks", "num_clip=1", f"prompt_extend.url={service.url}")
        service.acts[:] = [service.hang]
        folder = end_while(workshop, how, lambda: service.asked, words)
        service.acts[:] = [answer_parts(CHINESE)]
        finished = workshop.perform(*words)
    assert finished.folder == folder
    assert finished.record.prepared["prompt"]["text"] == CHINESE
    assert not workshop.strays()


@ENDS
def test_a_run_that_ends_while_poses_are_taken_takes_them_again(workshop: Workshop, how: signal.Signals):
    pictures = [draw_people([SOMEBODY.moved(index % 20)]) for index in range(60)]
    words = (
        "pose=extract",
        "num_clip=1",
        "infer_frames=48",
        f"pose.path={write_video(workshop.folder / 'dance.mp4', pictures)}",
        f"pose.detector={write_detector(workshop.folder / 'detector.onnx')}",
        f"pose.estimator={write_estimator(workshop.folder / 'estimator.onnx')}",
    )
    # Something is in it: a signal between its opening and its first byte leaves it empty, for the next attempt.
    folder = end_while(workshop, how, lambda: any(map(size_of, workshop.outputs.glob("runs/*/*/.poses*"))), words)
    finished = workshop.perform(*words)
    assert finished.folder == folder
    assert (folder / "poses.mp4").is_file()
    assert "extract poses" in finished.record.attempts[-1].stages
    assert not workshop.strays()

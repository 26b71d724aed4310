"""What is done when the device has too little memory. The error is PyTorch's own, raised where it would be."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from s2v_runner import production
from s2v_runner.cli import main
from s2v_runner.generation import generate
from s2v_runner.sampling.clips import ClipEnd
from tests.runs import Workshop


class Shortage:
    """Lets a generation run out of memory, the first times that it is asked for, after its first clip."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.memory: list[str] = []
        self.resumed: list[int] = []

    def __call__(self, request: Any, engine: Any, watch: Any, resume: Any, cache: Any) -> Iterator[Any]:
        self.memory.append(engine.settings.memory)
        self.resumed.append(0 if resume is None else resume.next_clip)
        for part in generate(request, engine, watch, resume, cache):
            yield part
            if isinstance(part, ClipEnd) and self.left:
                self.left -= 1
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB\nand more")


def shorten(monkeypatch: pytest.MonkeyPatch, times: int) -> Shortage:
    shortage = Shortage(times)
    monkeypatch.setattr(production, "generate", shortage)
    return shortage


def test_auto_goes_on_once_with_less_and_takes_up_what_was_finished(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    whole = workshop.perform().record.frames
    shortage = shorten(monkeypatch, times=1)
    made = workshop.perform("resume=force").record
    assert made.status == "FINISHED"
    assert (shortage.memory, shortage.resumed) == (["resident", "offload"], [0, 1])
    assert made.frames == whole
    assert "It goes on with memory=offload" in capsys.readouterr().err
    assert made.plan["placement"]["memory"] == "offload"
    assert made.resolved["memory"]["mode"] == "offload"
    assert any("memory=resident (CUDA out of memory. Tried to allocate 20.00 GiB)" in said for said in made.warnings)


def test_it_goes_on_once_and_not_twice(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    shortage = shorten(monkeypatch, times=2)
    assert main([*workshop.settings]) == 1
    assert shortage.memory == ["resident", "offload"]
    assert "Try memory=stream, a smaller size or fewer infer_frames" in capsys.readouterr().err
    assert workshop.only_record().status == "FAILED"


@pytest.mark.parametrize(("memory", "advice"), [("resident", "memory=offload, a smaller"), ("offload", "a smaller")])
def test_a_mode_that_was_asked_for_is_kept(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], memory: str, advice: str
):
    shortage = shorten(monkeypatch, times=1)
    assert main([*workshop.settings, f"memory={memory}"]) == 1
    assert len(shortage.memory) == 1
    assert advice in capsys.readouterr().err

"""Real models of the families, tiny and of random weights."""

import gc
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers.utils import logging

from s2v_runner.inputs.prompt import writing
from s2v_runner.inputs.prompt.folder import QwenFolder, find_qwen
from s2v_runner.inputs.prompt.settings import ExtensionError
from s2v_runner.inputs.prompt.writing import Sampling, write
from tests.inputs.prompt.qwen_models import write_text_model, write_vision_model

SAMPLING = Sampling(seed=3, max_tokens=12, patience=30.0, device="cpu")
SENTENCE = "A woman speaks to the camera."
RED, BLUE = Image.new("RGB", (64, 64), "red"), Image.new("RGB", (64, 64), "blue")


@pytest.fixture(scope="module")
def text_model(tmp_path_factory: pytest.TempPathFactory) -> QwenFolder:
    folder = tmp_path_factory.mktemp("text")
    write_text_model(folder)
    return find_qwen(str(folder), False)


@pytest.fixture(scope="module", params=["qwen2_5_vl", "qwen3_vl"])
def vision_model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> QwenFolder:
    folder = tmp_path_factory.mktemp("vision")
    write_vision_model(folder, kind=request.param)
    return find_qwen(str(folder), True)


def test_the_seed_decides_what_is_written(text_model: QwenFolder):
    first = write(text_model, "Rewrite.", "a woman", None, SAMPLING)
    assert write(text_model, "Rewrite.", "a woman", None, SAMPLING) == first
    assert write(text_model, "Rewrite.", "a woman", None, replace(SAMPLING, seed=4)).text != first.text


def test_nobody_elses_random_numbers_change(text_model: QwenFolder):
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    write(text_model, "Rewrite.", "a woman", None, SAMPLING)
    assert torch.equal(torch.rand(3), expected)


def test_what_is_asked_is_read(text_model: QwenFolder):
    first = write(text_model, "Rewrite.", "a woman", None, SAMPLING)
    second = write(text_model, "Rewrite.", "a man", None, SAMPLING)
    assert second.text != first.text
    # Every byte is a token, of which "a man" has two fewer.
    assert first.input_tokens is not None
    assert second.input_tokens == first.input_tokens - 2


def test_an_answer_that_runs_out_of_tokens_is_known(text_model: QwenFolder):
    answer = write(text_model, "Rewrite.", "a woman", None, SAMPLING)
    assert (answer.end, answer.output_tokens) == ("tokens", 12)


def test_an_answer_that_runs_out_of_time_is_known(text_model: QwenFolder):
    answer = write(text_model, "Rewrite.", "a woman", None, replace(SAMPLING, max_tokens=100_000, patience=0.05))
    assert answer.end == "time"


@pytest.mark.parametrize("kind", ["qwen2", "qwen3"])
def test_an_answer_that_comes_to_its_end_is_whole_and_without_marks(kind: str, tmp_path: Path):
    write_text_model(tmp_path, SENTENCE, kind)
    answer = write(find_qwen(str(tmp_path), False), "Rewrite.", "a woman", None, SAMPLING)
    assert (answer.text, answer.end, answer.output_tokens) == (SENTENCE, "whole", 2)


def test_models_are_told_not_to_think(text_model: QwenFolder):
    answer = write(text_model, "R", "w", None, SAMPLING)
    # The template opens a thought, of eight bytes, where it is not told otherwise.
    told = "<|im_start|>system\nR<|im_end|>\n<|im_start|>user\nw<|im_end|>\n<|im_start|>assistant\n"
    marks = sum(told.count(mark) for mark in ("<|im_start|>", "<|im_end|>"))
    assert answer.input_tokens == marks + len(told.replace("<|im_start|>", "").replace("<|im_end|>", ""))


def test_a_picture_is_seen(vision_model: QwenFolder):
    red, blue, none = (write(vision_model, "Rewrite.", "a woman", picture, SAMPLING) for picture in (RED, BLUE, None))
    assert len({red.text, blue.text, none.text}) == 3
    assert red.input_tokens is not None
    # 4 places for a picture of 64 × 64 pixels, made 56 × 56 where patches have 14; and a mark on either side.
    assert red.input_tokens == (none.input_tokens or 0) + 4 + 2


def test_a_wide_picture_has_more_places(vision_model: QwenFolder):
    square = write(vision_model, "Rewrite.", "a woman", RED, SAMPLING)
    wide = write(vision_model, "Rewrite.", "a woman", Image.new("RGB", (200, 64)), SAMPLING)
    assert (wide.input_tokens or 0) > (square.input_tokens or 0)


def loads(monkeypatch: pytest.MonkeyPatch, spoil: Any = None) -> list[weakref.ref[Any]]:
    """What `write` loads from now on, without holding it."""
    known: list[weakref.ref[Any]] = []
    load = writing._load

    def remember(*arguments: Any) -> Any:
        model = load(*arguments)
        known.extend([weakref.ref(model), *(weakref.ref(weight) for weight in model.parameters())])
        if spoil is not None:
            spoil(model)
        return model

    monkeypatch.setattr(writing, "_load", remember)
    return known


def test_nothing_of_the_model_is_left(text_model: QwenFolder, monkeypatch: pytest.MonkeyPatch):
    known = loads(monkeypatch)
    write(text_model, "Rewrite.", "a woman", None, SAMPLING)
    assert len(known) > 10
    assert not any(reference() is not None for reference in known)


@pytest.mark.parametrize("error", [RuntimeError("it broke\nand how"), torch.OutOfMemoryError("no more")])
def test_nothing_of_a_model_that_fails_is_left_and_why_is_said_in_a_line(
    text_model: QwenFolder, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    def spoil(model: Any) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise error

        model.lm_head.forward = fail

    known = loads(monkeypatch, spoil)
    with pytest.raises(ExtensionError, match=r"it broke and how|memory is too small") as caught:
        write(text_model, "Rewrite.", "a woman", None, SAMPLING)
    assert str(caught.value).isprintable()
    error.__traceback__ = None
    gc.collect()
    assert not any(reference() is not None for reference in known)


def test_an_interruption_passes_and_frees_the_model(text_model: QwenFolder, monkeypatch: pytest.MonkeyPatch):
    def spoil(model: Any) -> None:
        def interrupt(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        model.lm_head.forward = interrupt

    known = loads(monkeypatch, spoil)
    state = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        write(text_model, "Rewrite.", "a woman", None, SAMPLING)
    assert torch.equal(torch.get_rng_state(), state)
    gc.collect()
    assert not any(reference() is not None for reference in known)


def test_transformers_says_nothing_meanwhile_and_what_it_wants_afterwards(
    text_model: QwenFolder, capfd: pytest.CaptureFixture[str]
):
    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    write(text_model, "Rewrite.", "a woman", None, SAMPLING)
    assert capfd.readouterr() == ("", "")
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_weights_that_are_missing_are_named(tmp_path: Path):
    write_text_model(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ExtensionError, match=r"it lacks 'model\.layers\.1\.mlp\.up_proj\.weight'"):
        write(find_qwen(str(tmp_path), False), "Rewrite.", "a woman", None, SAMPLING)


def test_weights_of_another_shape_are_named(tmp_path: Path):
    write_text_model(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    weights["model.norm.weight"] = torch.ones(5)
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ExtensionError, match=r"other sizes than 'model\.norm\.weight'"):
        write(find_qwen(str(tmp_path), False), "Rewrite.", "a woman", None, SAMPLING)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "chat_template.jinja"])
def test_a_damaged_file_is_said_in_a_line(name: str, tmp_path: Path):
    write_text_model(tmp_path)
    (tmp_path / name).write_bytes(b"{% damaged")
    with pytest.raises(ExtensionError, match="cannot be loaded or run") as caught:
        write(find_qwen(str(tmp_path), False), "Rewrite.", "a woman", None, SAMPLING)
    assert str(caught.value).isprintable()


def test_a_template_without_a_place_for_pictures_is_said(tmp_path: Path):
    write_vision_model(tmp_path)
    (tmp_path / "chat_template.jinja").write_text("{{ messages[1].content[1].text }}\n")
    with pytest.raises(ExtensionError, match="no place for a picture"):
        write(find_qwen(str(tmp_path), True), "Rewrite.", "a woman", RED, SAMPLING)


def test_a_gpu_that_is_not_there_is_said(text_model: QwenFolder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ExtensionError, match="there is no GPU"):
        write(text_model, "Rewrite.", "a woman", None, replace(SAMPLING, device="cuda:0"))


@pytest.mark.parametrize(
    ("stored", "loaded"),
    [(torch.bfloat16, torch.bfloat16), (torch.float16, torch.float32), (torch.float32, torch.float32)],
)
def test_on_the_cpu_weights_are_bfloat16_or_float32(
    stored: torch.dtype, loaded: torch.dtype, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_text_model(tmp_path)
    weights = {name: weight.to(stored) for name, weight in load_file(tmp_path / "model.safetensors").items()}
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    config = (tmp_path / "config.json").read_text().replace('"float32"', f'"{str(stored).removeprefix("torch.")}"')
    (tmp_path / "config.json").write_text(config)
    found: list[torch.dtype] = []
    loads(monkeypatch, lambda model: found.append(model.dtype))
    write(find_qwen(str(tmp_path), False), "Rewrite.", "a woman", None, SAMPLING)
    assert found == [loaded]

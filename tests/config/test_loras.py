"""The text of `model.loras`."""

from pathlib import Path

import pytest

from s2v_runner.config.loras import LoraChoice, parse_loras, place_loras, write_loras
from s2v_runner.errors import InputError


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("a.safetensors", [("a.safetensors", 1.0)]),
        ("a.safetensors:0.8", [("a.safetensors", 0.8)]),
        (
            "my loras/a.safetensors:-1+/b/c++/b.v2.safetensors",
            [("my loras/a.safetensors", -1.0), ("/b/c++/b.v2.safetensors", 1.0)],
        ),
        (" a.safetensors : 1e-1 + b.safetensors:0 ", [("a.safetensors", 0.1), ("b.safetensors", 0.0)]),
        ("a.safetensors.old/b.safetensors:2", [("a.safetensors.old/b.safetensors", 2.0)]),
        ("a:b.safetensors", [("a:b.safetensors", 1.0)]),
    ],
)
def test_files_have_scales(text: str, choices: list[tuple[str, float]]):
    expected = tuple(LoraChoice(Path(path), scale) for path, scale in choices)
    assert parse_loras(text) == expected
    assert parse_loras(write_loras(expected)) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "'' is no .safetensors file"),
        ("a.pt:0.8", "'a.pt:0.8' is no .safetensors file"),
        ("a.safetensors:0.8+b.pt", "'b.pt' is no .safetensors file"),
        ("a.safetensors*0.8", "is no .safetensors file"),
        ("a.safetensors:strong", "'strong' is no scale"),
        ("a.safetensors:0,8", "'0,8' is no scale"),
        ("a.safetensors:", "'' is no scale"),
        ("a.safetensors:nan", "'nan' is no scale"),
        ("a.safetensors:inf", "'inf' is no scale"),
        ("a.safetensors+a.safetensors:2", "'a.safetensors' is there twice"),
    ],
)
def test_what_is_wrong_is_said(text: str, words: str):
    with pytest.raises(InputError) as refused:
        parse_loras(text)
    assert words in str(refused.value)
    assert f"model.loras={text}" in str(refused.value)


def test_paths_may_be_relative_to_a_folder():
    text = "a.safetensors:0.8+/far/b.safetensors"
    assert parse_loras(place_loras(text, Path("/lists"))) == parse_loras("/lists/a.safetensors:0.8+/far/b.safetensors")

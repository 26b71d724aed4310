"""Lists of inputs."""

import json
from pathlib import Path

import pytest

from s2v_runner.config.rows import read_rows
from s2v_runner.errors import InputError


def write(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_a_row_is_a_run_and_a_column_a_setting(tmp_path: Path):
    path = write(
        tmp_path,
        "people.csv",
        "\ufeffname,image,audio,prompt,sampler.steps\n"
        'Anna,anna.png,/far/anna.wav,"She speaks, ""gently""",10\n'
        "\n"
        "Béla,béla.png,speech/b.wav,,\n",
    )
    anna, bela = read_rows(path)
    assert anna.words == (
        f"image={tmp_path}/anna.png",
        "audio.path=/far/anna.wav",
        'prompt=She speaks, "gently"',
        "sampler.steps=10",
    )
    assert bela.words == (f"image={tmp_path}/béla.png", f"audio.path={tmp_path}/speech/b.wav")
    assert (anna.name, bela.name) == ("Anna", "Béla")
    assert bela.place == f"{path}, line 4"


def test_loras_lie_beside_the_list_too(tmp_path: Path):
    path = write(tmp_path, "people.csv", "model.loras\na.safetensors:0.5+/far/b.safetensors\nnull\n")
    some, none = read_rows(path)
    assert some.words == (f"model.loras={tmp_path}/a.safetensors:0.5+/far/b.safetensors:1.0",)
    assert none.words == ("model.loras=null",)


def test_the_same_in_jsonl(tmp_path: Path):
    rows = [
        {"name": "a", "image": "a.png", "audio": {"path": "a.wav"}, "sampler": {"steps": 10}, "negative_prompt": ""},
        {"name": "b", "image": "b.png", "start_from_ref": True, "num_clip": None, "pose_video": "dance.mp4"},
    ]
    path = write(tmp_path, "people.jsonl", "\n".join(map(json.dumps, rows)) + "\n\n")
    first, second = read_rows(path)
    assert first.words == (
        f"image={tmp_path}/a.png",
        f"audio.path={tmp_path}/a.wav",
        "sampler.steps=10",
        "negative_prompt=",
    )
    assert second.words == (
        f"image={tmp_path}/b.png",
        "start_from_ref=true",
        "num_clip=null",
        "pose=video",
        f"pose.path={tmp_path}/dance.mp4",
    )


def test_a_quoted_cell_may_have_several_lines(tmp_path: Path):
    path = write(tmp_path, "list.csv", 'name,prompt\na,"one\ntwo"\nb,three\n')
    assert [row.words for row in read_rows(path)] == [("prompt=one\ntwo",), ("prompt=three",)]


def test_tabs_separate_as_well(tmp_path: Path):
    (row,) = read_rows(write(tmp_path, "list.tsv", "name\tprompt\na\tone, two\n"))
    assert row.words == ("prompt=one, two",)


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        (["a.png,s.wav", "b.png,s.wav"], ["a", "b"]),
        (["a.png,s.wav", "a.png,t.wav"], ["s", "t"]),
        (["a.png,s.wav", "a.png,t.wav", "b.png,s.wav"], ["a s", "a t", "b s"]),
        (["a.png,s.wav", "a.png,s.wav"], ["row 1", "row 2"]),
    ],
)
def test_rows_without_names_are_called_by_what_tells_them_apart(tmp_path: Path, rows: list[str], names: list[str]):
    path = write(tmp_path, "list.csv", "\n".join(["image,audio", *rows]))
    assert [row.name for row in read_rows(path)] == names


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("list.xlsx", "", "it is no list that can be read. Give a .csv"),
        ("list.csv", "", "there is no row in it"),
        ("list.csv", "image,audio\n", "there is no row in it"),
        ("list.csv", "image,,audio\na,b,c\n", "column 2 has no name"),
        ("list.csv", "image,image\na,b\n", "column 'image' is there twice"),
        ("list.csv", "prompt\none, two\n", r"line 2: it has 2 cells for 1 columns. Put quotes"),
        ("list.csv", "name,prompt\na,one\na,two\n", "two rows have the name 'a'"),
        ("list.jsonl", '{"image": "a.png"}\n{"image": \n', r"line 2: it is no JSON"),
        ("list.jsonl", "[1]\n", "line 1: it is no object"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, name: str, content: str, said: str):
    with pytest.raises(InputError, match=said) as error:
        read_rows(write(tmp_path, name, content))
    assert name in str(error.value)


def test_a_list_that_is_not_there(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be read"):
        read_rows(tmp_path / "nothing.csv")

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from s2v_runner.errors import InputError
from s2v_runner.inputs.prompt.folder import find_qwen
from tests.inputs.prompt.qwen_models import write_text_model, write_vision_model


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """By whether they see."""
    folders = {sees: tmp_path_factory.mktemp("models") / name for sees, name in ((False, "text"), (True, "vision"))}
    write_text_model(folders[False])
    write_vision_model(folders[True])
    return folders


@pytest.fixture
def folder(written: dict[bool, Path], tmp_path: Path) -> Path:
    """A text model to spoil."""
    return copy(written[False], tmp_path / "qwen")


def copy(folder: Path, target: Path) -> Path:
    target.mkdir()
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


def refused(model: str | None, wants_sight: bool = False) -> str:
    with pytest.raises(InputError) as caught:
        find_qwen(model, wants_sight)
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize("sees", [False, True])
def test_a_model_is_found_with_what_it_can_do(written: dict[bool, Path], sees: bool):
    found = find_qwen(str(written[sees]), True)
    assert (found.sees, found.name, found.dtype) == (sees, written[sees].name, "float32")
    assert [path.name for path in found.weights] == ["model.safetensors"]


def test_a_folder_is_needed():
    assert "hf download Qwen/Qwen2.5-14B-Instruct --local-dir Qwen2.5-14B-Instruct" in refused(None)
    assert "hf download Qwen/Qwen2.5-VL-7B-Instruct --local-dir Qwen2.5-VL-7B-Instruct" in refused(None, True)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("Qwen2.5_3B", "Qwen/Qwen2.5-3B-Instruct"),
        ("Qwen2.5_14B", "Qwen/Qwen2.5-14B-Instruct"),
        ("QwenVL2.5_7B", "Qwen/Qwen2.5-VL-7B-Instruct"),
        ("Qwen/Qwen3-8B", "Qwen/Qwen3-8B"),
        ("no/such/folder", "Qwen/Qwen2.5-14B-Instruct"),
    ],
)
def test_a_name_is_answered_with_how_to_fetch_it(model: str, name: str):
    message = refused(model)
    assert f"prompt_extend.model '{model}': there is no such folder" in message
    assert f"hf download {name} --local-dir {name.partition('/')[2]}, and give prompt_extend.model=" in message


def test_a_file_is_no_folder(folder: Path):
    assert "it is a file, not the folder of a model" in refused(str(folder / "config.json"))


@pytest.mark.parametrize("model", ["x" * 5000, "a\nfolder", "~nobody-of-that-name/qwen"])
def test_a_path_that_no_system_has_is_refused_in_a_line(model: str):
    message = refused(model)
    assert "cannot be looked into" in message or "no such folder" in message
    assert len(message) < 600


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "tokenizer.json", "model.safetensors"])
def test_what_is_missing_is_named(folder: Path, name: str):
    (folder / name).unlink()
    assert f"it lacks {name}" in refused(str(folder))


def test_a_model_that_sees_needs_to_know_how_pictures_are_cut(written: dict[bool, Path], tmp_path: Path):
    folder = copy(written[True], tmp_path / "qwen")
    (folder / "preprocessor_config.json").unlink()
    assert "it lacks preprocessor_config.json" in refused(str(folder))


def test_a_model_that_cannot_converse_is_refused(folder: Path):
    (folder / "chat_template.jinja").unlink()
    message = refused(str(folder))
    assert "it lacks chat_template.jinja" in message
    assert "Instruct" in message


def test_a_template_may_be_with_the_tokenizer(folder: Path):
    template = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").unlink()
    change(folder / "tokenizer_config.json", chat_template=template)
    assert find_qwen(str(folder), False).path == folder


def test_weights_may_be_in_shards_and_all_are_needed(folder: Path):
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    assert "it lacks model-00002-of-00002.safetensors" in refused(str(folder))
    (folder / "model-00002-of-00002.safetensors").write_bytes(b"")
    assert len(find_qwen(str(folder), False).weights) == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", "{"),
        ("config.json", "[]"),
        ("config.json", "\ufeff"),
        ("tokenizer_config.json", "nothing"),
        ("model.safetensors.index.json", "{}"),
        ("model.safetensors.index.json", '{"weight_map": {"a": 1}}'),
    ],
)
def test_a_damaged_file_is_named(folder: Path, name: str, content: str):
    (folder / name).write_text(content)
    assert name in refused(str(folder))


@pytest.mark.parametrize("kind", ["llama", "umt5", None])
def test_other_models_are_refused(folder: Path, kind: str | None):
    change(folder / "config.json", model_type=kind)
    assert f"it is a model of the type '{kind}'" in refused(str(folder))


def test_quantised_weights_are_refused(folder: Path):
    change(folder / "config.json", quantization_config={"quant_method": "awq"})
    assert "quantised" in refused(str(folder))


def test_a_model_is_known_by_what_is_in_it(folder: Path, tmp_path: Path):
    def digest_of(path: Path) -> str:
        return find_qwen(str(path), False).digest()

    before = digest_of(folder)
    assert digest_of(copy(folder, tmp_path / "elsewhere")) == before
    changes: list[Callable[[Path], object]] = [
        lambda path: change(path / "generation_config.json", temperature=0.1),
        lambda path: (path / "chat_template.jinja").write_text("{{ messages }}"),
        lambda path: (path / "model.safetensors").write_bytes(b"x" + (path / "model.safetensors").read_bytes()[1:]),
    ]
    for number, spoil in enumerate(changes):
        other = copy(folder, tmp_path / f"other{number}")
        spoil(other)
        assert digest_of(other) != before


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))

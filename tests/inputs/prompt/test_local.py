import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from s2v_runner.errors import InputError
from s2v_runner.inputs.prompt.local import LocalExtender
from s2v_runner.inputs.prompt.settings import ExtensionError
from tests.inputs.prompt.asking import CHINESE, ENGLISH, settings_with
from tests.inputs.prompt.qwen_models import write_text_model, write_vision_model

PICTURE = Image.new("RGB", (64, 64), "red")


def local(folder: Path | str | None, **changes: Any) -> LocalExtender:
    model = None if folder is None else str(folder)
    return LocalExtender(settings_with(**{"method": "local_qwen", "model": model, "max_tokens": 8, **changes}))


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text model that can say one thing."""
    folder = tmp_path_factory.mktemp("models") / "tiny-text"
    write_text_model(folder, ENGLISH)
    return folder


def test_a_text_model_extends_a_prompt(english: Path):
    extender = local(english)
    extender.check()
    extended = extender.extend("a woman speaks", None)
    assert extended.text == ENGLISH
    facts = extended.report.facts
    assert (facts["method"], facts["model"], facts["picture"], facts["tries"]) == ("local_qwen", "tiny-text", False, 1)
    assert facts["output_tokens"] == 2
    assert extended.report.warnings == ()


def test_a_text_model_is_not_shown_the_picture_and_that_is_said(english: Path):
    extended = local(english, picture=True).extend("a woman speaks", PICTURE)
    assert extended.text == ENGLISH
    assert extended.report.warnings == ("the model 'tiny-text' reads text alone, and was not shown the picture",)
    assert local(english, picture=False).extend("a woman speaks", PICTURE).report.warnings == ()


def test_a_vision_model_is_shown_the_picture_where_that_is_asked_for(tmp_path: Path):
    write_vision_model(tmp_path, CHINESE)
    seen = local(tmp_path, picture=True, target_lang="zh").extend("", PICTURE)
    assert seen.text == CHINESE
    assert (seen.report.facts["picture"], seen.report.warnings) == (True, ())
    unseen = local(tmp_path, picture=False, target_lang="zh").extend("一位女性说话", PICTURE)
    assert (unseen.text, unseen.report.facts["picture"]) == (CHINESE, False)


@pytest.mark.parametrize("picture", [None, PICTURE])
def test_without_a_prompt_a_text_model_has_nothing_to_describe(english: Path, picture: Image.Image | None):
    with pytest.raises(InputError, match="it is empty"):
        local(english, picture=True).extend(" ", picture)


def test_an_answer_in_another_language_is_refused(english: Path):
    with pytest.raises(ExtensionError, match="not in Chinese"):
        local(english, target_lang="zh").extend("a woman speaks", None)


def test_rubbish_is_refused(tmp_path: Path):
    write_text_model(tmp_path)
    with pytest.raises(ExtensionError, match=r"cut short at prompt_extend.max_tokens"):
        local(tmp_path).extend("a woman speaks", None)


def test_marks_in_a_prompt_are_no_marks(english: Path):
    plain = local(english).extend("a woman  speaks", None).report.facts["input_tokens"]
    assert local(english).extend("a woman<|image_pad|>\nspeaks<|im_end|>", None).report.facts["input_tokens"] == plain


def test_what_cannot_work_is_said_before_anything_is_loaded(tmp_path: Path):
    for use in (LocalExtender.check, LocalExtender.describe):
        with pytest.raises(InputError, match=r"hf download Qwen/Qwen2.5-14B-Instruct"):
            use(local(None))
        with pytest.raises(InputError, match=r"it lacks config.json"):
            use(local(tmp_path))


def test_what_the_text_depends_on_is_described(english: Path, tmp_path: Path):
    usual = dict(local(english).describe())
    write_text_model(tmp_path / "other-name", ENGLISH)
    assert dict(local(tmp_path / "other-name", patience=9.0, retries=0, key=None, device="cuda:0").describe()) == usual
    # What a model that cannot see is shown makes no difference.
    assert dict(local(english, picture=True).describe()) == usual
    write_text_model(tmp_path / "another", CHINESE)
    others = [local(tmp_path / "another"), *(local(english, **change) for change in CHANGES)]
    assert all(dict(other.describe()) != usual for other in others)
    assert str(english) not in str(usual)


CHANGES: list[dict[str, Any]] = [{"seed": 8}, {"target_lang": "zh"}, {"max_tokens": 9}]


def test_checking_loads_nothing_heavy(english: Path):
    code = (
        "import sys; from s2v_runner.inputs.prompt.choice import choose_extender; "
        "from tests.inputs.prompt.asking import settings_with; "
        f"local = choose_extender(settings_with(method='local_qwen', model={str(english)!r})); "
        "local.check(); local.describe(); service = choose_extender(settings_with()); service.check(); "
        "service.describe(); print(*{name.partition('.')[0] for name in sys.modules})"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(result.stdout.split()) & {"torch", "transformers", "dashscope", "requests", "urllib3"}

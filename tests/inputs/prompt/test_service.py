"""Against a server of the tests' own, which speaks the protocol of DashScope."""

import base64
import importlib.util
import io
import logging
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from s2v_runner.errors import InputError
from s2v_runner.inputs.prompt.service import DashScopeExtender
from s2v_runner.inputs.prompt.system_prompts import system_prompt, user_message
from tests.inputs.prompt.asking import CHINESE, ENGLISH, KEY, settings_with
from tests.inputs.prompt.loopback import (
    answer_parts,
    answer_text,
    say,
    serving,
)
from tests.inputs.prompt.questions import PROMPT, THROTTLED, extend, fail


def test_a_text_model_is_asked_for_a_prompt():
    with serving(answer_text(ENGLISH)) as service:
        extended = extend(service)
    assert extended.text == ENGLISH
    (asked,) = service.asked
    assert asked.path == "/api/v1/services/aigc/text-generation/generation"
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert asked.body["model"] == "qwen-plus"
    assert asked.body["input"]["messages"] == [
        {"role": "system", "content": system_prompt("en", False)},
        {"role": "user", "content": user_message(PROMPT, "en", False)},
    ]
    assert asked.body["parameters"] == {
        "seed": 7,
        "max_tokens": 256,
        "result_format": "message",
        "enable_thinking": False,
    }


def test_the_report_says_what_was_asked_and_what_it_took():
    with serving(THROTTLED, answer_text(ENGLISH)) as service:
        report = extend(service).report
    facts = dict(report.facts)
    assert 0 < float(facts.pop("seconds") or 0) < 5
    assert facts == {
        "method": "dashscope",
        "model": "qwen-plus",
        "target_lang": "en",
        "picture": False,
        "seed": 7,
        "tries": 2,
        "input_tokens": 321,
        "output_tokens": 45,
    }
    assert report.words.startswith("extended by qwen-plus, without the picture: 3 → ")
    assert report.warnings == ()


def test_a_vision_model_is_shown_the_picture_in_the_request_itself():
    picture = Image.new("RGBA", (3000, 1500), (200, 30, 30, 255))
    with serving(answer_parts(CHINESE)) as service:
        settings = settings_with(url=service.url, picture=True, target_lang="zh")
        extended = DashScopeExtender(settings, time.sleep).extend(PROMPT, picture)
    assert extended.text == CHINESE
    assert extended.report.facts["picture"] is True
    (asked,) = service.asked
    assert asked.path == "/api/v1/services/aigc/multimodal-generation/generation"
    assert asked.body["model"] == "qwen-vl-max"
    system, user = asked.body["input"]["messages"]
    assert system == {"role": "system", "content": [{"text": system_prompt("zh", True)}]}
    assert user["content"][1] == {"text": user_message(PROMPT, "zh", True)}
    kind, _, content = user["content"][0]["image"].partition(",")
    assert kind == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as shown:
        assert (shown.size, shown.mode) == ((1024, 512), "RGB")


def test_a_prompt_is_not_needed_where_there_is_a_picture():
    with serving(answer_parts(ENGLISH)) as service:
        settings = settings_with(url=service.url, picture=True)
        DashScopeExtender(settings, time.sleep).extend(" \n", Image.new("RGB", (64, 64)))
    assert service.asked[0].body["input"]["messages"][1]["content"][1] == {"text": user_message("", "en", True)}


def test_without_a_prompt_and_a_picture_nothing_is_asked():
    with serving(answer_text(ENGLISH)) as service, pytest.raises(InputError, match="it is empty"):
        DashScopeExtender(settings_with(url=service.url), time.sleep).extend("  ", Image.new("RGB", (64, 64)))
    assert service.asked == []


def test_a_text_model_is_not_shown_the_picture_and_that_is_said():
    with serving(answer_text(ENGLISH)) as service:
        settings = settings_with(url=service.url, picture=True, model="qwen-max")
        extended = DashScopeExtender(settings, time.sleep).extend(PROMPT, Image.new("RGB", (64, 64)))
    assert extended.report.warnings == ("the model 'qwen-max' reads text alone, and was not shown the picture",)
    assert service.asked[0].path.endswith("/text-generation/generation")


@pytest.mark.parametrize(
    "model", ["qwen-vl-max", "qwen3-vl-plus", "qwen2.5-vl-72b-instruct", "qvq-max", "qwen3.5-plus"]
)
def test_models_that_see_are_asked_where_they_are_even_without_a_picture(model: str):
    with serving(answer_parts(ENGLISH)) as service:
        extend(service, model=model)
    assert service.asked[0].path.endswith("/multimodal-generation/generation")
    assert service.asked[0].body["input"]["messages"][1]["content"] == [{"text": user_message(PROMPT, "en", False)}]


def test_a_prompt_that_names_a_file_is_not_taken_for_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    secret = tmp_path / "secret.txt"
    secret.write_text("what nobody should see")
    monkeypatch.chdir(tmp_path)
    for prompt in ("secret.txt", f"file://{secret}", "oss://bucket/secret.txt"):
        with serving(answer_parts(ENGLISH)) as service:
            DashScopeExtender(settings_with(url=service.url, model="qwen-vl-max"), time.sleep).extend(prompt, None)
        assert len(service.asked) == 1
        assert prompt in service.asked[0].body["input"]["messages"][1]["content"][0]["text"]
        assert "X-DashScope-OssResourceResolve" not in service.asked[0].headers


def test_proxies_of_the_environment_are_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch):
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with serving(answer_text(ENGLISH)) as service:
        assert extend(service).text == ENGLISH


def test_no_other_key_is_sent_than_the_one_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    import dashscope

    monkeypatch.setattr(dashscope, "api_key", "sk-of-somebody-else")
    with serving(answer_text(ENGLISH)) as service:
        extend(service)
    assert service.asked[0].headers["Authorization"] == f"Bearer {KEY}"
    assert dashscope.api_key == "sk-of-somebody-else"


def test_an_interruption_passes_through():
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with serving(THROTTLED) as service, pytest.raises(KeyboardInterrupt):
        DashScopeExtender(settings_with(url=service.url), interrupt).extend(PROMPT, None)


def test_the_client_logs_nothing(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch):
    caplog.set_level(logging.DEBUG)
    fail(say(200, "this is no JSON"))
    assert [record for record in caplog.records if record.name == "dashscope"] == []
    assert not logging.getLogger("dashscope").disabled


def test_the_key_is_in_nothing_that_is_shown():
    settings = settings_with()
    extender = DashScopeExtender(settings, time.sleep)
    assert KEY not in repr(settings)
    assert KEY not in str(dict(extender.describe()))


def test_what_the_text_depends_on_is_described():
    def describe(**changes: Any) -> dict[str, Any]:
        return dict(DashScopeExtender(settings_with(**changes), time.sleep).describe())

    usual = describe()
    assert usual == describe(key="sk-other", url="https://dashscope-intl.aliyuncs.com/api/v1", retries=9, patience=1.0)
    assert usual == describe(device="cuda:0", model="qwen-plus")
    for change in ({"seed": 8}, {"target_lang": "zh"}, {"max_tokens": 99}, {"picture": True}, {"model": "qwen-max"}):
        assert describe(**change) != usual
    # What a model that cannot see is shown makes no difference.
    assert describe(model="qwen-max", picture=True) == describe(model="qwen-max")


def test_all_is_well_with_a_key():
    DashScopeExtender(settings_with(), time.sleep).check()


@pytest.mark.parametrize("key", [None, ""])
def test_a_missing_key_is_said_before_anything_is_asked(key: str | None):
    with pytest.raises(InputError, match=r"DASHSCOPE_API_KEY: .*the environment has none"):
        DashScopeExtender(settings_with(key=key), time.sleep).check()


@pytest.mark.parametrize("key", ["sk-1\n2", "sk 12", "钥匙"])
def test_a_key_that_is_none_is_refused_and_not_shown(key: str):
    with pytest.raises(InputError, match="DASHSCOPE_API_KEY: it has characters") as caught:
        DashScopeExtender(settings_with(key=key), time.sleep).check()
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "dashscope.aliyuncs.com",
        "ftp://a.b/api",
        "https://",
        "http://[::1",
        "http://a:99999/",
        "http://a b/",
        "http://me:you@a.b/",
        "http://a.b/?key=1",
        "http://a.b/\n",
    ],
)
def test_an_address_that_is_none_is_refused(url: str):
    with pytest.raises(InputError, match=r"prompt_extend\.url .*it is no address") as caught:
        DashScopeExtender(settings_with(url=url), time.sleep).check()
    assert "\n" not in str(caught.value)


def test_a_missing_client_is_said_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 's2v-runner\[dashscope\]'"):
        DashScopeExtender(settings_with(), time.sleep).check()

"""What a server may answer instead of a prompt, and what is made of it."""

import json
import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from s2v_runner.inputs.prompt.service import DashScopeExtender
from s2v_runner.inputs.prompt.settings import ExtensionError
from tests.inputs.prompt.asking import ENGLISH, KEY, settings_with
from tests.inputs.prompt.loopback import (
    Act,
    answer_text,
    hang_up,
    refuse,
    say,
    serving,
    stop_half_way,
)
from tests.inputs.prompt.questions import PROMPT, THROTTLED, extend, fail


def test_a_refused_key_is_said_at_once_and_names_the_variable():
    message, service, waits = fail(refuse(401, "InvalidApiKey", f"Incorrect API key provided: {KEY}"))
    assert "HTTP 401 (InvalidApiKey: Incorrect API key provided: …)" in message
    assert "DASHSCOPE_API_KEY" in message
    assert (len(service.asked), waits) == (1, [])


@pytest.mark.parametrize("before", range(220, 242, 7))
def test_nothing_of_a_key_is_left_where_a_long_message_is_cut(before: int):
    for act in (refuse(401, "InvalidApiKey", "x" * before + KEY), say(500, "x" * before + KEY)):
        message, _, _ = fail(act, retries=0)
        assert "xxx" in message
        assert KEY[:3] not in message


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (400, "DataInspectionFailed", "prompt_extend.model"),
        (403, "AccessDenied.Unpurchased", "DASHSCOPE_API_KEY"),
        (404, "ModelNotFound", "prompt_extend.model"),
    ],
)
def test_what_will_not_pass_is_not_tried_again(status: int, code: str, remedy: str):
    message, service, waits = fail(refuse(status, code, "It will not do."))
    assert f"HTTP {status} ({code}: It will not do)" in message
    assert remedy in message
    assert (len(service.asked), waits) == (1, [])


def test_after_an_overload_it_is_asked_again_and_waits_longer_each_time():
    waits: list[float] = []
    with serving(THROTTLED, THROTTLED, THROTTLED, answer_text(ENGLISH)) as service:
        extended = extend(service, waits, retries=3)
    assert extended.report.facts["tries"] == 4
    for number, wait in enumerate(waits):
        assert 0.5 * 2**number <= wait <= 2**number


def test_an_overload_for_good_ends_after_the_last_try():
    message, service, waits = fail(THROTTLED, retries=2)
    assert "HTTP 429 (Throttling.RateQuota: Requests rate limit exceeded), the last of 3 tries" in message
    assert (len(service.asked), len(waits)) == (3, 2)


def test_none_is_tried_again_where_no_retries_are_asked_for():
    message, service, waits = fail(THROTTLED, retries=0)
    assert "tries" not in message.partition(". ")[0]
    assert (len(service.asked), waits) == (1, [])


def test_a_service_that_says_how_long_to_wait_is_believed():
    waits: list[float] = []
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    acts = [refuse(429, "Throttling", "", Retry_After="3"), refuse(503, "Busy", "", Retry_After=soon)]
    with serving(*acts, answer_text(ENGLISH)) as service:
        extend(service, waits)
    assert waits[0] == 3
    assert 15 < waits[1] <= 20


def test_a_service_that_asks_for_an_hour_is_not_waited_for():
    message, service, waits = fail(refuse(429, "Throttling", "Later.", Retry_After="3600"))
    assert "HTTP 429" in message
    assert (len(service.asked), waits) == (1, [])


def test_a_broken_server_is_asked_again():
    with serving(refuse(500, "InternalError", "Oh."), answer_text(ENGLISH)) as service:
        assert extend(service).text == ENGLISH
    for kind in ("text/html", "application/json"):
        message, service, _ = fail(say(502, "<html><body>\nBad gateway</body></html>", kind))
        assert "HTTP 502 (a page of HTML)" in message
        assert len(service.asked) == 3


def test_a_server_that_hangs_is_left():
    with serving() as service:
        service.acts = [service.hang, answer_text(ENGLISH)]
        assert extend(service, patience=0.3).report.facts["tries"] == 2
        service.acts = [service.hang]
        began = time.monotonic()
        with pytest.raises(ExtensionError, match=r"no answer within 0\.2 s, the last of 2 tries"):
            extend(service, patience=0.2, retries=1)
        assert time.monotonic() - began < 2


def test_a_server_that_drips_is_left():
    with serving() as service:
        service.acts = [service.drip]
        began = time.monotonic()
        with pytest.raises(ExtensionError, match=r"no answer within 0\.3 s"):
            extend(service, patience=0.3, retries=0)
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("act", [stop_half_way, hang_up])
def test_a_connection_that_breaks_is_tried_again_and_counted_once(act: Act):
    with serving(act, answer_text(ENGLISH)) as service:
        assert extend(service).report.facts["tries"] == 2
    message, service, _ = fail(act, retries=1)
    assert "the connection failed" in message
    assert len(service.asked) == 2


def test_a_server_that_is_not_there_is_said():
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
    waits: list[float] = []
    settings = settings_with(url=f"http://127.0.0.1:{port}/api/v1")
    with pytest.raises(ExtensionError, match=f"127.0.0.1:{port} gave no answer: the connection failed .Connection ref"):
        DashScopeExtender(settings, waits.append).extend(PROMPT, None)
    assert len(waits) == 2


@pytest.mark.parametrize(
    "act",
    [
        say(200, "this is no JSON"),
        say(200, b"\xff\xfe\x00"),
        say(200, "<html>Please log in</html>", "text/html"),
        say(200, "null"),
        say(200, "[]"),
        say(200, "{}"),
        say(200, '{"output": null}'),
        say(200, '{"output": {"choices": []}}'),
        say(200, '{"output": {"choices": null}}'),
        say(200, '{"output": {"text": "old"}}'),
        say(200, '{"output": {"choices": [{"message": {"role": "assistant", "content": null}}]}}'),
        say(200, '{"output": {"choices": [{"message": {"role": "assistant", "content": [1]}}]}}'),
        say(200, "[" * 100_000),
        say(200, " " * (2 << 20)),
        say(400, "no JSON"),
        say(400, "[1]"),
        say(418, "", "text/plain"),
    ],
)
def test_what_is_no_answer_is_said_in_a_line_and_not_asked_for_again(act: Act):
    message, service, _ = fail(act)
    assert "is not of the form" in message or "HTTP 4" in message
    assert len(service.asked) == 1


@pytest.mark.parametrize("usage", ["null", "{}", '{"input_tokens": "many"}'])
def test_an_answer_whose_tokens_are_not_counted_is_taken_all_the_same(usage: str):
    choices = json.dumps([{"finish_reason": "stop", "message": {"role": "assistant", "content": ENGLISH}}])
    with serving(say(200, f'{{"output": {{"choices": {choices}}}, "usage": {usage}}}')) as service:
        assert extend(service).report.facts["input_tokens"] is None


def test_a_redirection_is_not_followed():
    with serving(answer_text(ENGLISH)) as elsewhere:
        act = say(307, "", Location=f"{elsewhere.url}/services/aigc/text-generation/generation")
        message, _, _ = fail(act)
        assert "HTTP 307" in message
        assert elsewhere.asked == []


def test_an_answer_that_was_cut_short_is_none():
    message, _, _ = fail(answer_text(ENGLISH, finish_reason="length"))
    assert "cut short at prompt_extend.max_tokens" in message


def test_an_empty_answer_is_none():
    message, service, _ = fail(answer_text(" \n "))
    assert "the model's answer is empty" in message
    assert len(service.asked) == 1

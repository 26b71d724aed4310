"""Prompts are extended by a Qwen model behind DashScope, through DashScope's own client."""

import importlib.util
import logging
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

from s2v_runner.errors import InputError
from s2v_runner.inputs.prompt.answer import Answer
from s2v_runner.inputs.prompt.failures import Failure, explain_status, flatten, read_wait
from s2v_runner.inputs.prompt.outcome import accept
from s2v_runner.inputs.prompt.settings import KEY_VARIABLES, ExtendedPrompt, ExtensionError, ExtensionSettings
from s2v_runner.inputs.prompt.system_prompts import digest_instructions, system_prompt, user_message
from s2v_runner.inputs.prompt.views import as_data_url
from s2v_runner.records import Value

_TEXT_MODEL = "qwen-plus"
_VISION_MODEL = "qwen-vl-max"
_ADDRESS = "https://dashscope.aliyuncs.com/api/v1"
_VISION_NAMES = re.compile(r"(?:^|[-_.\d])vl(?:[-_.]|$)|^qvq|omni|^qwen3\.[5-9]|^qwen(?:[4-9]|\d\d)", re.IGNORECASE)
"""Names of models that see. They are asked at an address of their own, whether or not there is a picture."""

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 30.0


class DashScopeExtender:
    """Asks the service, again after what may pass: an overload, a lost connection, a silence."""

    def __init__(self, settings: ExtensionSettings, pause: Callable[[float], None]) -> None:
        """pause: waits so many seconds between two tries."""
        self._settings = settings
        self._pause = pause
        self._model = settings.model or (_VISION_MODEL if settings.picture else _TEXT_MODEL)
        self._can_see = _VISION_NAMES.search(self._model) is not None
        self._sees = settings.picture and self._can_see
        self._url = settings.url or _ADDRESS

    def check(self) -> None:
        """Raises InputError where the client or the key is missing, or the address is none."""
        if importlib.util.find_spec("dashscope") is None:
            raise InputError(
                "prompt_extend=dashscope", "DashScope's client is not installed", "pip install 's2v-runner[dashscope]'"
            )
        key = self._settings.key
        if not key:
            raise InputError(
                KEY_VARIABLES[0],
                "prompt_extend=dashscope needs a key, and the environment has none",
                f"Get one from Alibaba Cloud Model Studio, and export {KEY_VARIABLES[0]}=…",
            )
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise InputError(KEY_VARIABLES[0], "it has characters in it that no key has", "Copy the key once more")
        _check_url(self._url)

    def describe(self) -> Mapping[str, Value]:
        """Names of models stand for what the service has under them at the time, and that changes."""
        language = self._settings.target_lang
        return {
            "method": self._settings.method,
            "model": self._model,
            "instructions": digest_instructions(language, self._sees),
            "target_lang": language,
            "picture": self._sees,
            "seed": self._settings.seed,
            "max_tokens": self._settings.max_tokens,
        }

    def extend(self, prompt: str, picture: Image.Image | None) -> ExtendedPrompt:
        """Raises InputError where there is nothing to describe, and ExtensionError."""
        began = time.monotonic()
        shown = picture if self._sees else None
        messages = self._write_messages(prompt, shown)
        answer, tries = self._ask(messages)
        return accept(
            prompt,
            answer,
            self._settings,
            model=self._model,
            sees=shown is not None,
            tries=tries,
            seconds=time.monotonic() - began,
            warnings=self._warn_of_blindness(picture),
        )

    def _warn_of_blindness(self, picture: Image.Image | None) -> tuple[str, ...]:
        if picture is None or not self._settings.picture or self._can_see:
            return ()
        return (f"the model '{self._model}' reads text alone, and was not shown the picture",)

    def _write_messages(self, prompt: str, picture: Image.Image | None) -> list[dict[str, Any]]:
        language, sees = self._settings.target_lang, picture is not None
        instructions, material = system_prompt(language, sees), user_message(prompt, language, sees)
        if not self._can_see:
            return [{"role": "system", "content": instructions}, {"role": "user", "content": material}]
        content = [{"text": material}] if picture is None else [{"image": as_data_url(picture)}, {"text": material}]
        return [{"role": "system", "content": [{"text": instructions}]}, {"role": "user", "content": content}]

    def _ask(self, messages: list[dict[str, Any]]) -> tuple[Answer, int]:
        """An answer, and how many tries it took. Raises ExtensionError."""
        tries = 0
        while True:
            tries += 1
            outcome = self._try_once(messages)
            if isinstance(outcome, Answer):
                return outcome, tries
            wait = self._choose_wait(outcome, tries)
            if wait is None:
                cause = outcome.cause if tries == 1 else f"{outcome.cause}, the last of {tries} tries"
                raise ExtensionError(cause, outcome.remedy)
            self._pause(wait)

    def _choose_wait(self, failure: Failure, tries: int) -> float | None:
        """Seconds until the next try; None where there is to be none."""
        if not failure.may_pass or tries > self._settings.retries:
            return None
        if failure.wait is not None:
            # Who asks for more than a try may take is not waited for.
            return failure.wait if failure.wait <= max(self._settings.patience, _LONGEST_WAIT) else None
        ceiling = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (tries - 1))
        # Many that were turned away at once must not come back at once. No seed of anybody's is touched.
        return ceiling * random.SystemRandom().uniform(0.5, 1)

    def _try_once(self, messages: list[dict[str, Any]]) -> Answer | Failure:
        # Loads requests, which a plan must not wait for.
        from s2v_runner.inputs.prompt.connection import Connection, LostConnectionError

        with Connection(self._url, self._settings.patience) as connection:
            try:
                return self._read(self._call(messages, connection))
            except LostConnectionError as error:
                remedy = "Look at the network and at prompt_extend.url, or give more prompt_extend.patience or .retries"
                return Failure(f"{self._host} gave no answer: {error}", remedy, may_pass=True, wait=None)
            except Exception as error:  # what is no answer makes the client fail in ways of its own
                received = connection.received
                if received is None or received.status_code == 200:
                    return self._explain_form(self._quote(error) or type(error).__name__)
                wait = read_wait(received.headers)
                return explain_status(self._host, received.status_code, "", self._quote(received.text), wait)

    def _call(self, messages: list[dict[str, Any]], connection: Any) -> Any:
        # DashScope's client takes a second to import.
        import dashscope

        interface: Any = dashscope.MultiModalConversation if self._can_see else dashscope.Generation
        with _silent_client():
            return interface.call(
                self._model,
                messages=messages,
                api_key=self._settings.key,
                base_address=self._url,
                session=connection,
                seed=self._settings.seed,
                max_tokens=self._settings.max_tokens,
                result_format="message",
                # Models that may think before they answer refuse to where the answer comes in one piece.
                enable_thinking=False,
            )

    def _read(self, response: Any) -> Answer | Failure:
        if response.status_code == 200:
            try:
                return _take_answer(response)
            except (KeyError, IndexError, TypeError, AttributeError):
                return self._explain_form("it has no message in it")
        code, message = self._quote(response.code or ""), self._quote(response.message or "")
        return explain_status(self._host, int(response.status_code), code, message, read_wait(response.headers or {}))

    def _explain_form(self, reason: str) -> Failure:
        cause = f"the answer of {self._host} is not of the form that DashScope's answers have ({reason.rstrip('.')})"
        remedy = f"Look at prompt_extend.url '{self._url}' and prompt_extend.model '{self._model}'"
        return Failure(cause, remedy, may_pass=False, wait=None)

    @property
    def _host(self) -> str:
        return urlsplit(self._url).netloc.rpartition("@")[2]

    def _quote(self, said: object) -> str:
        """On one line, without the key, which some services repeat; before it is cut, or half of it would stay."""
        text = str(said)
        return flatten(text.replace(self._settings.key, "…") if self._settings.key else text)


def _check_url(url: str) -> None:
    if not _is_address(url):
        raise InputError(
            f"prompt_extend.url '{flatten(url)}'",
            "it is no address of a service",
            f"Give one like {_ADDRESS}, or none",
        )


def _is_address(url: str) -> bool:
    """Whether it is one, and has nothing in it that belongs to no service's address."""
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    is_plain = not (parts.username or parts.query or parts.fragment)
    return is_whole and is_plain and url.isprintable() and " " not in url


def _take_answer(response: Any) -> Answer:
    choice = response["output"]["choices"][0]
    content = choice["message"]["content"]
    usage = response.get("usage") or {}
    return Answer(
        text=content if isinstance(content, str) else "".join(part["text"] for part in content if "text" in part),
        end="tokens" if choice.get("finish_reason") == "length" else "whole",
        input_tokens=_as_count(usage.get("input_tokens")),
        output_tokens=_as_count(usage.get("output_tokens")),
    )


def _as_count(value: Any) -> int | None:
    """None for what is no number, and for nothing, which the client has for what the service did not count."""
    return value if isinstance(value, int) and value > 0 else None


@contextmanager
def _silent_client() -> Iterator[None]:
    """The client logs every failure with its traceback, which is said here in a line."""
    logger = logging.getLogger("dashscope")
    was_disabled = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = was_disabled

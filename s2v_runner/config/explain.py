"""What pydantic says of a configuration, in words for the one who wrote it."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from s2v_runner.config.nearest import suggest
from s2v_runner.config.schema import all_keys
from s2v_runner.errors import InputError

_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "string_too_short": "text, and not empty",
    "model_type": "a group of settings",
}
_SHOWN = 5


def explain(error: ValidationError) -> InputError:
    """One error for the person, of the first key that is wrong; others are counted."""
    by_key: dict[str, list[ErrorDetails]] = {}
    for detail in error.errors():
        by_key.setdefault(_key(detail), []).append(detail)
    key, details = next(iter(by_key.items()))
    others = ", ".join(list(by_key)[1 : 1 + _SHOWN])
    problem, remedy = _describe(key, details)
    if others:
        remedy = f"{remedy} (And look at {others})"
    return InputError(_subject(key, details[0]), problem, remedy)


def _key(detail: ErrorDetails) -> str:
    """The key of the configuration; pydantic adds which member of a union it tried."""
    keys = all_keys()
    parts = [str(part) for part in detail["loc"]]
    while len(parts) > 1 and ".".join(parts) not in keys and ".".join(parts[:-1]) in keys:
        parts.pop()
    return ".".join(parts)


def _subject(key: str, detail: ErrorDetails) -> str:
    if detail["type"] in ("missing", "extra_forbidden", "unexpected_keyword_argument"):
        return key
    value = detail["input"]
    return f"{key}={json.dumps(value) if value is None or isinstance(value, bool) else value}"


def _describe(key: str, details: list[ErrorDetails]) -> tuple[str, str]:
    kinds = [detail["type"] for detail in details]
    if kinds[0] in ("extra_forbidden", "unexpected_keyword_argument"):
        return "there is no such setting", suggest(key, all_keys())
    if kinds[0] == "missing":
        return "it is missing", "Every setting of conf/ must be there"
    wanted = [_wanted(detail) for detail in details]
    problem = f"it must be {' or '.join(dict.fromkeys(wanted))}"
    return problem, _remedy(details)


def _wanted(detail: ErrorDetails) -> str:
    context: Mapping[str, Any] = detail.get("ctx", {})
    if detail["type"] == "literal_error":
        return str(context["expected"])
    if detail["type"] in ("greater_than_equal", "greater_than"):
        return f"{context.get('ge', context.get('gt'))} or more" if "ge" in context else f"more than {context['gt']}"
    if detail["type"] == "less_than_equal":
        return f"{context['le']} or less"
    return _WANTED.get(detail["type"], detail["msg"])


def _remedy(details: list[ErrorDetails]) -> str:
    (detail, *alternatives) = details
    if detail["type"] == "literal_error" and isinstance(detail["input"], str) and not alternatives:
        expected = str(detail.get("ctx", {})["expected"]).replace(" or ", ",")
        return suggest(detail["input"], [choice.strip(" '") for choice in expected.split(",")])
    return "Give such a value"

"""How a service fails, and what can be done about it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_LONGEST_EXPLANATION = 240

_REMEDIES = {
    400: (
        "Look at prompt_extend.model; a prompt or a picture that the service takes for improper must be another, "
        "and prompt_extend=none does without it"
    ),
    401: (
        "Look at the key in DASHSCOPE_API_KEY, and whether it is of the region of prompt_extend.url: keys of "
        "Singapore work at https://dashscope-intl.aliyuncs.com/api/v1"
    ),
    403: "Look at what the key in DASHSCOPE_API_KEY may do: the model must be activated, and the account in credit",
    404: "Look at prompt_extend.model and prompt_extend.url",
    429: "Start again later, or give more prompt_extend.retries",
}
_REMEDY_FOR_SERVERS = "Start again later, or give more prompt_extend.retries; prompt_extend=none does without it"
_REMEDY = "Look at prompt_extend.url"


@dataclass(frozen=True)
class Failure:
    """A try that brought nothing."""

    cause: str
    remedy: str
    may_pass: bool
    """Whether another try may do better."""
    wait: float | None
    """Seconds that the service asks to wait; None where it does not say."""


def explain_status(host: str, status: int, code: str, message: str, wait: float | None) -> Failure:
    """An answer with another status than 200. code and message: the service's own, on one line."""
    # A gateway's page has no words for a user.
    words = "a page of HTML" if message.lstrip().startswith("<") else message
    own = ": ".join(part for part in (code, words) if part and part != "Unknown")
    cause = f"{host} answered HTTP {status}" + (f" ({own.rstrip('.')})" if own else "")
    remedy = _REMEDIES.get(status, _REMEDY_FOR_SERVERS if status >= 500 else _REMEDY)
    return Failure(cause, remedy, may_pass=status == 429 or status >= 500, wait=wait)


def read_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds, from Retry-After, which has seconds or a date (RFC 9110, section 10.2.3)."""
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if re.fullmatch(r"\d{1,9}", value):
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())


def flatten(text: str) -> str:
    """On one line, printable, and not long."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    line = " ".join(line.split())
    return line if len(line) <= _LONGEST_EXPLANATION else f"{line[:_LONGEST_EXPLANATION]}…"

"""Questions to a server of the tests' own, which speaks the protocol of DashScope."""

from collections.abc import Callable
from typing import Any

import pytest

from s2v_runner.inputs.prompt.service import DashScopeExtender
from s2v_runner.inputs.prompt.settings import ExtendedPrompt, ExtensionError
from tests.inputs.prompt.asking import KEY, settings_with
from tests.inputs.prompt.loopback import (
    Act,
    Service,
    refuse,
    serving,
)

PROMPT = "a woman speaks"
THROTTLED = refuse(429, "Throttling.RateQuota", "Requests rate limit exceeded.")


def extend(service: Service, waits: list[float] | None = None, **changes: Any) -> ExtendedPrompt:
    pause: Callable[[float], None] = (waits if waits is not None else []).append
    return DashScopeExtender(settings_with(url=service.url, **changes), pause).extend(PROMPT, None)


def fail(*acts: Act, **changes: Any) -> tuple[str, Service, list[float]]:
    waits: list[float] = []
    with serving(*acts) as service, pytest.raises(ExtensionError) as caught:
        extend(service, waits, **changes)
    message = str(caught.value)
    assert "\n" not in message
    assert KEY not in message
    return message, service, waits

"""Who extends a prompt."""

import time
from collections.abc import Callable

from s2v_runner.errors import InputError
from s2v_runner.inputs.prompt.local import LocalExtender
from s2v_runner.inputs.prompt.service import DashScopeExtender
from s2v_runner.inputs.prompt.settings import Extender, ExtensionSettings
from s2v_runner.inputs.prompt.system_prompts import LANGUAGES

_METHODS: dict[str, Callable[[ExtensionSettings], Extender]] = {
    "dashscope": lambda settings: DashScopeExtender(settings, time.sleep),
    "local_qwen": LocalExtender,
}


def choose_extender(settings: ExtensionSettings) -> Extender:
    """The extender that the settings name. Raises InputError for a method or a language that there is not."""
    if settings.target_lang not in LANGUAGES:
        raise InputError(
            f"prompt_extend.target_lang '{settings.target_lang}'",
            "prompts are extended in Chinese and in English",
            "Give zh or en",
        )
    if settings.method not in _METHODS:
        raise InputError(
            f"prompt_extend.method '{settings.method}'", "there is no such method", f"Give {' or '.join(_METHODS)}"
        )
    return _METHODS[settings.method](settings)

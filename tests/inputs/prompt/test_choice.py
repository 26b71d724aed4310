import pytest

from s2v_runner.errors import InputError
from s2v_runner.inputs.prompt.choice import choose_extender
from s2v_runner.inputs.prompt.local import LocalExtender
from s2v_runner.inputs.prompt.service import DashScopeExtender
from tests.inputs.prompt.asking import settings_with


def test_the_method_says_who_extends():
    assert isinstance(choose_extender(settings_with(method="dashscope")), DashScopeExtender)
    assert isinstance(choose_extender(settings_with(method="local_qwen")), LocalExtender)


def test_a_method_that_there_is_not_is_refused():
    with pytest.raises(InputError, match=r"prompt_extend\.method 'gpt': .*Give dashscope or local_qwen"):
        choose_extender(settings_with(method="gpt"))


def test_a_language_that_there_is_not_is_refused():
    with pytest.raises(InputError, match=r"prompt_extend\.target_lang 'fr': .*Give zh or en"):
        choose_extender(settings_with(target_lang="fr"))

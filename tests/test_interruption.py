"""Signals: raised where the process is, or held back."""

import signal
from collections.abc import Callable

import pytest

from s2v_runner.interruption import Interrupted, stoppable, undisturbed

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def unless_an_error(action: Callable[[], None]) -> None:
    try:
        action()
    except Exception:
        pytest.fail("taken for an error")


def write_undisturbed(done: list[str]) -> None:
    with undisturbed():
        signal.raise_signal(signal.SIGTERM)
        done.append("written")
    done.append("never reached")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_raised_and_no_error_handler_takes_it(number: signal.Signals):
    with pytest.raises(Interrupted) as stop, stoppable():
        unless_an_error(lambda: signal.raise_signal(number))
    assert stop.value.exit_code == 128 + number
    assert stop.value.name == number.name


def test_what_must_be_finished_is_finished_first():
    done: list[str] = []
    with pytest.raises(Interrupted), stoppable():
        write_undisturbed(done)
    assert done == ["written"]


def test_handlers_are_as_before_afterwards():
    before = [signal.getsignal(number) for number in SIGNALS]
    with stoppable(), undisturbed():
        pass
    assert [signal.getsignal(number) for number in SIGNALS] == before

"""Work beside the main thread, with real files."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from s2v_runner.conveyor import Conveyor
from s2v_runner.errors import OutputError
from s2v_runner.interruption import Interrupted, stoppable

PATIENCE = 20


def append(path: Path, text: str) -> None:
    try:
        with path.open("a") as file:
            file.write(text)
    except OSError as error:
        raise OutputError(path, error) from error


def wait_for(event: threading.Event) -> None:
    assert event.wait(PATIENCE)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Keeps the conveyor busy until it is set; never for good."""
    gate = threading.Event()
    yield gate
    gate.set()


def conveyors() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "conveyor"]


def test_what_is_handed_over_is_done_in_order_and_elsewhere(tmp_path: Path):
    path, threads = tmp_path / "words", set()
    with Conveyor(3) as conveyor:
        for word in range(50):
            conveyor.hand_over(lambda word=word: append(path, f"{word}\n"))
            conveyor.hand_over(lambda: threads.add(threading.get_ident()))
        conveyor.finish()
        assert path.read_text().split() == [str(word) for word in range(50)]
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    assert not conveyors()


def test_what_comes_after_a_task_comes_in_the_main_thread_once_it_is_done(tmp_path: Path, gate: threading.Event):
    path, told = tmp_path / "word", []
    with Conveyor(3) as conveyor:
        conveyor.hand_over(lambda: wait_for(gate))
        conveyor.hand_over(
            lambda: append(path, "word"), lambda: told.append((path.read_text(), threading.current_thread()))
        )
        conveyor.look()
        assert told == []
        assert not path.exists()
        gate.set()
        conveyor.finish()
    assert told == [("word", threading.main_thread())]


def test_no_more_waits_than_may(gate: threading.Event):
    handed = []

    def hand_over_three(conveyor: Conveyor) -> None:
        for number in range(3):
            conveyor.hand_over(lambda: wait_for(gate))
            handed.append(number)

    opener = threading.Timer(0.5, gate.set)
    with Conveyor(2) as conveyor:
        opener.start()
        begin = time.monotonic()
        hand_over_three(conveyor)
        # The third had to wait for the first.
        assert gate.is_set()
        assert time.monotonic() - begin >= 0.4
        conveyor.finish()
    assert handed == [0, 1, 2]


def test_an_error_is_raised_at_the_next_look_as_it_was_and_nothing_comes_after_it(tmp_path: Path):
    path, folder = tmp_path / "words", tmp_path / "folder"
    folder.mkdir()

    def look_until_it_is_told() -> None:
        with Conveyor(5) as conveyor:
            conveyor.hand_over(lambda: append(folder, "no file"))
            conveyor.hand_over(lambda: append(path, "too late"))
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until:
                conveyor.look()

    with pytest.raises(OutputError) as raised:
        look_until_it_is_told()
    assert raised.value.path == folder
    assert not path.exists()
    assert not conveyors()


@pytest.mark.parametrize("wait", [Conveyor.finish, lambda conveyor: conveyor.hand_over(lambda: None)])
def test_an_error_ends_the_wait_for_others(tmp_path: Path, wait: Callable[[Conveyor], None]):
    def fail() -> None:
        with Conveyor(1) as conveyor:
            conveyor.hand_over(lambda: append(tmp_path, "no file"))
            wait(conveyor)

    with pytest.raises(OutputError):
        fail()


def test_who_is_interrupted_leaves_no_thread_that_writes(tmp_path: Path, gate: threading.Event):
    path, begun = tmp_path / "words", threading.Event()

    def write_slowly() -> None:
        append(path, "a")
        begun.set()
        wait_for(gate)
        append(path, "b")

    def break_off() -> None:
        with Conveyor(5) as conveyor:
            conveyor.hand_over(write_slowly)
            for _ in range(3):
                conveyor.hand_over(lambda: append(path, "c"))
            wait_for(begun)
            threading.Timer(0.3, gate.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    # What it was at was done, the others were not, and none of them will be.
    assert path.read_text() == "ab"
    assert not conveyors()


@pytest.mark.parametrize("wait", [Conveyor.finish, lambda conveyor: conveyor.hand_over(lambda: None)])
def test_a_signal_ends_a_wait_whichever_thread_it_was_given_to(gate: threading.Event, wait: Callable[[Conveyor], None]):
    def interrupt() -> None:
        # To this thread, not to the one that waits.
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        wait_for(gate)

    def wait_in_vain() -> None:
        with Conveyor(1) as conveyor:
            conveyor.hand_over(interrupt)
            try:
                wait(conveyor)
            finally:
                gate.set()

    begin = time.monotonic()
    with stoppable(), pytest.raises(Interrupted):
        wait_in_vain()
    assert time.monotonic() - begin < PATIENCE / 2
    assert not conveyors()


def write_until_interrupted(path: Path, interruption: threading.Timer) -> int:
    """How many words were handed over."""
    handed = 0
    try:
        interruption.start()
        with Conveyor(2) as conveyor:
            while True:
                conveyor.hand_over(partial(append, path, f"{handed}\n"))
                handed += 1
    except Interrupted:
        return handed


def test_interruptions_at_any_moment_leave_it_in_order(tmp_path: Path):
    """A signal between any two steps of the main thread, many times over."""
    for attempt in range(100):
        path = tmp_path / f"{attempt}"
        timer = threading.Timer(0.0005 * (attempt % 40), lambda: os.kill(os.getpid(), signal.SIGINT))
        with stoppable():
            handed = write_until_interrupted(path, timer)
            timer.join()
        assert not conveyors()
        words = path.read_text().split() if path.exists() else []
        assert words == [str(word) for word in range(len(words))]
        # The one that was being handed over may have been.
        assert len(words) <= handed + 1

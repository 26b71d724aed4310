"""Work that goes on beside the main thread, piece by piece and in order: files are written while a model works."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import TracebackType

from s2v_runner.interruption import undisturbed

Task = Callable[[], object]

_PATIENCE = 0.2
"""Seconds that the main thread waits at a time: a signal that another thread was given ends no wait of its own."""


def nothing() -> None:
    """What is done after a task that nobody waits for."""


class Conveyor:
    """One thread that does tasks in the order they are handed over in, with at most `most_waiting` not done yet.

    The first error ends it: what was handed over after is dropped, and that very error is raised in the main thread at
    its next look and at every one after. Only the main thread may call the methods, within a `with` block; leaving the
    block stops the thread after the task it is at, whatever else is waiting, so that nothing is written any more.
    """

    # Signals are handled in the main thread between any two of its steps. Queues of this kind are never caught half
    # way then, and there is no lock that an interruption could leave taken.
    def __init__(self, most_waiting: int) -> None:
        self._most_waiting = most_waiting
        self._tasks: SimpleQueue[tuple[Task, Task] | None] = SimpleQueue()
        self._outcomes: SimpleQueue[tuple[Task, BaseException | None]] = SimpleQueue()
        self._waiting = 0
        self._is_stopping = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="conveyor", daemon=True)

    def __enter__(self) -> "Conveyor":
        try:
            with undisturbed():
                self._thread.start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def hand_over(self, task: Task, after: Task = nothing) -> None:
        """Have a task done, and `after` it something in the main thread, at its first look since.

        Waits while there is too much to do. Raises what an earlier task raised.
        """
        self.look()
        self._wait_for(self._most_waiting - 1)
        self._waiting += 1
        self._tasks.put((task, after))

    def look(self) -> None:
        """Do what is to be done after tasks that are done. Waits for nothing. Raises what a task raised."""
        self._raise_again()
        while not self._outcomes.empty():
            self._settle(*self._outcomes.get())

    def finish(self) -> None:
        """Wait until everything is done. Raises what a task raised."""
        self._wait_for(0)

    def _stop(self) -> None:
        self._is_stopping = True
        self._tasks.put(None)
        with undisturbed():
            if self._thread.ident is not None:
                self._thread.join()

    def _raise_again(self) -> None:
        if self._error is not None:
            raise self._error

    def _wait_for(self, most: int) -> None:
        self._raise_again()
        while self._waiting > most:
            try:
                outcome = self._outcomes.get(timeout=_PATIENCE)
            except Empty:
                continue
            self._settle(*outcome)

    def _settle(self, after: Task, error: BaseException | None) -> None:
        self._waiting -= 1
        self._error = error
        self._raise_again()
        after()

    def _work(self) -> None:
        while (handed := self._tasks.get()) is not None and not self._is_stopping:
            task, after = handed
            try:
                task()
            except BaseException as error:
                self._outcomes.put((after, error))
                return
            self._outcomes.put((after, None))

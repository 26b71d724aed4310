"""Members of crews that are forks of the process that starts them: no second time for the imports."""

import io
import os
import pickle
import signal
import sys

from s2v_runner.parallel import crew, driving, member
from s2v_runner.parallel.orders import Orders


class ForkedProcess:
    """What crews use of a `Popen`."""

    def __init__(self, pid: int, stdin: io.FileIO) -> None:
        self.pid = pid
        self.stdin = stdin
        self._status: int | None = None

    def poll(self) -> int | None:
        if self._status is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = os.waitstatus_to_exitcode(status) if ended else None
        return self._status

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def wait(self) -> None:
        if self._status is None:
            self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _send(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def fork_members() -> None:
    """From here on this process forks its members, and looks after them often."""
    setattr(crew, "_start", _fork)  # noqa: B010
    setattr(driving, "_SECONDS_BETWEEN_LOOKS", 0.05)  # noqa: B010


def _fork(orders: Orders, gpu: str | None) -> ForkedProcess:
    assert gpu is None
    orders.traces.orders.write_bytes(pickle.dumps(orders))
    reading, writing = os.pipe()
    pid = os.fork()
    if pid > 0:
        os.close(reading)
        return ForkedProcess(pid, io.FileIO(writing, "wb"))
    status = 1
    try:
        os.setsid()
        os.close(writing)
        output = os.open(orders.traces.output, os.O_WRONLY | os.O_CREAT)
        for source, target in ((reading, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        sys.stdin = os.fdopen(0, "r", closefd=False)
        sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
        sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
        sys.argv = ["member", str(orders.traces.orders)]
        status = member.main()
    finally:
        os._exit(status)

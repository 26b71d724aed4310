"""A real MLflow server on this machine."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from s2v_runner.tracking.client import connect
from s2v_runner.tracking.destination import Destination
from tests.tracking.ledger import Ledger

_START_PATIENCE = 120


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[bytes]
    port: int
    ledger: Ledger

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """All its processes, which are of a session of their own."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def running_server(folder: Path) -> Iterator[Server]:
    """A server that keeps everything in this folder, until the block is left."""
    embedded = Destination(uri=None, experiment="first", run_name=None, outputs=folder, patience=10.0)
    with connect(embedded):
        # Tables that are there already save the server the seconds of making them.
        pass
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    database = f"sqlite:///{embedded.database}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", database, "--artifacts-destination", str(folder / "artifacts")]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder, start_new_session=True)
    server = Server(process, port, Ledger(database, folder / "artifacts"))
    try:
        _wait_for(server, folder / "log")
        yield server
    finally:
        server.kill()


def _wait_for(server: Server, log: Path) -> None:
    deadline = time.monotonic() + _START_PATIENCE
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            with urlopen(f"{server.uri}/health", timeout=5):
                return
        except URLError:
            time.sleep(0.1)
    pytest.fail(f"the server has not started: {log.read_text()[-2000:]}")

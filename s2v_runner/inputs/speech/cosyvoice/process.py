"""CosyVoice in a process of its own, which ends with this one."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from s2v_runner.errors import GenerationError, InputError
from s2v_runner.inputs.speech.cosyvoice.installation import Installation

_WORKER = Path(__file__).with_name("worker.py")
# Of this environment, and no business of theirs.
_OWN_VARIABLES = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONSAFEPATH", "VIRTUAL_ENV")
_INTERVAL = 0.05
_TAIL = 1 << 14
_LONGEST_WORDS = 300


def run_worker(
    installation: Installation, request: Mapping[str, Any], folder: Path, patience: float
) -> Mapping[str, Any]:
    """Have a request answered; `worker.py` says what is in both. Should this process be killed, the folder goes too.

    Raises InputError when Python or what CosyVoice imports is missing, and GenerationError when it fails, is killed,
    says nothing, or takes longer than `patience` seconds. The process and its children have ended in any case.
    """
    request_path, answer_path, log_path = (folder / name for name in ("request.json", "answer.json", "log.txt"))
    paths = [str(installation.code), str(installation.submodule)]
    written = {**request, "paths": paths, "weights": str(installation.weights), "model": installation.name}
    request_path.write_text(json.dumps({**written, "answer": str(answer_path)}), encoding="utf-8")
    status = _run(installation.python, request_path, log_path, patience)
    try:
        answer = json.loads(answer_path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        ending, remedy = _ending(status)
        raise GenerationError(f"{installation.name} {ending}{_last_words(log_path)}. {remedy}") from error
    except ValueError as error:
        raise GenerationError(f"{installation.name} answered nonsense{_last_words(log_path)}. Try once more") from error
    if not isinstance(answer, dict):
        raise GenerationError(f"{installation.name} answered nonsense{_last_words(log_path)}. Try once more")
    if "error" in answer:
        raise _failure(installation, answer["error"]["kind"], _shortened(answer["error"]["message"]))
    return answer


def _run(python: Path, request: Path, log: Path, patience: float) -> int:
    """The exit status of the worker, negative for a signal."""
    environment = {name: value for name, value in os.environ.items() if name not in _OWN_VARIABLES}
    environment |= {"PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}
    command = [str(python), str(_WORKER), str(request)]
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command,
                # Held open for as long as this process lives, which is how the worker knows that it does.
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=request.parent,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise InputError(
                f"tts.python '{python}'",
                f"it cannot be started ({error.strerror or error})",
                "Give the Python of the environment that CosyVoice is installed in",
            ) from error
        try:
            in_time = _await_end(process.pid, patience)
        finally:
            # Its children may live on.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
    if not in_time:
        raise GenerationError(
            f"CosyVoice had not finished after {patience:g} s and was stopped{_last_words(log)}. "
            "Raise tts.patience, or give less text"
        )
    return process.returncode


def _await_end(number: int, patience: float) -> bool:
    """Whether the process ends in time. It is not waited for yet, so that its number remains its own."""
    deadline = time.monotonic() + patience
    while os.waitid(os.P_PID, number, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() >= deadline:
            return False
        time.sleep(_INTERVAL)
    return True


def _failure(installation: Installation, kind: str, message: str) -> InputError | GenerationError:
    name = installation.name
    if kind == "import":
        return InputError(
            f"tts.python '{installation.python}'",
            f"{name} cannot be imported with it ({message})",
            f"Give the Python of its environment, or install there what {installation.code}/requirements.txt asks for",
        )
    if kind == "version":
        return InputError(
            f"tts.code '{installation.code}'",
            f"this version of {name} is not known: {message}",
            "Update it: git pull, then git submodule update --init --recursive",
        )
    words = {
        "load": f"{name} could not load its model ({message}). Download tts.weights again, or update tts.code",
        "memory": f"{name} ran out of memory ({message}). Free memory on the device, or hide it: CUDA_VISIBLE_DEVICES=",
        "sound": f"{name} made {message}. Try another tts.seed, or another recording of the voice",
    }
    return GenerationError(words.get(kind, f"{name} failed while it spoke ({message}). Try another text or recording"))


def _ending(status: int) -> tuple[str, str]:
    """How a worker ended that has not answered, and what to do about it."""
    if status >= 0:
        return f"ended with status {status} and without an answer", "See that tts.python runs, and is 3.8 or later"
    name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
    if -status == signal.SIGKILL:
        return f"was ended by {name}", "Most often memory was short: free some, and try again"
    return f"was ended by {name}", "One of its libraries crashed: see that they fit each other and the device"


def _last_words(log: Path) -> str:
    """The last line of what it printed, in brackets."""
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
        lines = [line for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return f" (the last that it said: {_shortened(lines[-1])})" if lines else " (it said nothing)"


def _shortened(words: str) -> str:
    flat = " ".join("".join(character if character.isprintable() else " " for character in words).split())
    return flat if len(flat) <= _LONGEST_WORDS else f"{flat[:_LONGEST_WORDS]}…"

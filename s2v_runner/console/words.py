"""Lines, warnings and a progress bar: to the terminal for the person, to the log for later."""

import logging
import sys
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_LOG = logging.getLogger("s2v_runner")
_PACKAGE = Path(__file__).parent.parent
CLIP_STAGES = ("encode motion", "denoise", "decode", "write video", "measure")
"""Stages that come in every clip, and are told with it."""
_NOTICEABLE = 0.1
# Seconds that a tenth does not round to nothing: the first clip has no motion to encode, and none is shown.
_SHOWN = 0.05
# Without a terminal to redraw, a line now and then says how far it is.
_SECONDS_BETWEEN_LINES = 30.0


class Words:
    """What one run says."""

    def __init__(self, log_file: Path, aloud: bool) -> None:
        """`aloud` tells the person what the log is told; without, only warnings and how far it is."""
        self._aloud = aloud
        self._handler = _LogFile(log_file, encoding="utf-8", delay=True)
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        self._progress: Progress | None = None
        self._spoken_at = time.monotonic()
        self._warnings: list[str] = []

    def __enter__(self) -> "Words":
        _LOG.setLevel(logging.INFO)
        _LOG.propagate = False
        _LOG.addHandler(self._handler)
        self._show_warning = warnings.showwarning
        warnings.showwarning = self._take_warning
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_bar()
        warnings.showwarning = self._show_warning
        _LOG.removeHandler(self._handler)
        self._handler.close()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user was warned of."""
        return tuple(self._warnings)

    def say(self, line: str) -> None:
        if self._aloud:
            self._print(line)
        _LOG.info(line)

    def warn(self, line: str) -> None:
        self._stop_bar()
        self._warnings.append(line)
        print(f"warning: {line}", file=sys.stderr, flush=True)
        _LOG.warning(line)

    def log_error(self, line: str, error: BaseException) -> None:
        """To the log, with the traceback; the person is told by the command line."""
        _LOG.error(line, exc_info=error)

    def step(self, clip: int, num_clips: int, done: int, steps: int, seconds: float) -> None:
        """A step is done: move the bar, or say so now and then."""
        total = num_clips * steps
        if sys.stderr.isatty():
            if self._progress is None:
                self._progress = _new_bar()
                self._progress.start()
                self._progress.add_task("", total=total, completed=clip * steps)
            task = self._progress.task_ids[0]
            description = f"clip {clip + 1} of {num_clips}, step {done} of {steps}"
            self._progress.update(task, completed=clip * steps + done, description=description)
        elif time.monotonic() - self._spoken_at > _SECONDS_BETWEEN_LINES:
            self._spoken_at = time.monotonic()
            left = clock_text((total - clip * steps - done) * seconds)
            line = f"clip {clip + 1} of {num_clips}, step {done} of {steps}: {seconds:.2f} s a step, {left} left"
            self._print(line)
            _LOG.info(line)

    def stage(self, name: str, seconds: float) -> None:
        """A stage is done: say so when it took long enough to notice."""
        if name not in CLIP_STAGES and seconds >= _NOTICEABLE:
            self.say(f"  {name}: {seconds:.1f} s")

    def clip(self, clip: int, num_clips: int, seconds: Mapping[str, float]) -> None:
        """A clip is done; `seconds` of each of its stages."""
        stages = ", ".join(f"{name} {seconds[name]:.1f} s" for name in CLIP_STAGES if seconds.get(name, 0) >= _SHOWN)
        self.say(f"  clip {clip + 1} of {num_clips}: {stages}")

    def beside(self, seconds: Mapping[str, float]) -> None:
        """What other threads did beside the model, and for how many seconds."""
        told = ", ".join(f"{name} {spent:.1f} s" for name, spent in seconds.items())
        self.say(f"  beside that: {told}")

    def _print(self, line: str) -> None:
        self._stop_bar()
        print(line, flush=True)

    def _stop_bar(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _take_warning(
        self, message: Warning | str, category: type[Warning], filename: str, line: int, *_: object
    ) -> None:
        # What libraries warn of is for the log; what this project warns of is for the person.
        if Path(filename).is_relative_to(_PACKAGE):
            self.warn(str(message))
        else:
            _LOG.warning("%s (%s, line %d): %s", category.__name__, filename, line, message)


class _LogFile(logging.FileHandler):
    """A log file that keeps quiet when it cannot be written: why not is told once, by what needs the space more."""

    def handleError(self, record: logging.LogRecord) -> None:
        pass

    def close(self) -> None:
        with suppress(OSError):
            super().close()


def _new_bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def clock_text(seconds: float) -> str:
    """Hours, minutes and seconds, without hours where there are none."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

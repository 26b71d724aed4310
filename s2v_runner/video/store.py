"""The frames of finished clips on disk, so that a run which was stopped need not make them again."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np

from s2v_runner.errors import OutputError

_FRAMES_AT_ONCE = 16


class ClipStore:
    """A file of raw frames for each clip. A file with its final name is whole."""

    def __init__(self, folder: Path, height: int, width: int) -> None:
        self._folder = folder
        self._shape = (height, width, 3)
        self._file: IO[bytes] | None = None

    def write(self, clip: int, frames: np.ndarray) -> None:
        """Add frames [frames, rows, columns, 3] to a clip. Raises OutputError."""
        try:
            if self._file is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._file = self._unfinished(clip).open("wb")
            self._file.write(np.ascontiguousarray(frames).data)
        except OSError as error:
            self.discard()
            raise OutputError(self._unfinished(clip), error) from error

    def finish(self, clip: int) -> None:
        """Give a clip its final name. Raises OutputError."""
        if self._file is None:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._unfinished(clip).replace(self._finished(clip))
        except OSError as error:
            raise OutputError(self._finished(clip), error) from error
        finally:
            self.discard()

    def discard(self) -> None:
        """Let go of the clip that is being written."""
        file, self._file = self._file, None
        if file is not None:
            # What could not be written before cannot be written now; the file has no final name.
            with suppress(OSError):
                file.close()

    def count(self, clip: int) -> int:
        """Frames of a finished clip; 0 when there is none."""
        path = self._finished(clip)
        return path.stat().st_size // int(np.prod(self._shape)) if path.is_file() else 0

    def read(self, clip: int) -> Iterator[np.ndarray]:
        """The frames of a finished clip, some at a time, [frames, rows, columns, 3]."""
        size = int(np.prod(self._shape))
        with self._finished(clip).open("rb") as file:
            while content := file.read(size * _FRAMES_AT_ONCE):
                yield np.frombuffer(content, np.uint8).reshape(-1, *self._shape)

    def _finished(self, clip: int) -> Path:
        return self._folder / f"clip_{clip:04}.rgb"

    def _unfinished(self, clip: int) -> Path:
        return self._folder / f".clip_{clip:04}.rgb"

"""The sound of what only FFmpeg reads: M4A, WebM, and the sound track of a video."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from s2v_runner.errors import InputError
from s2v_runner.inputs.films import is_cover, reason_of
from s2v_runner.inputs.probe import FORMATS

# Those of FFmpeg's whose headers say of each stream how long it is, to the sample or nearly.
_MEASURED_CONTAINERS = "mov,mp4"

# Seconds: stamps in whole milliseconds and the frames of most codecs stay below; a real hole in the sound does not.
_HOLE = 0.1
# Seconds before the beginning that are decoded too: a decoder needs what came before to be itself again.
_WARM_UP = 1.0
# Seconds by which the sound may end before its header says: rounding, and a last packet that was not filled.
_EARLY_END = 0.5
_SILENCE = 1 << 16


def open_track(path: Path, subject: str) -> "SoundTrack":
    """The first sound track of a file. Raises InputError, about the subject, for a file that has none."""
    with _opened(path, subject) as container:
        return SoundTrack(path, subject, container)


class SoundTrack:
    """A stream of sound. Its time 0 is that of the pictures beside it where there are any, else its own beginning."""

    frames = None

    def __init__(self, path: Path, subject: str, container: InputContainer) -> None:
        self._path, self._subject = path, subject
        stream = container.streams.audio[0]
        self.tracks = len(container.streams.audio)
        self.rate, self.channels = stream.rate, stream.channels
        self.container = path.suffix[1:].lower() or container.format.name
        self.codec = stream.codec_context.name
        starts = [_start(video) for video in container.streams.video if not is_cover(video)]
        self._origin = min([_start(stream), *starts])
        self._end: float | None = None
        # Elsewhere it is an estimate, or the length of the longest stream.
        if container.format.name.startswith(_MEASURED_CONTAINERS) and stream.duration and stream.time_base:
            self._end = float(stream.duration * stream.time_base) + _start(stream) - self._origin
        whole = None if container.duration is None else container.duration / av.time_base
        self.seconds = whole if self._end is None else self._end
        self.assured = 0 if self._end is None else max(0, int((self._end - _EARLY_END) * self.rate))

    def blocks(self, begin: int, end: int) -> Iterator[np.ndarray]:
        """As `SoundSource.blocks`. Where no sound was recorded for a while there is silence."""
        position = 0
        with _opened(self._path, self._subject) as container:
            for start, samples in self._placed(container, begin):
                yield from self._silence(max(position, begin), min(start, end))
                part = samples[max(0, begin - start) : max(0, end - start)]
                position = start + len(samples)
                if len(part):
                    yield part
                if position >= end:
                    return
        self._check_end(position)

    def _silence(self, begin: int, end: int) -> Iterator[np.ndarray]:
        for start in range(begin, end, _SILENCE):
            yield np.zeros((min(_SILENCE, end - start), self.channels), np.float32)

    def _placed(self, container: InputContainer, begin: int) -> Iterator[tuple[int, np.ndarray]]:
        """Samples [samples, channels], each with the place of the first, from somewhere before `begin` on."""
        stream = container.streams.audio[0]
        position = None if self._go_near(container, begin) else 0
        resampler = AudioResampler(format="flt", layout=stream.layout, rate=self.rate)
        last: tuple[int, np.ndarray] | None = None
        for frame in (made for coded in container.decode(stream) for made in resampler.resample(coded)):
            stamp = None if frame.time is None else max(0, round((frame.time - self._origin) * self.rate))
            if position is None or (stamp is not None and stamp - position > _HOLE * self.rate):
                position = stamp or 0
            if last is not None:
                yield last
            last = position, frame.to_ndarray().reshape(-1, self.channels)
            position += frame.samples
        if last is not None:
            start, samples = last
            yield start, samples[: self._sound_in_last(start, len(samples))]

    def _go_near(self, container: InputContainer, begin: int) -> bool:
        """Go to shortly before a sample, where the stamps there tell its place to the sample."""
        stream = container.streams.audio[0]
        seconds = begin / self.rate - _WARM_UP
        if self._end is None or seconds < _WARM_UP or stream.time_base is None or stream.time_base * self.rate > 1:
            return False
        container.seek(int((self._origin + seconds) / stream.time_base), stream=stream)
        return True

    def _sound_in_last(self, start: int, count: int) -> int:
        """How much of the last frame is sound: encoders fill it up, and the header knows where it ended."""
        if self._end is None:
            return count
        ends = round(self._end * self.rate) - start
        return ends if 0 < ends < count else count

    def _check_end(self, position: int) -> None:
        if position < self.assured:
            raise InputError(
                self._subject,
                f"it breaks off after {position / self.rate:.2f} of {self.seconds:.2f} s",
                "Copy or export it again",
            )


@contextmanager
def _opened(path: Path, subject: str) -> Iterator[InputContainer]:
    try:
        # Named as a file, or a colon in its name would make it a protocol; and it may not lead to others.
        with av.open(f"file:{path}", options={"protocol_whitelist": "file"}) as container:
            if not container.streams.audio:
                problem = "there is no sound in it" if container.streams.video else "it cannot be read as audio"
                raise InputError(subject, problem, FORMATS)
            yield container
    except InputError:
        raise
    # A ValueError is sound that changes its format on the way.
    except (FFmpegError, OSError, ValueError) as error:
        problem = f"it cannot be read as audio, or breaks off ({reason_of(error)})"
        raise InputError(subject, problem, FORMATS) from error


def _start(stream: AudioStream | VideoStream) -> float:
    if stream.start_time is None or stream.time_base is None:
        return 0.0
    return float(stream.start_time * stream.time_base)

"""The speech of a video."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.codec import Codec
from av.container.output import OutputContainer
from av.packet import Packet

from s2v_runner.errors import InputError
from s2v_runner.sound_file import SequentialSoundFile

_CODEC = "aac"
_FALLBACK_RATE = 48000
# One for every number of channels, in the order that WAV and FLAC files have them.
_LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")


class Soundtrack:
    """A recording as AAC, read as it is needed, from its beginning to the end of the video.

    Rate and channels are the recording's own; a rate that AAC lacks becomes 48 kHz. What a recording lasts longer
    than the video is cut off, but for up to half a frame: a video has a whole number of frames.
    """

    def __init__(self, path: Path, container: OutputContainer, kbps: int, seconds: Fraction, slack: Fraction) -> None:
        """Becomes a stream of `container`; the encoder takes less than `kbps` where the rate has no room for them.

        `seconds` the video lasts; by up to `slack` the sound may exceed it. Raises InputError for a file that is no
        audio or has more channels than AAC.
        """
        self._path = path
        with self._reading():
            self._file = SequentialSoundFile(path)
        self._rate = self._file.samplerate
        self._layout = self._find_layout()
        self._end = round(seconds * self._rate)
        self._latest_end = int((seconds + slack) * self._rate)
        self._position = 0
        rates = Codec(_CODEC, "w").audio_rates or []
        self.encoded_rate = self._rate if self._rate in rates else _FALLBACK_RATE
        self._stream: AudioStream = container.add_stream(
            _CODEC,
            rate=self.encoded_rate,
            options={"flags": "+bitexact"},
            bit_rate=kbps * 1000,
            layout=self._layout,
        )

    def encode_until(self, seconds: Fraction) -> list[Packet]:
        """Go on to a moment of the video."""
        return self._encode(self._read(min(self._end, int(seconds * self._rate)) - self._position))

    def finish(self) -> list[Packet]:
        """Go on to the end."""
        packets = self._encode(self._read(self._end - self._position))
        # Read rather than looked up: the header of an MP3 file counts frames that its decoder leaves out.
        rest = self._read(self._latest_end - self._end + 1)
        if len(rest) <= self._latest_end - self._end:
            packets += self._encode(rest)
        return packets + self._stream.encode(None)

    def close(self) -> None:
        self._file.close()

    def _find_layout(self) -> str:
        channels = self._file.channels
        if channels > len(_LAYOUTS):
            self.close()
            raise InputError(
                f"audio.path '{self._path}'",
                f"it has {channels} channels, and a video has {len(_LAYOUTS)} at most",
                "Mix it down first",
            )
        return _LAYOUTS[channels - 1]

    def _read(self, count: int) -> np.ndarray:
        """Up to `count` samples, [samples, channels]."""
        with self._reading():
            samples = self._file.read(count, dtype="float32", always_2d=True)
        if not np.isfinite(samples).all():
            raise InputError(f"audio.path '{self._path}'", "it has samples that are no numbers", "Export it again")
        return samples

    def _encode(self, samples: np.ndarray) -> list[Packet]:
        if not len(samples):
            return []
        # Interleaved: PyAV takes eight planes for nine.
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout=self._layout)
        frame.sample_rate = self._rate
        frame.pts, frame.time_base = self._position, Fraction(1, self._rate)
        self._position += len(samples)
        # The encoder resamples where its rate is another.
        return self._stream.encode(frame)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (soundfile.SoundFileError, OSError) as error:
            raise InputError(
                f"audio.path '{self._path}'",
                f"it cannot be read as audio ({error})",
                "Give a WAV, FLAC, OGG or MP3 file",
            ) from error

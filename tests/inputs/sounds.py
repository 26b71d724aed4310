"""Recordings of any kind, made for a test."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile
from av.audio.stream import AudioStream

from s2v_runner.inputs.recording import RecordingSettings, prepare_recording, probe_recording

WHOLE = RecordingSettings(start=0.0, duration=None, loudness=None, fade=0.0, limit=600.0, too_long="refuse")

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


def chirping(seconds: float, rate: int, channels: int = 1, level: float = 0.4) -> np.ndarray:
    """Sound that is like itself at no other place, float32 [samples, channels]."""
    times = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * (300 * times + 40 * np.sin(2 * np.pi * 0.7 * times) + 60 * times**2)
    return np.stack([level * np.sin(phase + channel) for channel in range(channels)], axis=1).astype(np.float32)


def write_track(
    path: Path,
    samples: np.ndarray,
    rate: int,
    *,
    codec: str,
    pictures: float = 0,
    begins: float = 0,
    tracks: int = 1,
    options: dict[str, str] | None = None,
) -> Path:
    """A file as FFmpeg makes it, with so many seconds of pictures beside the sound, which begins later by `begins`."""
    layout = LAYOUTS[samples.shape[1]]
    with av.open(str(path), "w", options=options or {}) as container:
        video = None
        if pictures:
            video = container.add_stream("libx264", rate=25)
            video.width = video.height = 32
            video.pix_fmt = "yuv420p"
        sounds = [container.add_stream(codec, rate=rate, options={}, layout=layout) for _ in range(tracks)]
        if video is not None:
            for _ in range(round(pictures * 25)):
                black = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
                container.mux(video.encode(black))
            container.mux(video.encode(None))
        for sound in sounds:
            assert isinstance(sound, AudioStream)
            frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout=layout)
            frame.sample_rate = rate
            frame.pts, frame.time_base = round(begins * rate), Fraction(1, rate)
            container.mux(sound.encode(frame))
            container.mux(sound.encode(None))
    return path


def lag(heard: np.ndarray, meant: np.ndarray, reach: int = 3000) -> int:
    """By how many samples the one comes after the other, both of one channel and long enough."""
    middle = meant[reach : len(meant) - reach]
    size = 1 << (len(heard) + len(middle)).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(middle, size))
    likeness = np.fft.irfft(spectrum, size)[: 2 * reach + 1]
    return int(likeness.argmax()) - reach


def heard_of(**changes: object) -> RecordingSettings:
    return dataclasses.replace(WHOLE, **changes)


def prepare(path: Path, settings: RecordingSettings, target: Path) -> np.ndarray:
    """The samples [samples, channels] that are heard."""
    recording = probe_recording(path, settings)
    prepare_recording(path, settings, target)
    samples, rate = soundfile.read(target, dtype="float32", always_2d=True)
    assert (len(samples), rate, samples.shape[1]) == (recording.frames, recording.rate, recording.channels)
    assert soundfile.info(target).subtype == "FLOAT"
    assert {path.name for path in target.parent.iterdir() if path.name.startswith(".")} == set()
    return samples

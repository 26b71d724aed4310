"""From any file with sound to the recording that is heard: the part of it that was asked for, as loud as was asked.

What is heard is written once, as it is at its own rate and channels; the speech encoder and the video's sound track
both read that file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from s2v_runner.errors import InputError
from s2v_runner.inputs.levels import HIGHEST_PEAK, SOFTEST, Fade, Levels, measure_levels, scaled
from s2v_runner.inputs.probe import SoundHeader
from s2v_runner.inputs.sources import SoundSource, open_source
from s2v_runner.inputs.wave import MOST_BYTES, SAMPLE_BYTES, write_wave
from s2v_runner.plan import SPEECH_RATE
from s2v_runner.records import Report, Value

MOST_CHANNELS = 8
"""As many as a video's sound track has."""

_KEY = "audio.path"
_CHANNELS = {1: "mono", 2: "stereo"}
_UNFADED = Fade(0, 0)
# Seconds, longer than any recording; samples of much more could not be counted.
_ENDLESS = 1e9


@dataclass(frozen=True, kw_only=True)
class RecordingSettings:
    """What is heard of a recording."""

    start: float
    """Seconds into it."""
    duration: float | None
    """Seconds; None is to its end."""
    loudness: float | None
    """LUFS to bring it to; None leaves it."""
    fade: float
    """Seconds over which it swells and fades where it is cut."""
    limit: float
    """Seconds; more is refused or cut."""
    too_long: str
    """`refuse` or `cut`."""


@dataclass(frozen=True, kw_only=True)
class Recording(SoundHeader):
    """What is heard of a file; `frames` and what follows from them are of that part."""

    path: Path
    container: str
    codec: str
    whole_seconds: float | None
    """How long the file is, as its header says; None where that is not known."""
    tracks: int
    begin: int
    """Samples before it."""
    is_cut_after: bool
    """Whether the file goes on after it."""
    is_over_limit: bool
    """Whether it ends where it does because of the limit."""
    is_as_it_is: bool
    """Whether the file itself can be heard: nothing is to be done, and soundfile reads it from any place on.

    An MP3 file is not: a piece of it is not what it is in the whole unless a decoder has heard what went before.
    """


def probe_recording(path: Path, settings: RecordingSettings) -> Recording:
    """What will be heard, without measuring or writing it. No more of the file is read than tells where it ends.

    Raises InputError for a file that is missing, is no audio or has too many channels, for a part that is not in it,
    and for one that is longer than it may be.
    """
    _check_settings(settings)
    with open_source(path, _KEY) as source:
        _check_source(path, source)
        begin = round(settings.start * source.rate)
        limit = begin + max(1, int(settings.limit * source.rate))
        wanted = None if settings.duration is None else begin + max(1, round(settings.duration * source.rate))
        # One sample more tells whether the file goes on.
        there = _count(source, begin, min(limit, wanted or limit) + 1)
        if there <= begin:
            raise _refuse_empty(path, settings, source, there)
        is_over_limit = there > limit and (wanted is None or wanted > limit)
        if is_over_limit and settings.too_long == "refuse":
            raise _refuse_length(path, settings, source, wanted)
        end = min(there, limit, wanted or limit)
        return Recording(
            frames=end - begin,
            rate=source.rate,
            channels=source.channels,
            path=path,
            container=source.container,
            codec=source.codec,
            whole_seconds=source.seconds,
            tracks=source.tracks,
            begin=begin,
            is_cut_after=there > end,
            is_over_limit=is_over_limit,
            is_as_it_is=not begin and there == end and settings.loudness is None and source.frames is not None,
        )


def report_recording(path: Path, settings: RecordingSettings) -> Report:
    """What there is to say of a recording that is heard as it is. Raises InputError like `probe_recording`."""
    return _report(probe_recording(path, settings), settings, None, _UNFADED)


def prepare_recording(path: Path, settings: RecordingSettings, target: Path) -> Report:
    """Write what is heard as a WAV file of float32, at the recording's own rate and channels.

    It is read in blocks, so what is held does not grow with the file. The same file and settings give the same bytes.
    Raises InputError like `probe_recording`, and where it breaks off or its samples are not finite; OutputError.
    """
    recording = probe_recording(path, settings)
    levels = None
    if settings.loudness is not None:
        levels = measure_levels(_heard(recording), recording.rate, recording.channels)
    gain = _gain(levels, settings)
    fade = _fade(recording, settings)
    _check_size(recording)
    blocks = fade.over(scaled(_heard(recording), gain), recording.frames)
    write_wave(target, blocks, recording.rate, recording.channels, recording.frames)
    return _report(recording, settings, levels, fade)


def _heard(recording: Recording) -> Iterator[np.ndarray]:
    """The blocks [samples, channels] of what is heard. Raises InputError where they are not what was found before."""
    left = recording.frames
    with open_source(recording.path, _KEY) as source:
        for block in source.blocks(recording.begin, recording.begin + recording.frames):
            if not np.isfinite(block).all():
                raise InputError(f"{_KEY} '{recording.path}'", "it has samples that are no numbers", "Export it again")
            left -= len(block)
            yield block
    if left:
        ended = (recording.frames - left) / recording.rate
        raise InputError(
            f"{_KEY} '{recording.path}'",
            f"it breaks off {ended:.2f} s after audio.start={recording.begin / recording.rate:g}",
            "Copy or export it again",
        )


def _check_size(recording: Recording) -> None:
    if recording.frames * recording.channels * SAMPLE_BYTES > MOST_BYTES:
        raise InputError(
            f"{_KEY} '{recording.path}'",
            f"{recording.seconds:.0f} s of {recording.channels} channels are more than a WAV file holds",
            "Give a shorter audio.duration, or mix it down first",
        )


def _gain(levels: Levels | None, settings: RecordingSettings) -> float:
    """Decibels."""
    if levels is None or settings.loudness is None or levels.is_silent:
        return 0.0
    return levels.gain_to(settings.loudness)


def _fade(recording: Recording, settings: RecordingSettings) -> Fade:
    length = min(round(settings.fade * recording.rate), recording.frames // 2)
    return Fade(length if recording.begin else 0, length if recording.is_cut_after else 0)


def _count(source: SoundSource, begin: int, end: int) -> int:
    """Where the sound ends, or `end` where it goes on to there. Not more than up to there is read."""
    if source.frames is not None:
        return min(source.frames, end)
    if source.assured >= end:
        return end
    found = sum(len(block) for block in source.blocks(begin, end))
    return begin + found if found else 0


def _check_settings(settings: RecordingSettings) -> None:
    positive = {"duration": settings.duration, "limit": settings.limit}
    for key, value in positive.items():
        if value is not None and not 0 < value < _ENDLESS:
            raise InputError(
                f"audio.{key}={value:g}",
                f"it must be seconds, more than 0 and less than {_ENDLESS:g}",
                "Give one, such as 5",
            )
    for key, value in {"start": settings.start, "fade": settings.fade}.items():
        if not 0 <= value < _ENDLESS:
            raise InputError(
                f"audio.{key}={value:g}", f"it must be seconds, 0 or more and less than {_ENDLESS:g}", "Give 0 for none"
            )
    if settings.loudness is not None and not SOFTEST < settings.loudness < 0:
        raise InputError(
            f"audio.loudness={settings.loudness:g}",
            f"it must be a number of LUFS between {SOFTEST:g} and 0",
            "Speech is broadcast at -23, and played on the web at -16",
        )


def _check_source(path: Path, source: SoundSource) -> None:
    if not 1 <= source.channels <= MOST_CHANNELS or source.rate < 1:
        raise InputError(
            f"{_KEY} '{path}'",
            f"it has {source.channels} channels at {source.rate} Hz, and a video has {MOST_CHANNELS} at most",
            "Mix it down first",
        )


def _refuse_empty(path: Path, settings: RecordingSettings, source: SoundSource, there: int) -> InputError:
    if not settings.start:
        return InputError(f"{_KEY} '{path}'", "it is empty", "Give a recording with sound in it")
    seconds = there / source.rate if there else source.seconds
    ends = "before that" if seconds is None else f"at {seconds:.2f} s"
    return InputError(f"audio.start={settings.start:g}", f"'{path}' ends {ends}", "Give a smaller number of seconds")


def _refuse_length(path: Path, settings: RecordingSettings, source: SoundSource, wanted: int | None) -> InputError:
    if wanted is not None:
        heard = f"{settings.duration:g} s"
    elif source.seconds is not None:
        heard = f"{source.seconds - settings.start:.0f} s"
    else:
        heard = "more"
    return InputError(
        f"{_KEY} '{path}'",
        f"{heard} of it would be heard, and audio.limit allows {settings.limit:g} s",
        "Give a shorter audio.duration, audio.too_long=cut, or a higher audio.limit",
    )


def _report(recording: Recording, settings: RecordingSettings, levels: Levels | None, fade: Fade) -> Report:
    kilohertz = f"{recording.rate / 1000:g} kHz"
    channels = _CHANNELS.get(recording.channels, f"{recording.channels} channels")
    whole = recording.whole_seconds
    words = [f"{recording.container}, {kilohertz} {channels}" + ("" if whole is None else f", {_length(whole)}")]
    facts: dict[str, Value] = {
        "container": recording.container,
        "codec": recording.codec,
        "sample_rate": recording.rate,
        "channels": recording.channels,
        "seconds_of_file": whole,
        "start": recording.begin / recording.rate,
        "seconds": recording.seconds,
    }
    if recording.begin or recording.is_cut_after:
        words.append(f"heard from {recording.begin / recording.rate:.2f} s for {recording.seconds:.2f} s")
    if levels is not None and not levels.is_silent:
        gain = _gain(levels, settings)
        after = levels.loudness + gain
        words.append(f"{_signed(levels.loudness)} → {_signed(after)} LUFS")
        facts |= {"loudness_before": levels.loudness, "loudness": after, "peak_before": levels.peak, "gain": gain}
    if fade != _UNFADED:
        seconds = max(fade.swelling, fade.fading) / recording.rate
        words.append(f"faded {seconds:.2g} s")
        facts["fade"] = seconds
    return Report(facts, "; ".join(words), tuple(_warnings(recording, settings, levels)))


def _warnings(recording: Recording, settings: RecordingSettings, levels: Levels | None) -> Iterator[str]:
    path = recording.path
    if recording.is_over_limit:
        yield f"{_KEY} '{path}' goes on after audio.limit={settings.limit:g} s; what follows is not heard"
    if settings.duration is not None and not recording.is_cut_after and recording.seconds < settings.duration - 0.005:
        yield f"audio.duration={settings.duration:g} is more than the {recording.seconds:.2f} s that '{path}' has left"
    if recording.rate < SPEECH_RATE:
        yield (
            f"{_KEY} '{path}' has {recording.rate} samples a second where the speech encoder hears {SPEECH_RATE}: "
            "consonants are hard to tell apart in it"
        )
    if recording.tracks > 1:
        yield f"{_KEY} '{path}' has {recording.tracks} sound tracks; the first is heard"
    if levels is None or settings.loudness is None:
        return
    if levels.is_silent:
        yield f"{_KEY} '{path}' is too soft or too short for its loudness to be measured, and is left as it is"
    elif (gain := _gain(levels, settings)) < settings.loudness - levels.loudness:
        reached = _signed(levels.loudness + gain)
        yield (
            f"audio.loudness={settings.loudness:g} would lift the peaks of '{path}' above {_signed(HIGHEST_PEAK)} "
            f"dBFS: it is brought to {reached} LUFS"
        )


def _length(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes = round(seconds / 60)
    return (
        f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{int(seconds // 60)} min {seconds % 60:.0f} s"
    )


def _signed(number: float) -> str:
    return f"{number:.1f}".replace("-", "−")

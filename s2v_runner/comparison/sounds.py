"""What is heard on a page: each recording once, as its longest video has it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from s2v_runner.comparison.cache import FORMAT, whole_file
from s2v_runner.comparison.reading import ComparedPoint, Footage
from s2v_runner.digests import digest_of
from s2v_runner.errors import InputError
from s2v_runner.video.listening import seconds_of, write_sound

_MOST_BYTES = 6_000_000
"""Of all sounds together."""
_BEST_KBPS, _WORST_KBPS = 64, 16
_BYTES_A_SECOND = 1000 / 8
# What a file is larger than its sound: the index of its packets.
_INDEX = 1.2


@dataclass(frozen=True, kw_only=True)
class Sound:
    """A recording."""

    path: Path
    seconds: float
    name: str
    """That of the file it was given in."""


@dataclass(frozen=True)
class Sounds:
    """All of a page."""

    sounds: tuple[Sound, ...]
    of_point: Mapping[int, int]
    """For the numbers of points which of the sounds they have."""

    @property
    def bytes(self) -> int:
        return sum(sound.path.stat().st_size for sound in self.sounds)


@dataclass(frozen=True)
class _Recording:
    sha256: str
    name: str
    footage: Footage
    numbers: tuple[int, ...]

    def digest(self, kbps: int) -> str:
        return digest_of({"format": FORMAT, "sound": self.sha256, "video": self.footage.key, "kbps": kbps})


def make_sounds(points: Sequence[ComparedPoint], folder: Path, say: Callable[[str], None]) -> Sounds:
    """Take each recording from a video of it. What would be too much is left out, and said. Raises OutputError."""
    recordings = _recordings(points)
    seconds = sum(recording.footage.seconds for recording in recordings)
    kbps = int(_MOST_BYTES / _INDEX / _BYTES_A_SECOND / max(seconds, 1))
    kbps = max(_WORST_KBPS, min(_BEST_KBPS, kbps))
    sounds: list[Sound] = []
    of_point: dict[int, int] = {}
    room = float(_MOST_BYTES)
    for place, recording in enumerate(recordings):
        path = folder / f"sound_{recording.digest(kbps)[:16]}.m4a"
        try:
            if not path.is_file():
                with whole_file(path) as hidden:
                    write_sound(hidden, recording.footage.video, kbps)
            sound = Sound(path=path, seconds=seconds_of(path), name=recording.name)
        except InputError as error:
            say(f"'{recording.name}' is not heard on the page: {error.problem}")
            continue
        room -= path.stat().st_size
        if room < 0:
            say(f"{len(recordings) - place} of {len(recordings)} recordings are left out: the page would be too large")
            break
        of_point |= dict.fromkeys(recording.numbers, len(sounds))
        sounds.append(sound)
    return Sounds(tuple(sounds), of_point)


def _recordings(points: Sequence[ComparedPoint]) -> list[_Recording]:
    """Each that a video is there of, with the longest video of it."""
    with_video: dict[str, list[tuple[ComparedPoint, Footage]]] = {}
    for point in points:
        audio = None if point.record is None else point.record.inputs.get("audio")
        if audio is not None and point.footage is not None:
            with_video.setdefault(audio["sha256"], []).append((point, point.footage))
    recordings = []
    for sha256, found in with_video.items():
        first = found[0][0].record
        assert first is not None
        longest = max((footage for _, footage in found), key=lambda footage: footage.seconds)
        numbers = tuple(point.number for point, _ in found)
        recordings.append(_Recording(sha256, Path(first.inputs["audio"]["path"]).name, longest, numbers))
    return recordings

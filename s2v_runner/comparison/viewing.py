"""Every video is looked at once: held against its baseline, and copied small."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

from s2v_runner.comparison.baseline import Baseline
from s2v_runner.comparison.cache import Kept, Measures, entry_path, proxy_path, read_kept, whole_file, write_kept
from s2v_runner.comparison.latents import measure_latent_distance
from s2v_runner.comparison.meters import SAME, LikenessMeter
from s2v_runner.comparison.reading import ComparedPoint, Footage
from s2v_runner.comparison.tiles import fit
from s2v_runner.errors import InputError
from s2v_runner.metrics.measures import unknown
from s2v_runner.video.preview import Encoding, PreviewWriter
from s2v_runner.video.reading import VideoReader, open_video

PROXY_SIDE = 448
"""Of the longer side of a proxy, at most."""
_PROXY = Encoding(crf=16, preset="veryfast", threads=1)
_SECONDS_BETWEEN_LINES = 10.0


@dataclass(frozen=True)
class ViewedPoint:
    """A point, and what its video shows."""

    point: ComparedPoint
    """LOST where its video turned out not to be whole."""
    proxy: Path | None
    measures: Measures
    """Against the baseline, by the keys of their metrics; none where there is no video."""
    baseline: int | None
    """The number of the point that it is compared with."""


def view_points(
    points: Sequence[ComparedPoint], baseline: Baseline | None, folder: Path, say: Callable[[str], None]
) -> list[ViewedPoint]:
    """Look at every video that was not looked at before; what is known is kept in `folder`.

    `say` is told now and then how far it is. Raises OutputError.
    """
    viewer = _Viewer(baseline, folder)
    # Whether a baseline is whole must be known when another point is compared with it.
    ordered = sorted(points, key=lambda point: not viewer.is_baseline(point))
    said = monotonic()
    for done, point in enumerate(ordered):
        if monotonic() - said > _SECONDS_BETWEEN_LINES:
            said = monotonic()
            say(f"{done} of {len(points)} videos are looked at")
        viewer.look(point)
    return [viewer.viewed[point.number] for point in points]


class _Viewer:
    def __init__(self, baseline: Baseline | None, folder: Path) -> None:
        self.viewed: dict[int, ViewedPoint] = {}
        self._numbers: Mapping[int, int] = {} if baseline is None else baseline.numbers
        self._none = (
            "there is no baseline" if baseline is None else f"no point has {baseline.words} and else its values"
        )
        self._folder = folder

    def is_baseline(self, point: ComparedPoint) -> bool:
        return self._numbers.get(point.number) == point.number

    def look(self, point: ComparedPoint) -> None:
        number = self._numbers.get(point.number)
        if point.footage is None:
            self.viewed[point.number] = ViewedPoint(point, None, {}, number)
            return
        try:
            measures = self._measure(point, point.footage)
        except InputError as error:
            lost = replace(point, status="LOST", error=error.problem, footage=None)
            self.viewed[point.number] = ViewedPoint(lost, None, {}, number)
        else:
            self.viewed[point.number] = ViewedPoint(point, proxy_path(self._folder, point.definition), measures, number)

    def _measure(self, point: ComparedPoint, footage: Footage) -> Measures:
        """Raises InputError where the video is not whole."""
        entry, proxy = entry_path(self._folder, point.definition), proxy_path(self._folder, point.definition)
        kept = read_kept(entry, footage.key) if proxy.is_file() else None
        other = self._other(point)
        likeness = self._likeness_unseen(point, footage, other)
        wanted = other if likeness is None else None
        if kept is None:
            kept = _view(footage, wanted, proxy)
            write_kept(entry, kept)
        elif wanted is not None and wanted.key not in kept.likeness:
            again = _view(footage, wanted, None)
            kept = replace(kept, likeness={**kept.likeness, **again.likeness})
            write_kept(entry, kept)
        if likeness is None:
            assert other is not None
            distance = measure_latent_distance(footage.latents, other.latents)
            broken = _unlike(f"its baseline, point {self._numbers[point.number]}, cannot be read any more")
            likeness = {**broken, **kept.likeness.get(other.key, {}), "latent_distance": distance}
        return likeness

    def _other(self, point: ComparedPoint) -> Footage | None:
        """The video of its baseline."""
        number = self._numbers.get(point.number)
        if number is None or number == point.number:
            return point.footage if number is not None else None
        return self.viewed[number].point.footage

    def _likeness_unseen(self, point: ComparedPoint, footage: Footage, other: Footage | None) -> Measures | None:
        """What needs no look at the pictures to be said; None where it does."""
        number = self._numbers.get(point.number)
        if number is None:
            return _unlike(self._none)
        if other is None:
            return _unlike(f"its baseline, point {number}, has no video")
        if other.sha256 == footage.sha256:
            return SAME
        if (other.width, other.height) != (footage.width, footage.height):
            return _unlike(f"its baseline, point {number}, is {other.width}x{other.height}")
        return None


def _unlike(reason: str) -> Measures:
    return dict.fromkeys(SAME, unknown(reason))


def _view(footage: Footage, other: Footage | None, proxy: Path | None) -> Kept:
    """Let the video go by once: copy it where a proxy is wanted, and compare it where there is another.

    Raises InputError where it is not whole, OutputError where the proxy cannot be written.
    """
    with ExitStack() as stack:
        reader = stack.enter_context(open_video(footage.measured))
        copy = None if proxy is None else stack.enter_context(_proxy_writer(proxy, footage))
        likeness = None
        if other is not None:
            likeness = LikenessMeter(iter(stack.enter_context(open_video(other.measured))))
        count = 0
        for frame in reader:
            count += 1
            if likeness is not None:
                likeness.take(frame)
            if copy is not None:
                copy.write(frame.picture)
        _check_whole(footage, reader, count)
    compared: dict[str, Measures] = {}
    if likeness is not None and other is not None:
        # What a damaged baseline prevents is not kept, but found out anew.
        with suppress(InputError):
            compared[other.key] = likeness.read()
    return Kept(key=footage.key, likeness=compared)


@contextmanager
def _proxy_writer(path: Path, footage: Footage) -> Iterator[PreviewWriter]:
    width, height = fit(footage.width, footage.height, PROXY_SIDE)
    with whole_file(path) as hidden:
        writer = PreviewWriter(path=hidden, width=width, height=height, fps=footage.fps, encoding=_PROXY)
        try:
            yield writer
            writer.close()
        finally:
            writer.discard()


def _check_whole(footage: Footage, reader: VideoReader, count: int) -> None:
    facts = reader.facts
    if count != footage.frames:
        problem = f"'{footage.measured.name}' has {count} frames, and {footage.frames} were made"
        raise InputError(f"video '{footage.measured}'", problem, "Make it again")
    if (facts.width, facts.height) != (footage.width, footage.height):
        problem = f"'{footage.measured.name}' is {facts.width}x{facts.height}"
        raise InputError(f"video '{footage.measured}'", problem, "Make it again")

"""A sweep's comparison: its page, its table and its findings."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from s2v_runner.comparison.assemble import assemble_page
from s2v_runner.comparison.baseline import choose_baseline
from s2v_runner.comparison.cache import FOLDER, entry_path, remove_all_but
from s2v_runner.comparison.mosaics import Shown, make_mosaics, names_of
from s2v_runner.comparison.numbers import measure_point
from s2v_runner.comparison.reading import ComparedSweep, read_sweep
from s2v_runner.comparison.sounds import make_sounds
from s2v_runner.comparison.table import Compared, MeasuredPoint, page_data, page_media, table_text
from s2v_runner.comparison.viewing import ViewedPoint, view_points
from s2v_runner.errors import OutputError
from s2v_runner.replacement import replacing, unfinished_path
from s2v_runner.tracking.folder import sweep_held
from s2v_runner.tracking.record import write_atomically

PAGE_NAME, TABLE_NAME, FINDINGS_NAME = "comparison.html", "comparison.csv", "findings.json"
_MOST_BYTES = 40_000_000 * 3 // 4
"""Of mosaics and sounds, which base64 makes a third larger."""
_GRAIN = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What was written."""

    page: Path
    table: Path
    findings: Path
    points: int
    videos: int
    """Points whose video is on the page."""

    @property
    def files(self) -> dict[str, str]:
        """By kind, relative to the folder of the sweep."""
        return {"comparison": self.page.name, "table": self.table.name, "findings": self.findings.name}


def compare_sweep(folder: Path, baseline: str | None, say: Callable[[str], None]) -> Comparison:
    """Write the page, the table and the findings of a sweep into its folder, whatever there is of it so far.

    `baseline` is what the points are compared with, as `key=value` words; None is what the sweep says, or else a
    sensible one. `say` is told now and then how far it is. Videos are decoded once: what was measured is kept. Raises
    InputError for a sweep that cannot be read and for a baseline that there is not, OutputError.
    """
    # Late: it brings SciPy, which nobody waits for who only asks for a plan.
    from s2v_runner.comparison.observed import find_in, findings_data

    sweep = read_sweep(folder)
    chosen = choose_baseline(sweep.definition, baseline)
    kept = folder / FOLDER
    # One process after the other: each takes what the one before has kept.
    with sweep_held(kept):
        viewed = view_points(sweep.points, chosen, kept, say)
        points = tuple(MeasuredPoint(point, measure_point(point)) for point in viewed)
        sweep = ComparedSweep(folder, sweep.definition, tuple(point.point for point in viewed))
        shown = [_shown(point) for point in viewed]
        sounds = make_sounds(sweep.points, kept, say)
        # In whole steps, so that a sound that changes a little does not have all mosaics made again.
        room = (_MOST_BYTES - sounds.bytes) // _GRAIN * _GRAIN
        mosaics = make_mosaics([video for video in shown if video is not None], kept, room, say)
        compared = Compared(sweep=sweep, points=points, baseline=chosen, mosaics=mosaics, sounds=sounds)
        _remove_what_is_stale(kept, compared)
        write_atomically(folder / TABLE_NAME, table_text(compared))
        findings = findings_data(find_in(sweep.definition, points))
        write_atomically(folder / FINDINGS_NAME, json.dumps(findings, ensure_ascii=False, allow_nan=False, indent=1))
        data = page_data(compared, findings, datetime.now().astimezone())
        _write(folder / PAGE_NAME, assemble_page(data, page_media(compared)))
    return Comparison(
        page=folder / PAGE_NAME,
        table=folder / TABLE_NAME,
        findings=folder / FINDINGS_NAME,
        points=len(points),
        videos=len(mosaics.tiles),
    )


def _shown(viewed: ViewedPoint) -> Shown | None:
    point = viewed.point
    if point.footage is None or viewed.proxy is None:
        return None
    return Shown(point.number, point.footage, viewed.proxy)


def _remove_what_is_stale(kept: Path, compared: Compared) -> None:
    entries = [entry_path(kept, point.definition) for point in compared.sweep.points]
    # Of points that are lost as well: their videos may come back.
    proxies = [path.with_suffix(".mp4") for path in entries]
    sounds = [sound.path for sound in compared.sounds.sounds]
    names = {path.name for path in (*entries, *proxies, *sounds)}
    remove_all_but(kept, names.union(names_of(compared.mosaics)))


def _write(path: Path, pieces: Iterable[str]) -> None:
    """Raises OutputError."""
    try:
        with replacing(path, unfinished_path(path)) as file:
            for piece in pieces:
                file.write(piece.encode())
    except OSError as error:
        raise OutputError(path, error) from error

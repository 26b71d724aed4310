"""How far a sweep is."""

from pathlib import Path

from s2v_runner.tracking.progress import count_points, read_progress
from s2v_runner.tracking.record import RECORD_NAME
from tests.tracking.conftest import BuildRecord
from tests.tracking.sweeps import define_sweep, lay_sweep


def test_every_point_is_told_and_counted(tmp_path: Path, build_record: BuildRecord):
    definition = define_sweep("progress", 6)
    states = ("FINISHED", "FAILED", "KILLED", "FINISHED", None, "RUNNING")
    sweep = lay_sweep(tmp_path, build_record, definition, "RUNNING", states)
    (sweep / "points" / definition.points[3].folder_name / RECORD_NAME).write_text("{")
    points = read_progress(sweep, definition)
    assert [point.definition.number for point in points] == [1, 2, 3, 4, 5, 6]
    assert [point.record and point.record.status for point in points] == [
        "FINISHED",
        "FAILED",
        "KILLED",
        None,
        None,
        "RUNNING",
    ]
    assert [point.problem is not None for point in points] == [False, False, False, True, False, False]
    assert count_points(points) == {"points": 6, "finished": 1, "failed": 1}

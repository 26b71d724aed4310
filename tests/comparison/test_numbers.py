import shutil
from pathlib import Path

import pytest

from s2v_runner.comparison.baseline import choose_baseline
from s2v_runner.comparison.measures import METRICS
from s2v_runner.comparison.numbers import measure_point
from s2v_runner.comparison.reading import read_sweep
from s2v_runner.comparison.viewing import view_points
from s2v_runner.metrics.catalogue import VIDEO_METRICS
from s2v_runner.metrics.measures import Measure, known, unknown
from tests.comparison.sweeps import folder_of, set_status

KEYS = {metric.key for metric in METRICS}
OF_THE_VIDEO = {"psnr", "ssim", "latent_distance", "file_mib", *(metric.key for metric in VIDEO_METRICS)}


def measure_all(sweep: Path, kept: Path) -> list[dict[str, Measure]]:
    kept.mkdir(exist_ok=True)
    read = read_sweep(sweep)
    viewed = view_points(read.points, choose_baseline(read.definition, None), kept, print)
    return [measure_point(point) for point in viewed]


def test_every_metric_has_a_number_or_a_reason(made_sweep: Path, tmp_path: Path):
    measures = measure_all(made_sweep, tmp_path / "kept")
    assert all(measure.keys() == KEYS for measure in measures)
    unknown_ones = {(number, key) for number, one in enumerate(measures, 1) for key in KEYS if one[key].value is None}
    unmeasured = {(number, metric.key) for number in range(1, 7) for metric in VIDEO_METRICS}
    unkept = {(number, "latent_distance") for number in range(1, 5)}
    assert unknown_ones == {(5, "psnr"), (6, "psnr"), *unmeasured, *unkept}
    assert measures[0]["denoise_seconds"] == known(0.5 + 9 * 0.25)
    assert measures[0]["step_seconds"] == known(0.25)
    assert measures[0]["seconds"] == known((0.25 * 10 + 0.25) + 1.5 + 0.125)
    size = (folder_of(made_sweep, 1) / "video.mp4").stat().st_size
    assert measures[0]["file_mib"] == known(size / 2**20)


def test_points_that_are_not_finished_say_so(sweep: Path, tmp_path: Path):
    set_status(sweep, 1, "FAILED", "GenerationError: not finite")
    set_status(sweep, 2, "KILLED", "Interrupted: SIGINT")
    shutil.rmtree(folder_of(sweep, 3))
    (folder_of(sweep, 4) / "record.json").write_text("{")
    (folder_of(sweep, 5) / "video.mp4").unlink()
    measures = measure_all(sweep, tmp_path / "kept")
    for number, reason in ((1, "it failed"), (2, "it was stopped"), (3, "it has not been begun")):
        assert measures[number - 1] == dict.fromkeys(KEYS, unknown(reason))
    assert "its record cannot be used" in str(measures[3]["seconds"].reason)
    # What it took is known, though its video has gone.
    for key in KEYS:
        assert measures[4][key].reason == ("'video.mp4' is gone" if key in OF_THE_VIDEO else None)
    assert measures[5]["seconds"].value is not None


def test_a_measure_is_a_finite_number_or_a_reason():
    for value, reason in ((None, None), (1.0, "known"), (float("nan"), None), (float("inf"), None)):
        with pytest.raises(AssertionError):
            Measure(value, reason)


def test_metrics_are_described():
    assert len(KEYS) == len(METRICS)
    for metric in METRICS:
        assert metric.help.endswith(".")
        assert ". " not in metric.help.replace("et al. ", "")
        assert (metric.better is None) == (metric.kind == "description")

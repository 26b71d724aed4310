"""Who hears of a run."""

from pathlib import Path

from s2v_runner.tracking.destination import Destination
from s2v_runner.tracking.reporter import NoReporter, Reporter, RunReporter


def make_reporter(folder: Path, destination: Destination | None) -> RunReporter:
    """One that tells the destination; one that tells nobody where there is none."""
    return NoReporter() if destination is None else Reporter(folder, destination)

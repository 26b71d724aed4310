"""The page where a team looks at it: among the artifacts of the sweep's run, on MLflow's own page."""

from dataclasses import replace
from pathlib import Path

import pytest

from s2v_runner.comparison.compare import compare_sweep
from s2v_runner.tracking.definition import DEFINITION_NAME, read_definition
from s2v_runner.tracking.destination import Destination
from s2v_runner.tracking.publisher import publish
from s2v_runner.tracking.record import read_record, write_record
from tests.browser import await_true, open_browser
from tests.comparison.sweeps import folder_of
from tests.tracking.server import running_server

pytestmark = pytest.mark.browser
_PATIENCE_MS = 60_000


def note_comparison(sweep: Path) -> None:
    """Write the page, and the record of the sweep that has it."""
    definition = read_definition(sweep)
    files = {"definition": DEFINITION_NAME, **compare_sweep(sweep, None, lambda _: None).files}
    first = read_record(folder_of(sweep, 1))
    plan = {"points": len(definition.points), "finished": len(definition.points), "failed": 0}
    record = replace(first, kind="sweep", identity=definition.identity, plan=plan, files=files, frames=None, inputs={})
    write_record(sweep, record)


def test_it_plays_among_the_artifacts_of_the_sweeps_run(sweep: Path, tmp_path: Path):
    note_comparison(sweep)
    with running_server(tmp_path) as server, open_browser() as browser:
        destination = Destination(
            uri=server.uri, experiment="studies", run_name=None, outputs=sweep.parents[1], patience=30.0
        )
        published = publish(sweep, destination)
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        page.goto(f"{published.page}/artifacts/comparison.html")
        element = page.wait_for_selector("iframe", timeout=_PATIENCE_MS)
        assert element is not None
        frame = element.content_frame()
        assert frame is not None
        frame.wait_for_selector("#grid canvas", timeout=_PATIENCE_MS)
        assert element.get_attribute("sandbox") == "allow-scripts"
        frame.click("#play")
        for wanted in ("frame 2 ", "frame 5 "):
            # It goes round, so each comes by.
            await_true(frame, "(text) => document.getElementById('frame').textContent.startsWith(text)", wanted)
        assert frame.evaluate("() => document.getElementById('banner').hidden")

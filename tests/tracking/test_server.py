"""Publishing to a real MLflow server, with a line to it that can be cut, and to ports where none answers."""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from s2v_runner.tracking.destination import Destination, TrackingError
from s2v_runner.tracking.notes import PUBLISHED_NAME
from s2v_runner.tracking.publisher import publish, published_before
from s2v_runner.tracking.record import read_record, write_record
from s2v_runner.tracking.sync import fetch_record, sync_runs
from s2v_runner.tracking.translation import PARENT_TAG
from tests.tracking.conftest import STEPS, BuildFolder, BuildRecord, log_steps
from tests.tracking.relay import Relay
from tests.tracking.server import Server, running_server
from tests.tracking.sweeps import define_sweep, lay_sweep, write_page

_ALL = 1000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def relay(server: Server) -> Iterator[Relay]:
    relay = Relay(server.port)
    relay.allow(_ALL)
    yield relay
    relay.close()


def destination_to(uri: str, outputs: Path) -> Destination:
    return Destination(uri=uri, experiment="on a server", run_name=None, outputs=outputs, patience=10.0)


def test_a_run_arrives_whole(server: Server, tmp_path: Path, build_record: BuildRecord, build_folder: BuildFolder):
    record = build_record("RUNNING", resolved={"prompt": "ü" * 20_000, "empty": ""})
    folder = build_folder(tmp_path, "12-00-00_whole", record)
    destination = destination_to(f"{server.uri}/", tmp_path)
    running = publish(folder, destination)
    assert not running.complete
    write_record(folder, build_record("FINISHED"))
    log_steps(folder, clip=1)
    published = publish(folder, destination)
    assert published == replace(running, complete=True)

    assert published.page == f"{server.uri}/#/experiments/{published.experiment_id}/runs/{published.run_id}"
    assert published.page_command is None
    run = server.ledger.run(published.run_id)
    assert run.info.status == "FINISHED"
    assert (len(run.data.params["prompt"]), run.data.params["empty"]) == (6000, "")
    assert len(server.ledger.history(published.run_id, "step_seconds")) == 2 * STEPS
    assert server.ledger.artifacts(published.run_id) == {"video.mp4", "run.log", "steps.jsonl", "record.json"}
    assert server.ledger.artifact(published.run_id, "video.mp4") == (folder / "video.mp4").read_bytes()
    # Nothing of a server's runs is kept beside it.
    assert not destination.database.exists()

    before = server.ledger.everything(published.run_id)
    assert publish(folder, destination) == published
    assert server.ledger.everything(published.run_id) == before


def test_a_record_comes_back(server: Server, tmp_path: Path, build_record: BuildRecord, build_folder: BuildFolder):
    folder = build_folder(tmp_path, "12-00-00_back", build_record("FINISHED"))
    destination = destination_to(server.uri, tmp_path)
    run_id = publish(folder, destination).run_id
    assert read_record(fetch_record(run_id, destination, tmp_path / "fetched")) == build_record("FINISHED")


def test_many_long_params_arrive(server: Server, tmp_path: Path, build_record: BuildRecord, build_folder: BuildFolder):
    resolved = {f"setting {number}": "ä" * 5000 for number in range(250)}
    record = build_record("RUNNING", resolved=resolved, choices={}, plan={})
    folder = build_folder(tmp_path, "12-00-00_params", record)
    run_id = publish(folder, destination_to(server.uri, tmp_path)).run_id
    assert server.ledger.run(run_id).data.params == resolved


def test_passwords_are_used_and_not_noted_down(
    server: Server, tmp_path: Path, build_record: BuildRecord, build_folder: BuildFolder
):
    folder = build_folder(tmp_path, "12-00-00_secret", build_record("FINISHED"))
    published = publish(folder, destination_to(f"http://ada:s3cret@127.0.0.1:{server.port}", tmp_path))
    assert published.uri == server.uri
    assert published.page.startswith(f"{server.uri}/#/")
    assert "s3cret" not in (folder / PUBLISHED_NAME).read_text()


def test_a_run_goes_to_each_place_once(
    server: Server, embedded: Destination, build_record: BuildRecord, build_folder: BuildFolder
):
    folder = build_folder(embedded.outputs, "12-00-00_twice", build_record("FINISHED"))
    there = destination_to(server.uri, embedded.outputs)
    first, second = publish(folder, embedded), publish(folder, there)
    assert first.run_id != second.run_id
    assert published_before(folder, embedded) == first
    assert published_before(folder, there) == second


def test_a_line_that_is_cut_loses_and_doubles_nothing(
    server: Server, relay: Relay, tmp_path: Path, build_record: BuildRecord, build_folder: BuildFolder
):
    destination = destination_to(relay.uri, tmp_path)
    reference = build_folder(tmp_path, "reference", build_record("FINISHED"))
    run_id = publish(reference, destination).run_id
    expected, known = server.ledger.everything(run_id), set(server.ledger.run_ids())
    num_requests = relay.seen

    # Each request in turn is carried out and not answered, and the line is dead from then on.
    for allowance in range(num_requests):
        folder = build_folder(tmp_path, f"cut after {allowance}", build_record("FINISHED"))
        relay.allow(allowance)
        with pytest.raises(TrackingError, match=r"cannot be reached .* `s2v-runner sync`") as caught:
            publish(folder, destination)
        assert caught.value.away

    relay.allow(_ALL)
    synced = list(sync_runs(tmp_path, lambda _: destination))
    assert len(synced) == num_requests + 1
    assert all(published and published.complete and problem is None for _, published, problem in synced)
    assert len(set(server.ledger.run_ids()) - known) == num_requests
    for _, published, _ in synced:
        assert published
        arrived = server.ledger.everything(published.run_id)
        for part in ("status", "params", "histories", "artifacts"):
            assert arrived[part] == expected[part], part


def test_a_sweep_arrives_whole_with_its_points(server: Server, tmp_path: Path, build_record: BuildRecord):
    definition = define_sweep("server", 2)
    sweep = lay_sweep(tmp_path, build_record, definition, "FINISHED", ["FINISHED", "FINISHED"])
    write_page(sweep, "page" * 100_000)
    synced = list(sync_runs(tmp_path, lambda _: destination_to(server.uri, tmp_path)))
    assert [(published and published.complete, problem) for _, published, problem in synced] == [(True, None)] * 3
    run_ids = [published.run_id for _, published, _ in synced if published]
    parent, children = server.ledger.run(run_ids[0]), [server.ledger.run(run_id) for run_id in run_ids[1:]]
    assert parent.info.run_name == "steps × guide_scale"
    assert parent.data.metrics == {"points": 2, "finished": 2, "failed": 0}
    assert {child.data.tags[PARENT_TAG] for child in children} == {parent.info.run_id}
    assert server.ledger.artifact(run_ids[0], "comparison.html").decode() == "page" * 100_000
    assert server.ledger.artifacts(run_ids[0]) == {"sweep.json", "comparison.html", "comparison.csv", "record.json"}


def test_a_line_that_is_cut_begins_a_sweep_and_its_point_once(
    server: Server, relay: Relay, tmp_path: Path, build_record: BuildRecord
):
    destination, known = destination_to(relay.uri, tmp_path), set(server.ledger.run_ids())

    def lay_point(name: str) -> Path:
        definition = define_sweep(name, 1)
        sweep = lay_sweep(tmp_path, build_record, definition, "RUNNING", ["RUNNING"])
        return sweep / "points" / definition.points[0].folder_name

    relay.allow(_ALL)
    publish(lay_point("uncut"), destination)
    num_requests = relay.seen
    for allowance in range(num_requests):
        point = lay_point(f"cut after {allowance}")
        relay.allow(allowance)
        with pytest.raises(TrackingError):
            publish(point, destination)
        relay.allow(_ALL)
        publish(point, destination)
    runs = {run_id: server.ledger.run(run_id).data.tags for run_id in set(server.ledger.run_ids()) - known}
    parents = {run_id for run_id, tags in runs.items() if tags["kind"] == "sweep"}
    children = [tags for tags in runs.values() if tags["kind"] == "point"]
    assert len(parents) == len(children) == num_requests + 1
    assert {tags[PARENT_TAG] for tags in children} == parents


def test_a_dead_port_is_given_up_at_once(tmp_path: Path, build_record: BuildRecord, build_folder: BuildFolder):
    folder = build_folder(tmp_path, "dead", build_record("FINISHED"))
    began = time.monotonic()
    with pytest.raises(TrackingError) as caught:
        publish(folder, destination_to("http://127.0.0.1:1", tmp_path))
    assert str(caught.value) == (
        "MLflow at 'http://127.0.0.1:1' cannot be reached (Connection refused). "
        "The run is whole in its folder; `s2v-runner sync` sends it later"
    )
    assert caught.value.away
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    ("status", "reason"), [(503, r"is in trouble .*503"), (401, r"refuses the run .*401.*Who are you\?")]
)
def test_a_server_that_refuses_says_why(
    tmp_path: Path, build_record: BuildRecord, build_folder: BuildFolder, status: int, reason: str
):
    class Refusal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"Who are you?\nSee your administrator.")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    folder = build_folder(tmp_path, "refused", build_record("FINISHED"))
    with HTTPServer(("127.0.0.1", 0), Refusal) as refusing:
        thread = threading.Thread(target=refusing.handle_request)
        thread.start()
        with pytest.raises(TrackingError, match=reason) as caught:
            publish(folder, destination_to(f"http://127.0.0.1:{refusing.server_port}", tmp_path))
        thread.join()
    assert not caught.value.away


def test_a_port_that_never_answers_is_given_up(
    tmp_path: Path, build_record: BuildRecord, build_folder: BuildFolder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    folder = build_folder(tmp_path, "silent", build_record("FINISHED"))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        destination = destination_to(f"http://127.0.0.1:{silent.getsockname()[1]}", tmp_path)
        began = time.monotonic()
        with pytest.raises(TrackingError, match="does not answer in time") as caught:
            publish(folder, destination)
        assert caught.value.away
        assert 1 <= time.monotonic() - began < 15


def test_a_server_that_dies_is_noticed_at_once(
    server: Server, tmp_path: Path, build_record: BuildRecord, build_folder: BuildFolder
):
    """The last test: there is no server after it."""
    folder = build_folder(tmp_path, "orphan", build_record("RUNNING"))
    destination = destination_to(server.uri, tmp_path)
    publish(folder, destination)
    server.kill()
    log_steps(folder, clip=1)
    began = time.monotonic()
    with pytest.raises(TrackingError, match="cannot be reached"):
        publish(folder, destination)
    assert time.monotonic() - began < 15

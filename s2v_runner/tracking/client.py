"""The one place that speaks to MLflow. MLflow is imported when a connection is made, which takes seconds."""

import logging
import os
import socket
import sqlite3
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from filelock import FileLock

from s2v_runner.errors import InputError, OutputError
from s2v_runner.tracking.destination import Destination, TrackingError
from s2v_runner.tracking.translation import KEY_TAG, Point, legal_key

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import RunInfo

POINTS_AT_ONCE = 1000
# Seconds to wait for another process that makes the database: 3 on a local disk.
_DATABASE_PATIENCE = 60
# Of the destination's patience: the rest is for what is to be told, and for saying that it could not be.
_PATIENCE_FOR_LOCKS = 0.5
_LONGEST_REASON = 300
# As SQLite names its errors.
_LOCKED = ("SQLITE_BUSY", "SQLITE_LOCKED")
_UNKNOWN_RUN = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")

# MLflow's page shows an experiment of this kind as a table of runs with charts, others as traces of a language model.
_EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}

# What MLflow is told by the environment, where the user has not.
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # By default a dead server blocks each call for four minutes. Creating a run is also not to be repeated blindly.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    # What goes wrong is raised as well; on the terminal it would only disturb the progress of the run.
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


@contextmanager
def connect(destination: Destination) -> Iterator["Connection"]:
    """Reach a destination. Whatever MLflow raises inside comes out as TrackingError.

    Raises TrackingError. The embedded database is made when it is not there.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    # MLflow's tables use what newer SQLAlchemy deprecates. Nobody here can mend that.
    warnings.filterwarnings("ignore", message="The ``noload`` loader strategy", category=DeprecationWarning)
    try:
        yield Connection(_open(destination), destination)
    except (InputError, OutputError, TrackingError):
        raise
    except Exception as error:
        # Stores and artifact stores raise what their libraries raise: there is no list to catch by.
        raise TrackingError(destination.address, *_explain(error)) from error


@dataclass(frozen=True)
class Connection:
    """A destination that was reached. What goes wrong is raised as MLflow raises it; `connect` translates."""

    client: "MlflowClient"
    destination: Destination

    def knows(self, run_id: str) -> bool:
        """Whether the run is still there: databases are deleted, and servers set up anew."""
        from mlflow.exceptions import MlflowException

        try:
            self.client.get_run(run_id)
        except MlflowException as error:
            if error.error_code not in _UNKNOWN_RUN:
                raise
            return False
        return True

    def find_or_create_run(self, tags: Mapping[str, str], started: int) -> "RunInfo":
        """The run of this key. `started` is in milliseconds since the epoch."""
        experiment_id = self._find_or_create_experiment()
        found = self.client.search_runs([experiment_id], f"tags.{KEY_TAG} = '{tags[KEY_TAG]}'", max_results=1)
        return (found[0] if found else self.client.create_run(experiment_id, started, dict(tags))).info

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        from mlflow.entities import RunTag

        self.client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])

    def log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        """Log what is new. MLflow keeps the first value of a param: one that changed becomes a tag, `changed.<key>`."""
        from mlflow.entities import Param

        present = self.client.get_run(run_id).data.params
        new = [Param(key, value) for key, value in params.items() if key not in present]
        # The client itself makes requests of a hundred of them.
        self.client.log_batch(run_id, params=new)
        changed = {key: value for key, value in params.items() if present.get(key, value) != value}
        self.set_tags(run_id, {legal_key(f"changed.{key}"): value for key, value in changed.items()})

    def log_points(self, run_id: str, points: Sequence[Point]) -> None:
        """Log at most `POINTS_AT_ONCE`. MLflow keeps one of those that are equal in everything."""
        from mlflow.entities import Metric

        metrics = [Metric(point.key, point.value, point.milliseconds, point.step) for point in points]
        self.client.log_batch(run_id, metrics=metrics)

    def send_file(self, run_id: str, file: Path, folder: str | None) -> None:
        """Put a file among the artifacts of a run, in this folder of theirs; one of the same name is replaced."""
        self.client.log_artifact(run_id, str(file), folder)

    def clear_uploads(self, run_id: str) -> None:
        """Remove what was being put among the artifacts of a run by processes that were killed.

        Only one process at a time may send files of a run. A server looks after its own folders.
        """
        if self.destination.is_server:
            return
        from mlflow.utils.file_utils import local_file_uri_to_path

        folder = Path(local_file_uri_to_path(self.client.get_run(run_id).info.artifact_uri))
        # MLflow keeps these names for that.
        for path in folder.rglob(".artifact.uploading.*"):
            path.unlink(missing_ok=True)

    def set_status(self, run_id: str, status: str, ended: int) -> None:
        """Set how a run stands, and when it ended in milliseconds since the epoch where it did."""
        if status == "RUNNING":
            self.client.update_run(run_id, status=status)
        else:
            self.client.set_terminated(run_id, status, ended)

    def download(self, run_id: str, name: str, folder: Path) -> None:
        """Fetch an artifact of a run into a folder. Raises InputError when there is none."""
        if not self.knows(run_id):
            address = self.destination.address
            raise InputError(f"run '{run_id}'", f"MLflow at '{address}' does not know it", "Give the id of another run")
        if name not in {artifact.path for artifact in self.client.list_artifacts(run_id)}:
            raise InputError(
                f"run '{run_id}'", f"there is no {name} among its artifacts", "Give a run that s2v-runner finished"
            )
        self.client.download_artifacts(run_id, name, str(folder))

    def _find_or_create_experiment(self) -> str:
        from mlflow.exceptions import MlflowException

        name = self.destination.experiment
        experiment = self.client.get_experiment_by_name(name)
        if experiment is None:
            try:
                return self.client.create_experiment(name, self.destination.artifacts, dict(_EXPERIMENT_TAGS))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            experiment = self.client.get_experiment_by_name(name)
            assert experiment is not None, name
        return experiment.experiment_id


def _open(destination: Destination) -> "MlflowClient":
    from mlflow import MlflowClient

    # Again, for a process that had imported MLflow before.
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(os.environ["MLFLOW_LOGGING_LEVEL"].upper())
    if destination.sqlite_file is not None:
        _wait_for_writers(destination.sqlite_file, destination.patience * _PATIENCE_FOR_LOCKS)
    outputs = destination.outputs
    lock = nullcontext()
    if not destination.is_server:
        outputs.mkdir(parents=True, exist_ok=True)
        # Two processes that make the tables at once trip over each other.
        lock = FileLock(outputs / f".{destination.database.name}.lock", timeout=_DATABASE_PATIENCE)
    with lock:
        if destination.is_embedded:
            _prepare_database(destination.database)
        return MlflowClient(destination.tracking_uri)


def _wait_for_writers(path: Path, patience: float) -> None:
    """Until the database may be written to. Raises at once where it cannot be opened, and when patience is over.

    MLflow would try for two minutes to open what it cannot, and wait for locks for 20 seconds at each statement.
    """
    if path.exists():
        with closing(sqlite3.connect(path, timeout=patience, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")


def _prepare_database(path: Path) -> None:
    """Make the embedded database where there is none."""
    from mlflow import MlflowClient

    if "?" in str(path):
        raise ValueError("the address of a database has no place for the '?' in the folder's name")
    if path.exists():
        return
    # Under another name first: with half of its tables, as a kill leaves it, MLflow could never open it again.
    # A new name each time, since MLflow holds on to databases by their names.
    for leftover in path.parent.glob(f".{path.name}.unfinished-*"):
        leftover.unlink()
    unfinished = path.with_name(f".{path.name}.unfinished-{uuid4().hex}")
    MlflowClient(f"sqlite:///{unfinished}")
    unfinished.replace(path)


def _explain(error: Exception) -> tuple[str, bool]:
    """What went wrong in words that follow the address, and whether nothing answers there."""
    from urllib3.exceptions import ResponseError

    for cause in _causes_of(error):
        if isinstance(cause, TimeoutError):
            return "does not answer in time", True
        if isinstance(cause, ConnectionError | socket.gaierror):
            return f"cannot be reached ({getattr(cause, 'strerror', None) or cause})", True
        if getattr(cause, "sqlite_errorname", "").startswith(_LOCKED):
            return "cannot be told: the database is locked by another process, which does not let go of it", True
        if isinstance(cause, ResponseError):
            return f"is in trouble ({cause})", False
    reason = " ".join(str(error).split()) or type(error).__name__
    return f"refuses the run ({reason[:_LONGEST_REASON].rstrip('.')})", False


def _causes_of(error: BaseException) -> Iterator[BaseException]:
    """The error and what is behind it; urllib3 hands some causes on as arguments alone."""
    yield error
    behind = error.__cause__ or error.__context__
    for cause in (behind, *error.args):
        if isinstance(cause, BaseException):
            yield from _causes_of(cause)

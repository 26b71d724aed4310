"""Where runs are published, and what is known of one that was."""

import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

DATABASE_NAME = "mlflow.db"
ARTIFACTS_NAME = "mlartifacts"

_SERVER = re.compile(r"(https?|databricks(-uc)?)(:|$)")
_SQLITE = re.compile(r"sqlite(\+\w+)?:///(?P<path>[^?]+)")
_CREDENTIALS = re.compile(r"(?<=//)[^/@\s]*@")


class TrackingError(RuntimeError):
    """MLflow could not be told. Nothing is lost by it: the folder of the run has everything."""

    def __init__(self, address: str, problem: str, away: bool) -> None:
        self.away = away
        """Whether nothing answers there, so that other runs need not try."""
        super().__init__(
            f"MLflow at '{address}' {problem}. The run is whole in its folder; `s2v-runner sync` sends it later"
        )


@dataclass(frozen=True)
class Destination:
    """Where a run is to be published, and under which name."""

    uri: str | None
    """A tracking server or a database; none at all is a database in the output folder."""
    experiment: str
    run_name: str | None
    """None is the run's own name: its day and its folder."""
    outputs: Path
    patience: float
    """Seconds that the end of a run waits for it in all."""

    @property
    def tracking_uri(self) -> str:
        """The address as MLflow takes it, absolute for the database in the output folder."""
        return self.uri.rstrip("/") if self.uri else f"sqlite:///{self.database}"

    @property
    def address(self) -> str:
        """The address as it may be shown and written down: without the name and password that it may hold."""
        return without_credentials(self.tracking_uri)

    @property
    def database(self) -> Path:
        """The file of the embedded database."""
        return self.outputs.resolve() / DATABASE_NAME

    @property
    def sqlite_file(self) -> Path | None:
        """The file of the SQLite database that keeps the runs, embedded or not; None where something else does."""
        if self.is_embedded:
            return self.database
        found = _SQLITE.match(self.tracking_uri)
        return None if found is None else Path(found["path"])

    @property
    def is_embedded(self) -> bool:
        """Whether the database in the output folder keeps the runs."""
        return not self.uri

    @property
    def is_server(self) -> bool:
        """Whether a server keeps the runs, rather than this process in a database."""
        return _SERVER.match(self.tracking_uri) is not None

    @property
    def artifacts(self) -> str | None:
        """The folder that artifacts of new experiments go to; None where a server decides it."""
        return None if self.is_server else str(self.outputs.resolve() / ARTIFACTS_NAME)


@dataclass(frozen=True)
class Published:
    """A run as MLflow has it."""

    run_id: str
    experiment_id: str
    uri: str
    """Without credentials."""
    complete: bool
    """Whether the run has ended and everything of it has arrived."""
    page: str
    """The run's page: its address on a server, or what follows the host once `page_command` has started the page."""
    page_command: str | None
    """The command that shows a database; None for a server, which has its page."""


def describe_published(destination: Destination, run_id: str, experiment_id: str, complete: bool) -> Published:
    """What to tell the user of a run that was published."""
    path = f"/#/experiments/{experiment_id}/runs/{run_id}"
    if destination.is_server:
        return Published(run_id, experiment_id, destination.address, complete, f"{destination.address}{path}", None)
    command = f"{_mlflow()} ui --backend-store-uri {shlex.quote(destination.address)}"
    return Published(run_id, experiment_id, destination.address, complete, path, command)


def without_credentials(text: str) -> str:
    """The text without the names and passwords that addresses in it may hold."""
    return _CREDENTIALS.sub("", text)


def _mlflow() -> str:
    """How MLflow's own command is called here: by its path where its name alone would not find it."""
    beside = Path(sys.executable).parent / "mlflow"
    found = shutil.which("mlflow")
    return "mlflow" if found is not None and Path(found) == beside else shlex.quote(str(beside))

"""What a database of MLflow holds, asked for directly."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.entities import Run


class Ledger:
    """Reads a database that is there."""

    def __init__(self, uri: str, artifacts: Path) -> None:
        self._uri = uri
        self._artifacts = artifacts
        """Where a server keeps what it was sent."""

    @property
    def _client(self):
        # Late: the tables of a database that is not there yet would be made here.
        from mlflow import MlflowClient

        return MlflowClient(self._uri)

    def run(self, run_id: str) -> "Run":
        return self._client.get_run(run_id)

    def run_ids(self) -> list[str]:
        """All runs of all experiments."""
        experiments = [experiment.experiment_id for experiment in self._client.search_experiments()]
        return [run.info.run_id for run in self._client.search_runs(experiments)]

    def experiment(self, experiment_id: str) -> str:
        return self._client.get_experiment(experiment_id).name

    def rename(self, run_id: str, name: str) -> None:
        self._client.update_run(run_id, name=name)

    def delete(self, run_id: str) -> None:
        self._client.delete_run(run_id)

    def metrics(self, run_id: str) -> dict[str, float]:
        return self.run(run_id).data.metrics

    def history(self, run_id: str, key: str) -> list[tuple[int, float, int]]:
        """Step, value and milliseconds of each point."""
        points = self._client.get_metric_history(run_id, key)
        return sorted((point.step, point.value, point.timestamp) for point in points)

    def artifacts(self, run_id: str) -> set[str]:
        folder = self.artifact_folder(run_id)
        return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}

    def artifact(self, run_id: str, name: str) -> bytes:
        return (self.artifact_folder(run_id) / name).read_bytes()

    def artifact_folder(self, run_id: str) -> Path:
        place = str(self.run(run_id).info.artifact_uri)
        return self._artifacts / place.removeprefix("mlflow-artifacts:/")

    def everything(self, run_id: str) -> dict[str, Any]:
        """All that could be there twice."""
        run = self.run(run_id)
        return {
            "runs": sorted(self.run_ids()),
            "status": run.info.status,
            "params": run.data.params,
            "tags": run.data.tags,
            "histories": {key: self.history(run_id, key) for key in run.data.metrics},
            "artifacts": self.artifacts(run_id),
        }

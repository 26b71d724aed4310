"""What crews are asked to make."""

from dataclasses import dataclass

from s2v_runner.config.compose import Composed
from s2v_runner.execution import Session
from s2v_runner.prepare import PreparedRun
from s2v_runner.run import FinishedRun, perform_run


@dataclass(frozen=True)
class RunJob:
    """One video."""

    run: PreparedRun
    composed: Composed
    command: tuple[str, ...]
    reproduces: str | None

    def perform(self, session: Session) -> FinishedRun:
        """Raises as `perform_run` does."""
        return perform_run(self.run, self.composed, self.command, session, self.reproduces)

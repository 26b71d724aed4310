"""One run made by a crew: started, watched, and its record closed when the crew could not do so itself."""

from s2v_runner.config.compose import Composed
from s2v_runner.config.resolve import as_path
from s2v_runner.describe import destination_of
from s2v_runner.errors import GenerationError
from s2v_runner.parallel.crew import CrewError
from s2v_runner.parallel.jobs import RunJob
from s2v_runner.parallel.starting import Starter, Wanted, do_with_crew
from s2v_runner.prepare import PreparedRun
from s2v_runner.run import FinishedRun
from s2v_runner.tracking.choice import make_reporter
from s2v_runner.tracking.folder import lost_runs
from s2v_runner.tracking.recorder import close_lost


def perform_shared_run(
    run: PreparedRun, composed: Composed, command: tuple[str, ...], reproduces: str | None, starter: Starter
) -> FinishedRun:
    """Raises as `perform_run` does, and GenerationError that names the process which ended the others."""
    config = composed.config
    wanted = Wanted(
        topology=run.topology,
        patience=config.parallel.patience,
        device=config.memory.device,
        job=RunJob(run, composed, command, reproduces),
        speaks=True,
        takes_turns=False,
    )
    try:
        finished = do_with_crew(wanted, starter)
    except CrewError as error:
        outputs = as_path(config.output.folder).absolute()
        for folder in lost_runs(outputs, run.identity):
            close_lost(folder, "FAILED", str(error))
            # Which the first process told of the run while it went on.
            make_reporter(folder, destination_of(config)).close()
        raise GenerationError(f"{error}. The same command goes on after the last finished clip") from error
    assert isinstance(finished, FinishedRun)
    return finished

"""Crews that are started by a process of another machine."""

from dataclasses import dataclass
from pathlib import Path

from s2v_runner.interruption import Interrupted, stoppable
from s2v_runner.parallel.crew import CrewError
from s2v_runner.parallel.jobs import Share
from s2v_runner.parallel.starting import StarterHere, Wanted, do_with_crew, gpus_here
from s2v_runner.parallel.workers import Ended


@dataclass(frozen=True, kw_only=True)
class Errand:
    """What a process of another machine is sent for: to have a crew of its own do a job."""

    wanted: Wanted
    needs_gpus: bool
    shared: Path
    """A folder that this machine and the other have in common, if all is well."""

    def __call__(self) -> Ended:
        """Do it. What goes wrong is a reason, and not raised."""
        problem = self.problem()
        if problem is not None:
            return Ended(None, problem)
        try:
            with stoppable():
                share = do_with_crew(self.wanted, self.starter())
        except Interrupted as interruption:
            return Ended(None, f"the process was stopped by {interruption.name}")
        except Exception as error:
            return Ended(None, str(error) if isinstance(error, CrewError) else f"{type(error).__name__}: {error}")
        assert isinstance(share, Share)
        return Ended(share, None)

    def problem(self) -> str | None:
        """Why it cannot be done here."""
        if not self.shared.is_dir():
            return f"'{self.shared}' is not there: output.folder must be on a disk that all machines share"
        processes, gpus = self.wanted.topology.processes, len(self._gpus())
        if self.needs_gpus and gpus < processes:
            return f"it sees {gpus} GPUs, and a video needs {processes}"
        return None

    def starter(self) -> StarterHere:
        return StarterHere(self._gpus(), crews=1)

    def _gpus(self) -> tuple[str, ...]:
        return gpus_here(self.wanted.device) if self.needs_gpus else ()

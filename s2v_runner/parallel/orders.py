"""What a process of a crew is told when it is started, and what it leaves behind. Nothing heavy is imported."""

import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from s2v_runner.parallel.topology import Topology

if TYPE_CHECKING:
    from s2v_runner.execution import Session


class Job(Protocol):
    """What a crew is to make. It travels to the first of its processes."""

    def perform(self, session: "Session") -> Any:
        """Do it, with the model that this session holds; what is returned travels back."""
        ...


@dataclass(frozen=True, kw_only=True)
class Orders:
    """For one process."""

    rank: int
    topology: Topology
    address: str
    """Where the processes find each other, as PyTorch has it."""
    on_gpu: bool
    """On the one that it sees, or on the CPU."""
    threads: int | None
    """Of the CPU to compute on; None leaves it to PyTorch."""
    patience: float
    """Seconds to wait for others that are at work."""
    job: Job | None
    """For the first process; the others are told by it."""
    speaks: bool
    """Whether what the first process prints is for the person; else it is kept as the others' is."""
    takes_turns: bool
    """Whether it reads a checkpoint only while no other process of this machine does."""
    folder: Path
    """For what it leaves behind. Each process of a crew on one machine has the same."""

    @property
    def traces(self) -> "Traces":
        return Traces(self.folder, self.rank)


@dataclass(frozen=True)
class Traces:
    """The files of one process."""

    folder: Path
    rank: int

    @property
    def orders(self) -> Path:
        return self.folder / f"orders-{self.rank}.pickle"

    @property
    def pulse(self) -> Path:
        return self.folder / f"pulse-{self.rank}"

    @property
    def output(self) -> Path:
        """What it prints, unless it is for the person."""
        return self.folder / f"output-{self.rank}.log"

    @property
    def reason(self) -> Path:
        """Why it ended, or whom it has lost, where it could say so."""
        return self.folder / f"reason-{self.rank}.json"

    @property
    def result(self) -> Path:
        """What came of the job: what it returned, or the error that a user can mend."""
        return self.folder / "result.pickle"

    def write_reason(self, text: str, is_loss: bool) -> None:
        """Say why it cannot go on; `is_loss` where others left it."""
        written = self.reason.with_suffix(".part")
        written.write_text(json.dumps({"text": text, "is_loss": is_loss}), encoding="utf-8")
        written.replace(self.reason)

    def read_reason(self) -> Mapping[str, Any] | None:
        try:
            return json.loads(self.reason.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def write_result(self, result: object) -> None:
        self.result.write_bytes(pickle.dumps(result))

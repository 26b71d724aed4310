"""Searches with a stub for an engine, whose points have measures that their settings decide."""

import gc
import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from s2v_runner import production
from s2v_runner.cli import guarded
from s2v_runner.commands import search as command
from s2v_runner.config.asked import read_asked
from s2v_runner.config.compose import PROJECT
from s2v_runner.execution import Session
from s2v_runner.search.objectives import read_objectives
from s2v_runner.search.preparation import PreparedSearch, prepare_search
from s2v_runner.search.results import TrialResult, read_results
from s2v_runner.sweep import work
from s2v_runner.tracking.definition import SearchDefinition, SweepDefinition, point_folder, read_definition
from s2v_runner.tracking.record import Record, read_record
from s2v_runner.tracking.recorder import Recorder
from tests.runs import Child, fork
from tests.sweep.stub import Stub, Trouble, no_trouble, nothing

Measures = Mapping[str, Mapping[str, Any]]
Plant = Callable[[Record], Measures]
"""What is measured of a finished point."""


def planted(record: Record) -> Measures:
    """The mouth is best at a guidance of 3 and with many steps; every step makes flicker."""
    sampler = record.requested["sampler"]
    mouth = 1 - 1 / sampler["steps"] - (sampler["guide_scale"] - 3) ** 2 / 10 + record.base_seed / 100_000
    return {"mouth_r": {"value": mouth, "reason": None}, "flicker": {"value": float(sampler["steps"]), "reason": None}}


@dataclass(frozen=True)
class SearchRig:
    """A folder to make searches in."""

    folder: Path
    settings: tuple[str, ...]
    session: Session

    @property
    def outputs(self) -> Path:
        return self.folder / "outputs"

    @property
    def log(self) -> Path:
        """What the stubs of all processes have noted."""
        return self.folder / "log"

    def words(self, *words: str) -> list[str]:
        return [
            *(*self.settings, "search=optuna", "search.objectives=mouth_r,flicker", "search.startup_trials=3"),
            *("sampler.steps=int(interval(1,9))", "sampler.guide_scale=interval(1,6)", "num_clip=1", *words),
        ]

    def prepare(self, *words: str) -> PreparedSearch:
        return prepare_search(read_asked(self.words(*words), PROJECT, multirun=True))

    def start(
        self,
        *words: str,
        trouble: Trouble = no_trouble,
        plant: Plant = planted,
        prepare: Callable[[], None] = nothing,
    ) -> Child:
        """The command in a process of its own, a fork of this one."""

        def act() -> int:
            # It would touch, and thereby copy, all that this process has.
            gc.disable()
            prepare()
            return self._carry_out(words, trouble, plant)

        return fork(lambda: guarded(act))

    def run(self, *words: str, trouble: Trouble = no_trouble, plant: Plant = planted, status: int = 0) -> str:
        """The command to its end; what it printed."""
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            assert self._carry_out(words, trouble, plant) == status, said.getvalue()
        return said.getvalue()

    def _carry_out(self, words: tuple[str, ...], trouble: Trouble, plant: Plant) -> int:
        with self._in_place_of_the_engine(trouble, plant):
            return command.carry_out_search(read_asked(self.words(*words), PROJECT, multirun=True), ("search", *words))

    @contextmanager
    def _in_place_of_the_engine(self, trouble: Trouble, plant: Plant) -> Iterator[None]:
        close = Recorder.close

        def measure_and_close(recorder: Recorder, status: Any, *rest: Any) -> Any:
            if status == "FINISHED":
                recorder.update(measures=plant(recorder.record))
            return close(recorder, status, *rest)

        with (
            patch.object(production, "generate", Stub(self.log, trouble)),
            patch.object(production, "scope_of", lambda *_: {}),
            patch.object(command, "Session", lambda: self.session),
            patch.object(Recorder, "close", measure_and_close),
            # Of use when the power fails, and half of the time that these searches take.
            patch.object(os, "fsync", lambda _: None),
            patch.object(work, "_SECONDS_BETWEEN_LOOKS", 0.05),
        ):
            yield


@dataclass(frozen=True)
class MadeSearch:
    """A search as it lies on disk."""

    folder: Path

    @property
    def definition(self) -> SweepDefinition:
        return read_definition(self.folder)

    @property
    def search(self) -> SearchDefinition:
        assert self.definition.search is not None
        return self.definition.search

    @property
    def record(self) -> Record:
        return read_record(self.folder)

    @property
    def records(self) -> list[Record]:
        """Of the points, in their order."""
        return [read_record(point_folder(self.folder, point)) for point in self.definition.points]

    @property
    def trials(self) -> list[Mapping[str, Any]]:
        """What was asked."""
        return [trial.values for trial in self.search.trials]

    @property
    def results(self) -> list[TrialResult]:
        from tests.settings import config_with

        objectives = read_objectives(config_with({"search.objectives": ",".join(self.search.objectives)}))
        return read_results(self.folder, self.definition, objectives)


def only_search(rig: SearchRig) -> MadeSearch:
    (folder,) = (rig.outputs / "sweeps").iterdir()
    return MadeSearch(folder)

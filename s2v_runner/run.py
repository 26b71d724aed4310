"""One run, from a configuration to a finished record, whatever happens on the way."""

import shutil
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from s2v_runner.config.compose import Composed, as_yaml
from s2v_runner.config.resolve import as_path
from s2v_runner.console.preparations import intention_lines, preparation_lines
from s2v_runner.console.words import Words
from s2v_runner.derivation.settle import Workbench, settle_inputs
from s2v_runner.describe import (
    destination_of,
    first_record,
    public_settings,
)
from s2v_runner.errors import OutputError
from s2v_runner.execution import Post, Session, execute
from s2v_runner.interruption import Interrupted, undisturbed
from s2v_runner.prepare import DRAWN_SEED, PreparedRun, derived_store, draw_seed
from s2v_runner.replacement import discard_leftovers
from s2v_runner.saving import check_savable, save_path
from s2v_runner.timing import Stopwatch
from s2v_runner.tracking.choice import make_reporter
from s2v_runner.tracking.destination import Destination
from s2v_runner.tracking.folder import RunFolder, finished_videos, open_run_folder
from s2v_runner.tracking.inputs import copy_atomically, keep_inputs
from s2v_runner.tracking.record import Kind, Record, Status, write_atomically
from s2v_runner.tracking.recorder import Recorder
from s2v_runner.tracking.reporter import Outcome

if TYPE_CHECKING:
    # Late where it is used: it brings PyTorch, and half of what can go wrong is found without.
    pass

_CONFIG, _LOG, _DIFF = "config.yaml", "run.log", "diff.patch"


@dataclass(frozen=True)
class FinishedRun:
    folder: Path
    record: Record
    outcome: Outcome
    """What MLflow was told."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """A run that is to be carried out: everything is decided."""

    run: PreparedRun
    """With the seed it is made from."""
    composed: Composed
    folder: RunFolder
    kind: Kind
    command: tuple[str, ...]
    reproduces: str | None
    save_to: Path | None
    destination: Destination | None
    aloud: bool
    """Whether the person is told all of it."""


def find_finished(run: PreparedRun) -> Path | None:
    """The video of a finished run like this one. One whose seed is drawn is like no other."""
    if run.config.base_seed == DRAWN_SEED:
        return None
    outputs = as_path(run.config.output.folder).absolute()
    return next(finished_videos(outputs, run.identity), None)


def perform_run(
    prepared: PreparedRun, composed: Composed, command: tuple[str, ...], session: Session, reproduces: str | None
) -> FinishedRun:
    """Carry a run out and record it. `reproduces` is the folder of the run it repeats, if it does.

    Raises InputError before anything is written for what the user can mend; whatever ends the run later is raised
    once the record says it.
    """
    config = composed.config
    now = datetime.now().astimezone()
    if (wanted := save_path(prepared, {}, now)) is not None:
        check_savable(wanted)
    outputs = as_path(config.output.folder).absolute()
    take_up = config.resume != "force" and reproduces is None
    folder = open_run_folder(outputs, prepared.identity, now, take_up)
    try:
        run = prepared.with_seed(_seed(prepared, folder.previous))
        order = Order(
            run=run,
            composed=composed,
            folder=folder,
            kind="run",
            command=command,
            reproduces=reproduces,
            # Asked again, because the seed may be part of the name.
            save_to=save_path(run, {}, now),
            destination=destination_of(config),
            aloud=True,
        )
        return carry_out(order, session)
    finally:
        folder.lock.release()


def carry_out(order: Order, session: Session) -> FinishedRun:
    """Make the video in a folder that is locked. Whatever ends it is raised once the record and MLflow say so."""
    folder = order.folder
    discard_leftovers(folder.path)
    with Words(folder.path / _LOG, order.aloud) as words:
        record = first_record(
            order.run, folder, order.composed, order.command, session.environment, order.kind, order.reproduces
        )
        recorder = Recorder(folder, record, make_reporter(folder.path, order.destination))
        return _attempt(order, recorder, words, session)


def _attempt(order: Order, recorder: Recorder, words: Words, session: Session) -> FinishedRun:
    run, folder = order.run, order.folder
    stopwatch = Stopwatch()
    try:
        words.say(f"run {folder.path}")
        _keep_what_was_given(run, recorder, session)
        settled = _settle(run, folder, recorder, words, stopwatch)
        made = execute(settled, Post(folder, recorder, words, stopwatch), session)
        files = {**recorder.record.files, **made.files}
        for problem in made.reading.problems:
            words.warn(problem)
        recorder.update(
            files=files,
            frames=asdict(made.frames),
            measures={key: asdict(measure) for key, measure in made.reading.measures.items()},
            clip_measures=made.reading.clips,
        )
        if order.save_to is not None:
            copy_atomically(folder.path / made.files["video"], order.save_to)
            recorder.update(files={**files, "save_file": str(order.save_to)})
    except BaseException as error:
        with undisturbed():
            status: Status = "KILLED" if isinstance(error, Interrupted) else "FAILED"
            words.log_error(f"{status}: {error}", error)
            problem = f"{type(error).__name__}: {error}"
            try:
                recorder.close(status, problem, stopwatch.seconds, _peak_memory(recorder), words.warnings)
            except OutputError as second:
                # What ended the run matters more than that its record cannot say so.
                words.warn(str(second))
        raise
    with undisturbed():
        outcome = recorder.close("FINISHED", None, stopwatch.seconds, _peak_memory(recorder), words.warnings)
        shutil.rmtree(folder.resume, ignore_errors=True)
    return FinishedRun(folder.path, recorder.record, outcome)


def _keep_what_was_given(run: PreparedRun, recorder: Recorder, session: Session) -> None:
    """The configuration, the inputs and the state of the code, beside the record."""
    files = {"config": _CONFIG, "log": _LOG}
    write_atomically(recorder.folder / _CONFIG, as_yaml(public_settings(run.config)))
    diff = session.environment["code"]["diff"]
    if diff is not None:
        files["diff"] = _DIFF
        write_atomically(recorder.folder / _DIFF, diff)
    outputs = as_path(run.config.output.folder).absolute()
    recorder.update(inputs=keep_inputs(outputs, run.inputs), files=files)


def _settle(run: PreparedRun, folder: RunFolder, recorder: Recorder, words: Words, stopwatch: Stopwatch) -> PreparedRun:
    """The run with what was made of its inputs; the record has what was done to them."""
    stopwatch.on_end = words.stage
    for line in intention_lines(run):
        words.say(line)
    before = {} if folder.previous is None else folder.previous.prepared
    bench = Workbench(store=derived_store(run.config), folder=folder.path, before=before, stage=stopwatch.stage)
    settled = settle_inputs(run, bench)
    if bench.has_clips and settled.differs_from(before):
        words.say("what was made of the inputs is not what it was: the clips of an earlier attempt are made anew")
        shutil.rmtree(folder.resume, ignore_errors=True)
    for line in preparation_lines(settled.prepared):
        words.say(line)
    for entry in settled.prepared.values():
        for warning in entry["warnings"]:
            words.warn(warning)
    outputs = as_path(run.config.output.folder).absolute()
    recorder.update(
        inputs=keep_inputs(outputs, settled.run.inputs),
        prepared=settled.prepared,
        files={**recorder.record.files, **settled.files},
    )
    return settled.run


def _seed(run: PreparedRun, previous: Record | None) -> int:
    """The seed that was asked for; one drawn for an attempt that was cut short is kept."""
    if run.config.base_seed != DRAWN_SEED:
        return run.config.base_seed
    return previous.base_seed if previous is not None else draw_seed()


def _peak_memory(recorder: Recorder) -> dict[str, int]:
    """Bytes at the peak; nothing when the run ended before a device was chosen."""
    device = recorder.record.environment.get("device")
    if device is None:
        return {}
    from s2v_runner.placement.devices import peak_memory

    return peak_memory(str(device["device"]))

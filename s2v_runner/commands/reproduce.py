"""`s2v-runner reproduce`: make a run again, and say whether the frames are the same."""

import argparse
import re
import sys
import tempfile
from pathlib import Path

from s2v_runner.commands.outputs import add_outputs, outputs_of
from s2v_runner.commands.run import make_video, tell_finished
from s2v_runner.config.compose import Composed, compose_run, restore_config
from s2v_runner.config.resolve import as_path
from s2v_runner.errors import InputError
from s2v_runner.parallel.starting import crews_from
from s2v_runner.placement.processes import ALONE
from s2v_runner.prepare import PreparedRun, prepare_run
from s2v_runner.repetition import repeated_settings
from s2v_runner.run import FinishedRun, Session
from s2v_runner.tracking.destination import Destination
from s2v_runner.tracking.record import Record, read_record
from s2v_runner.tracking.sync import fetch_record

_DIFFERENT = 1
_DEVICE_WORDS = {"name": "GPU", "memory_bytes": "GPU's memory in bytes", "cuda": "version of CUDA"}
_MLFLOW_ID = re.compile(r"[0-9a-f]{32}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this command."""
    parser.add_argument("made", metavar="run", help="the folder of a run, or its MLflow run id")
    parser.add_argument("--uri", help="the tracking server that knows the id; else the output folder's database")
    add_outputs(parser)
    parser.set_defaults(run=reproduce)


def reproduce(options: argparse.Namespace) -> int:
    """Make the run again. The exit status is 0 when the frames are identical, 1 when not. Raises InputError."""
    record, name, outputs = _find(options)
    if record.kind == "sweep":
        raise InputError(
            f"run '{name}'", "it is a sweep", "Give one of its points, as `s2v-runner list SWEEP` shows them"
        )
    if record.frames is None:
        raise InputError(f"run '{name}'", f"it is {record.status} and made no video", "Give a run that has finished")
    composed = _compose_again(record, outputs)
    run = prepare_run(composed.config)
    for line in _differences(record, run):
        print(f"warning: {line}", file=sys.stderr)
    _compute_alike(record)
    with crews_from(ALONE) as starter_for:
        finished = make_video(run, composed, tuple(sys.argv), name, starter_for)
    tell_finished(finished)
    return _compare(record, finished)


def _find(options: argparse.Namespace) -> tuple[Record, str, Path]:
    """The record, what to call the run, and the output folder for its repetition."""
    folder = as_path(options.made)
    if folder.is_dir():
        record = read_record(folder)
        place = folder.absolute()
        # Points lie one folder deeper than runs.
        home = place.parents[3 if record.kind == "point" else 2]
        return record, str(place), options.outputs.absolute() if options.outputs else home
    if not _MLFLOW_ID.fullmatch(options.made):
        raise InputError(
            f"run '{options.made}'", "there is no such folder", "Give the folder of a run, or an MLflow id"
        )
    outputs = outputs_of(options)
    tracking = compose_run([]).config.tracking
    destination = Destination(options.uri, tracking.experiment, None, outputs, tracking.patience)
    with tempfile.TemporaryDirectory() as place:
        record = read_record(fetch_record(options.made, destination, Path(place)))
    return record, options.made, outputs


def _compose_again(record: Record, outputs: Path) -> Composed:
    """The settings as they were carried out, and the inputs wherever they are now."""
    settings = {**repeated_settings(record, outputs), "save_file": None, "dry_run": False}
    settings["output"] = {**settings["output"], "folder": str(outputs)}
    return Composed(restore_config(settings), record.overrides, record.choices, values={})


def _differences(record: Record, run: PreparedRun) -> list[str]:
    """What may make the frames differ."""
    found = []
    if run.checkpoint_digest != record.checkpoint["digest"]:
        found.append(f"the checkpoint '{record.checkpoint['path']}' is not the one the run was made with")
    for lora, given in zip(run.loras, record.checkpoint.get("loras", ()), strict=True):
        if lora.sha256 != given["sha256"]:
            found.append(f"the LoRA '{lora.path}' is not the one the run was made with")
    environment = Session().environment
    then, now = record.environment["packages"], environment["packages"]
    changed = [name for name in ("torch", "diffusers", "transformers") if then.get(name) != now.get(name)]
    found += [f"{name} was {then.get(name)} and is {now.get(name)}" for name in changed]
    commit, commit_now = record.environment["code"]["commit"], environment["code"]["commit"]
    if commit != commit_now:
        found.append(f"the code was at {commit} and is at {commit_now}")
    return found


def _compute_alike(record: Record) -> None:
    """Take as many threads as the run had: with more or fewer, a CPU adds up in another order."""
    threads = record.environment.get("device", {}).get("threads")
    if threads is not None:
        from s2v_runner.placement.devices import use_threads

        use_threads(threads)


def _compare(record: Record, finished: FinishedRun) -> int:
    made, again = record.frames, finished.record.frames
    assert made is not None
    assert again is not None
    if made["sha256"] == again["sha256"]:
        print(f"the frames are identical: {made['count']} of them, SHA-256 {made['sha256'][:16]}…")
        return 0
    then, now = (f"{frames['count']} with SHA-256 {frames['sha256'][:16]}…" for frames in (made, again))
    print(f"the frames differ: {then} then, {now} now")
    device, device_now = (of.environment.get("device", {}) for of in (record, finished.record))
    for name in device:
        if name in device_now and device[name] != device_now[name]:
            print(f"the {_DEVICE_WORDS.get(name, name)} was {device[name]} and is {device_now[name]}")
    return _DIFFERENT

"""`s2v-runner measure`: measure videos that are there, such as with weights that came later."""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s2v_runner.commands.outputs import add_outputs, destination_for, outputs_of, sweep_of
from s2v_runner.config.compose import compose_run, restore_config
from s2v_runner.config.resolve import as_path
from s2v_runner.errors import InputError
from s2v_runner.metrics.measures import Reading
from s2v_runner.parallel.topology import ALONE
from s2v_runner.prepare import PreparedRun, prepare_run
from s2v_runner.repetition import repeated_settings
from s2v_runner.tracking.definition import DEFINITION_NAME, point_folder, read_definition
from s2v_runner.tracking.destination import TrackingError
from s2v_runner.tracking.publisher import publish, published_before
from s2v_runner.tracking.record import RECORD_NAME, Record, read_record, write_record

if TYPE_CHECKING:
    from s2v_runner.comparison.reading import Footage

_GROUP = "metrics"
_INCOMPLETE = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this command."""
    parser.add_argument("made", metavar="run", help="the folder of a run or of a sweep, or a sweep's identity")
    parser.add_argument("overrides", nargs="*", metavar="metrics.key=value", help="what to measure with")
    parser.add_argument("--again", action="store_true", help="measure what is known already as well")
    add_outputs(parser)
    parser.set_defaults(run=measure)


def measure(options: argparse.Namespace) -> int:
    """Measure every finished video that is named. Raises InputError and OutputError."""
    for word in options.overrides:
        if not word.startswith((f"{_GROUP}.", f"{_GROUP}=")):
            raise InputError(
                f"'{word}'", "it is no setting of metrics", "Give such as metrics.syncnet=syncnet_v2.model"
            )
    metrics = compose_run(options.overrides).config.metrics.model_dump(mode="json")
    if metrics["method"] == "none":
        raise InputError("metrics=none", "nothing would be measured", "Leave it out")
    # Late: it brings what decodes videos.
    from s2v_runner.comparison.reading import read_footage

    folders, lost = _find(options), 0
    for number, folder in enumerate(folders, 1):
        record = read_record(folder)
        if record.status != "FINISHED":
            print(f"{folder}: it is {record.status}, and has no video", file=sys.stderr)
            continue
        try:
            footage = read_footage(folder, record)
        except InputError as error:
            if len(folders) == 1:
                raise
            # The others of a sweep are as good as before.
            print(error, file=sys.stderr)
            lost += 1
            continue
        source, reading = footage.measured.name, _measure(footage, record, metrics, _outputs_around(folder, record))
        for problem in reading.problems:
            print(f"warning: {folder}: {problem}", file=sys.stderr)
        write_record(folder, _with_reading(record, reading, source, options.again))
        _publish(folder)
        values = [entry for entry in reading.measures.values() if entry.value is not None]
        print(f"[{number} of {len(folders)}] {folder.name}: {len(values)} metrics of {source}", flush=True)
    return _INCOMPLETE if lost else 0


def _find(options: argparse.Namespace) -> list[Path]:
    """The folder of the run, or those of all points of the sweep. Raises InputError."""
    folder = as_path(options.made).absolute()
    if folder.is_dir() and not (folder / DEFINITION_NAME).is_file():
        return [folder]
    sweep = sweep_of(outputs_of(options), options.made)
    folders = [point_folder(sweep, point) for point in read_definition(sweep).points]
    return [folder for folder in folders if (folder / RECORD_NAME).is_file()]


def _measure(footage: "Footage", record: Record, metrics: Mapping[str, Any], outputs: Path) -> Reading:
    """Look at every frame. Raises InputError."""
    # Late: they bring PyTorch, and what is asked for wrongly is said without.
    import torch

    from s2v_runner.measurement import open_meter
    from s2v_runner.placement.devices import choose_device
    from s2v_runner.video.reading import open_video

    run = _prepare(record, metrics, outputs)
    meter = open_meter(run, torch.device(choose_device(run.config.memory.device)))
    count = 0
    with open_video(footage.measured) as frames:
        for frame in frames:
            meter.take(frame.rgb[None], [True])
            count += 1
    if count != footage.frames:
        problem = f"it has {count} frames, and {footage.frames} were made"
        raise InputError(f"video '{footage.measured}'", problem, "Make it again")
    return meter.read()


def _prepare(record: Record, metrics: Mapping[str, Any], outputs: Path) -> PreparedRun:
    """The run as it was carried out, its inputs wherever they are now. Raises InputError."""
    settings = {**repeated_settings(record, outputs), _GROUP: metrics, "memory": record.requested["memory"]}
    settings["parallel"] = {**settings["parallel"], **ALONE}
    return prepare_run(restore_config(settings))


def _with_reading(record: Record, reading: Reading, source: str, again: bool) -> Record:
    """The record with what is new; with all of it where everything was to be measured again.

    What was measured as the frames were made is of those frames, and not of what an encoder left of them.
    """
    fresh = {key: {**asdict(measure), "of": source} for key, measure in reading.measures.items()}
    known = {key: entry for key, entry in record.measures.items() if entry["value"] is not None}
    if again or not known:
        return replace(record, measures=fresh, clip_measures=reading.clips)
    return replace(record, measures={**fresh, **known})


def _outputs_around(folder: Path, record: Record) -> Path:
    # Points lie one folder deeper than runs.
    return folder.parents[3 if record.kind == "point" else 2]


def _publish(folder: Path) -> None:
    """Let MLflow have it, where it knows of the run; what goes wrong there is told."""
    try:
        record = read_record(folder)
        destination = destination_for(record, _outputs_around(folder, record), None)
        if destination is not None and published_before(folder, destination) is not None:
            publish(folder, destination)
    except (InputError, TrackingError) as error:
        print(f"warning: {error}", file=sys.stderr)

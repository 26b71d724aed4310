"""`s2v-runner run`: make videos from a configuration."""

import argparse
import sys
from datetime import datetime
from pathlib import Path

from s2v_runner.config.completion import complete_override, describe_settings
from s2v_runner.config.compose import Composed, ConfigSource, compose_points, print_config
from s2v_runner.config.places import CONFIG_NAME
from s2v_runner.config.reach import refuse_unbuilt
from s2v_runner.config.schema import RunConfig
from s2v_runner.console.outline import place_lines, plan_lines
from s2v_runner.describe import placement_request
from s2v_runner.errors import GenerationError, InputError, OutputError
from s2v_runner.placement.choice import choose_placement
from s2v_runner.placement.gpus import list_gpus
from s2v_runner.placement.processes import launched_processes
from s2v_runner.prepare import DRAWN_SEED, prepare_run
from s2v_runner.run import FinishedRun, Session, perform_run
from s2v_runner.saving import save_path

FAILED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this command."""
    overrides = parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings, as listed below")
    # Read by argcomplete.
    setattr(overrides, "completer", complete_override)  # noqa: B010
    parser.add_argument("-m", "--multirun", action="store_true", help="make a run of each combination of what is swept")
    parser.add_argument("-c", "--cfg", choices=["job"], help="print the composed configuration and stop")
    parser.add_argument("-cd", "--config-dir", type=Path, help="a folder of your own groups and configurations")
    parser.add_argument("-cn", "--config-name", default=CONFIG_NAME, help="the configuration to start from")
    parser.epilog = describe_settings()
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compose, and carry out what was composed. Raises as `perform_run` does when there is one run."""
    source = ConfigSource(options.config_dir, options.config_name)
    if options.cfg:
        print(print_config(options.overrides, source), end="")
        return 0
    points = compose_points(options.overrides, source, options.multirun)
    return carry_out(points, tuple(sys.argv), options.multirun)


def carry_out(points: list[Composed], command: tuple[str, ...], multirun: bool) -> int:
    """Make every point; the exit status."""
    refuse_several_processes(points[0].config)
    if points[0].config.dry_run:
        for point in points:
            _show_plan(point)
        return 0
    if not multirun:
        tell_finished(perform_run(points[0], command, Session(), reproduces=None))
        return 0
    return _carry_out_all(points, command)


def _carry_out_all(points: list[Composed], command: tuple[str, ...]) -> int:
    """One after another with one loaded model. A point that fails is told, and the rest go on."""
    _check_apart(points)
    session, failed = Session(), []
    for number, point in enumerate(points, 1):
        print(f"[{number} of {len(points)}] {' '.join(point.overrides)}", flush=True)
        try:
            tell_finished(perform_run(point, command, session, reproduces=None))
        except (InputError, GenerationError, OutputError) as error:
            print(f"failed: {error}", file=sys.stderr, flush=True)
            failed.append(number)
    done = len(points) - len(failed)
    print(f"{done} of {len(points)} runs finished" + (f"; failed: {', '.join(map(str, failed))}" if failed else ""))
    return FAILED if failed else 0


def _check_apart(points: list[Composed]) -> None:
    """Look into every point before the first is made. Raises InputError."""
    now = datetime.now().astimezone()
    names: dict[Path, int] = {}
    for number, point in enumerate(points, 1):
        run = prepare_run(point.config)
        # Seeds that are still to be drawn will differ.
        path = save_path(run.with_seed(number) if point.config.base_seed == DRAWN_SEED else run, now)
        if path is None:
            continue
        if path in names:
            raise InputError(
                f"save_file={point.config.save_file}",
                f"runs {names[path]} and {number} would write the same file",
                "Put what tells them apart into the name, such as {sampler.steps}, {base_seed} or {identity}",
            )
        names[path] = number


def refuse_several_processes(config: RunConfig) -> None:
    """Raises InputError in the first of several processes, with all that is not there yet; ends the others silently."""
    processes = launched_processes()
    if processes.count == 1:
        return
    if not processes.is_first:
        # Not as a failure: a launcher that sees one kills the first process before it has spoken.
        raise SystemExit(0)
    refuse_unbuilt(config)
    raise InputError(
        f"{processes.count} processes",
        "one video on several processes is not there yet",
        "For now, launch one: --num_processes 1, or plain `python -m s2v_runner`",
    )


def _show_plan(point: Composed) -> None:
    run = prepare_run(point.config)
    save_path(run, datetime.now().astimezone())
    asked = point.config.memory.device
    gpus = list_gpus() if asked == "auto" or asked.startswith("cuda") else []
    device = ("cuda" if gpus else "cpu") if asked == "auto" else asked
    placement = choose_placement(
        placement_request(run), device, gpus[0].free_bytes if gpus else None, run.estimate_cost
    )
    print("plan (nothing is loaded or written)")
    cost = run.estimate_cost(placement.dtype_bytes)
    print("\n".join([*plan_lines(run), *place_lines(run, placement, cost)]))


def tell_finished(finished: FinishedRun) -> None:
    """The last lines: what came of the run, and where it is."""
    record, outcome = finished.record, finished.outcome
    assert record.frames is not None
    print(
        f"finished in {record.seconds:.1f} s: {record.frames['count']} frames, SHA-256 {record.frames['sha256'][:16]}…"
    )
    if outcome.problem is not None:
        print(f"warning: {outcome.problem}", file=sys.stderr)
    video = finished.folder / record.files["video"]
    place = record.files.get("save_file", str(video))
    published = outcome.published
    if published is None:
        print(place)
    elif published.page_command is None:
        print(f"{place}  {published.page}")
    else:
        print(f"to see it in MLflow: {published.page_command}")
        print(f"{place}  http://127.0.0.1:5000{published.page}")

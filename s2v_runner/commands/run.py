"""`s2v-runner run`: make videos from a configuration."""

import argparse
import sys
from datetime import datetime
from pathlib import Path

from s2v_runner.commands.search import carry_out_search
from s2v_runner.commands.sweep import carry_out_sweep
from s2v_runner.config.asked import Asked, read_asked
from s2v_runner.config.completion import complete_override, describe_settings
from s2v_runner.config.compose import Composed, ConfigSource, print_config
from s2v_runner.config.places import CONFIG_NAME
from s2v_runner.console.outline import place_lines, plan_lines
from s2v_runner.console.preparations import intention_lines
from s2v_runner.console.quality import quality_line
from s2v_runner.describe import placement_request
from s2v_runner.parallel.shared_run import perform_shared_run
from s2v_runner.parallel.starting import StarterFor, attend_launched, crews_from
from s2v_runner.placement.choice import choose_placement
from s2v_runner.placement.gpus import likely_hardware
from s2v_runner.placement.processes import launched_processes
from s2v_runner.prepare import PreparedRun, prepare_run
from s2v_runner.run import FinishedRun, Session, find_finished, perform_run
from s2v_runner.saving import save_path


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
    return carry_out(read_asked(options.overrides, source, options.multirun), tuple(sys.argv))


def carry_out(asked: Asked, command: tuple[str, ...]) -> int:
    """Make what was asked for; the exit status. Of several launched processes the first one does."""
    if not launched_processes().is_first:
        return attend_launched()
    with crews_from(launched_processes()) as starter_for:
        if asked.space:
            return carry_out_search(asked, command)
        if asked.is_sweep:
            return carry_out_sweep(asked, command, starter_for)
        (composed,) = asked.compose()
        run = prepare_run(composed.config)
        if composed.config.dry_run:
            show_plan(composed, run)
            return 0
        if composed.config.resume == "skip" and (made := find_finished(run)) is not None:
            print(f"it is there already: {made}")
            return 0
        tell_finished(make_video(run, composed, command, None, starter_for))
        return 0


def make_video(
    run: PreparedRun, composed: Composed, command: tuple[str, ...], reproduces: str | None, starter_for: StarterFor
) -> FinishedRun:
    """In this process, or by a crew where it wants several. Raises as `perform_run` or `perform_shared_run` does."""
    if run.topology.processes == 1:
        return perform_run(run, composed, command, Session(), reproduces)
    starter = starter_for(composed.config.memory.device)
    return perform_shared_run(run, composed, command, reproduces, starter)


def show_plan(composed: Composed, run: PreparedRun) -> None:
    """Print what would be made."""
    save_path(run, {}, datetime.now().astimezone())
    hardware = likely_hardware(composed.config.memory.device)
    placement = choose_placement(placement_request(run), hardware, run.estimate_cost)
    print("plan (nothing is loaded or written)")
    cost = run.estimate_cost(placement.form)
    print("\n".join([*plan_lines(run), *intention_lines(run), *place_lines(run, placement, cost)]))


def tell_finished(finished: FinishedRun) -> None:
    """The last lines: what came of the run, and where it is."""
    record, outcome = finished.record, finished.outcome
    assert record.frames is not None
    print(
        f"finished in {record.seconds:.1f} s: {record.frames['count']} frames, SHA-256 {record.frames['sha256'][:16]}…"
    )
    if quality := quality_line(record.measures):
        print(quality)
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

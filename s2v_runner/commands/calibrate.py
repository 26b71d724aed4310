"""`s2v-runner calibrate`: measure where a checkpoint's velocity changes, and choose the steps that speed=fast takes."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from s2v_runner.calibration.file import write_calibration
from s2v_runner.config.asked import read_asked
from s2v_runner.config.completion import complete_override, describe_settings
from s2v_runner.config.compose import Composed, ConfigSource
from s2v_runner.config.places import CONFIG_NAME
from s2v_runner.errors import InputError
from s2v_runner.parallel.topology import ALONE
from s2v_runner.prepare import DRAWN_SEED, PreparedRun, draw_seed, prepare_run
from s2v_runner.records import EVERY_PASS

_EPILOG = """\
With -m the steps are chosen over several runs: -m base_seed=0,1000 sampler.guide_scale=3,4.5 measures four. Each is
made by exact sampling, whatever speed says.

"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this command."""
    overrides = parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings, as listed below")
    # Read by argcomplete.
    setattr(overrides, "completer", complete_override)  # noqa: B010
    parser.add_argument("-m", "--multirun", action="store_true", help="measure each combination of what is swept")
    parser.add_argument("--share", type=float, default=0.4, help="of the steps, how many to take (%(default)s)")
    parser.add_argument(
        "--error", type=float, default=0.05, help="take more where the estimated error is above this (%(default)s)"
    )
    parser.add_argument("--out", type=Path, default=Path("calibration.json"), help="the file to write (%(default)s)")
    parser.add_argument("-cd", "--config-dir", type=Path, help="a folder of your own groups and configurations")
    parser.add_argument("-cn", "--config-name", default=CONFIG_NAME, help="the configuration to start from")
    parser.epilog = _EPILOG + describe_settings()
    parser.set_defaults(run=calibrate)


def calibrate(options: argparse.Namespace) -> int:
    """Make the runs, choose and write. Raises as a run does, and InputError for runs without a common schedule."""
    _check_options(options)
    asked = read_asked(options.overrides, ConfigSource(options.config_dir, options.config_name), options.multirun)
    if asked.space:
        raise InputError("search", "a calibration measures runs that are known", "Leave it out")
    runs = [_prepare(composed) for composed in asked.compose()]
    _check_alike(runs)
    # Late: it brings PyTorch, and what is asked for wrongly is said without.
    from s2v_runner.calibration.calibrate import Wish, calibrate_runs

    calibration = calibrate_runs(runs, Wish(options.share, options.error), _say)
    write_calibration(options.out, calibration)
    share = f"speed.step_share={calibration.step_share:g}"
    print(f"{options.out}\nto use it: speed=fast speed.calibration={options.out} {share}")
    return 0


def _check_options(options: argparse.Namespace) -> None:
    if not 0 < options.share <= 1:
        raise InputError(f"--share {options.share:g}", "a share of the steps is above 0 and at most 1", "1 is all")
    if not options.error > 0:
        raise InputError(f"--error {options.error:g}", "fewer steps always cost something", "Give a number above 0")
    if not options.out.absolute().parent.is_dir():
        raise InputError(f"--out {options.out}", "there is no such folder", "Make it first")


def _prepare(composed: Composed) -> PreparedRun:
    """The run, whatever its speed, by exact sampling, in this process."""
    config = composed.config
    exact = {**vars(EVERY_PASS), "mode": "exact", "calibration": None}
    del exact["levels"]
    changes = {"speed": config.speed.model_copy(update=exact), "parallel": config.parallel.model_copy(update=ALONE)}
    config = config.model_copy(update=changes)
    run = prepare_run(config)
    return run.with_seed(draw_seed()) if config.base_seed == DRAWN_SEED else run


def _check_alike(runs: Sequence[PreparedRun]) -> None:
    first = runs[0]
    for run in runs[1:]:
        facts = {
            "model": (run.checkpoint_digest, first.checkpoint_digest),
            "sampler": (run.request.solver, first.request.solver),
            "sampler.steps": (run.request.steps, first.request.steps),
            "sampler.shift": (run.plan.shift, first.plan.shift),
        }
        for key, (one, other) in facts.items():
            if one != other:
                raise InputError(
                    f"{key}={one}", f"another run of this calibration has {other}", "Give one, and calibrate each"
                )


def _say(line: str) -> None:
    print(line, flush=True)

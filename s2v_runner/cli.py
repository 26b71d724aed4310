"""The command line."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from s2v_runner.config.nearest import suggest
from s2v_runner.errors import GenerationError, InputError, OutputError
from s2v_runner.interruption import Interrupted, stoppable

USER_ERROR = 2
OUR_ERROR = 1
COMMANDS = {
    "run": "make a video, or a sweep of them; what is done when no command is named",
    "calibrate": "measure which steps speed=fast can leave out with a checkpoint, and write that down",
    "check": "say what is missing, damaged or unexpected in a folder of weights",
    "list": "the runs and sweeps in the output folder",
    "compare": "put the videos of a sweep beside each other, on one page",
    "measure": "measure videos that are there, such as with weights that came later",
    "reproduce": "make a run again and say whether the frames are identical",
    "sync": "tell MLflow what it has missed",
    "clean": "take away what stopped runs left",
    "completion": "code for the shell, to complete commands, choices and settings",
}
_DESCRIPTION = """\
Run, study and compare Wan2.2-S2V, the model that makes a picture speak.

  python -m s2v_runner                             a first video, with a tiny model that comes along
  python -m s2v_runner dry_run=true size=720p      what would be made, and nothing done
  python -m s2v_runner model=wan_s2v_14b model.ckpt_dir=weights image=me.png audio.path=speech.wav \\
      prompt="A woman speaks to the camera" size=720p sampler=dpmpp sampler.steps=30
  python -m s2v_runner -m sampler.steps=10,20,40   a sweep: a video of each, and a page that compares them
  python -m s2v_runner +sweeps=demo                a study that comes along

`s2v-runner` is the same as `python -m s2v_runner`. Each command has its own --help.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    The exit status is 0, 2 when the user has something to mend, 1 when something else went wrong, and 128 and its
    number when a signal ended it.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if "_ARGCOMPLETE" in os.environ:
        return _complete()
    return guarded(lambda: _run(_with_command(words)))


def guarded(action: Callable[[], int]) -> int:
    """Do something; what a user can cause becomes one message and an exit status."""
    # Threads that spin while they wait make a small model several times slower on a machine with other work to do.
    # Read when PyTorch is imported, which is later.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        with stoppable():
            return action()
    except InputError as error:
        print(f"s2v-runner: {error}", file=sys.stderr)
        return USER_ERROR
    except (GenerationError, OutputError) as error:
        print(f"s2v-runner: {error}", file=sys.stderr)
        return OUR_ERROR
    except Interrupted as interruption:
        print(
            f"s2v-runner: stopped by {interruption.name}. The same command goes on after the last finished clip",
            file=sys.stderr,
        )
        return interruption.exit_code


def _with_command(words: list[str]) -> list[str]:
    """The words, `run` before them where no command is named."""
    if not words or "=" in words[0] or (words[0].startswith("-") and words[0] not in ("-h", "--help")):
        return ["run", *words]
    if words[0] in COMMANDS or words[0].startswith("-"):
        return words
    remedy = f"{suggest(words[0], COMMANDS)} Settings are key=value"
    raise InputError(f"'{words[0]}'", "it is neither a command nor a setting", remedy)


def _run(words: list[str]) -> int:
    parser = _make_parser(words[0])
    options, more = parser.parse_known_args(words)
    # argparse takes positional words in one piece; settings may stand among the options.
    if hasattr(options, "overrides") and not any(word.startswith("-") for word in more):
        options.overrides += more
    elif more:
        unknown = next((word for word in more if word.startswith("-")), more[0])
        raise InputError(f"'{unknown}'", f"`{words[0]}` has no such argument", f"See s2v-runner {words[0]} --help")
    return options.run(options)


def _complete() -> int:
    """Answer the shell, which sets what argcomplete reads."""
    import argcomplete

    parser = _make_parser(None)
    argcomplete.autocomplete(parser)
    return 0


def _make_parser(command: str | None) -> argparse.ArgumentParser:
    """The parser. Only the command that is asked for is looked into; for None all of them are."""
    parser = argparse.ArgumentParser(
        prog="s2v-runner", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="command", title="commands")
    for name, summary in COMMANDS.items():
        wanted = command in (name, None)
        added = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if wanted:
            _add_arguments(name, added)
    return parser


def _add_arguments(name: str, parser: argparse.ArgumentParser) -> None:
    # Each command brings its own imports, so that none waits for another's.
    from importlib import import_module

    module = {"list": "listing"}.get(name, name)
    import_module(f"s2v_runner.commands.{module}").add_arguments(parser)

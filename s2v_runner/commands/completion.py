"""`s2v-runner completion`: what a shell needs to complete commands, groups, choices and settings."""

import argparse

_SHELLS = ("bash", "zsh", "fish")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this command."""
    parser.add_argument("shell", choices=_SHELLS, help='bash: add `eval "$(s2v-runner completion bash)"` to ~/.bashrc')
    parser.set_defaults(run=completion)


def completion(options: argparse.Namespace) -> int:
    """Print the shell's code."""
    from argcomplete.shell_integration import shellcode

    print(shellcode(["s2v-runner"], shell=options.shell))
    return 0

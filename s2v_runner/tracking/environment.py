"""The code, the packages and the machine that a run is made with."""

import os
import platform
import socket
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).parent.parent
_GIT_PATIENCE = 10.0


def describe_environment() -> dict[str, Any]:
    """What could make the same settings give another video. `diff` is of the code against its commit."""
    return {
        "code": _describe_code(),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "cores": os.cpu_count(),
        "packages": dict(sorted(_installed_packages())),
    }


def _installed_packages() -> set[tuple[str, str]]:
    return {(found.metadata["Name"], found.version) for found in distributions()}


def _describe_code() -> dict[str, Any]:
    """The commit of the checkout that this package lies in, and what differs from it; nothing once it is installed."""
    top = _git("rev-parse", "--show-toplevel")
    if top is None or Path(top.strip()) != _PACKAGE.parent:
        return {"commit": None, "diff": None}
    commit, diff = _git("rev-parse", "HEAD"), _git("diff", "HEAD", "--", ".")
    return {"commit": commit.strip() if commit else None, "diff": diff or None}


def _git(*arguments: str) -> str | None:
    command = ["git", "-C", str(_PACKAGE.parent), *arguments]
    try:
        result = subprocess.run(command, capture_output=True, timeout=_GIT_PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.decode(errors="replace")

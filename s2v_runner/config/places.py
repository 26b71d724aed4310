"""Where the configuration and the sample inputs lie: beside the package in a checkout, in it once installed."""

from collections.abc import Sequence
from pathlib import Path

_PACKAGE = Path(__file__).parent.parent
_ASSETS = _PACKAGE / "assets"
CONFIG_NAME = "config"
DEMO_MODEL = "demo"
"""The option of the model that comes with the project."""
SWEEPS = "sweeps"
"""The group of the studies, which is beside the others' folder."""


def conf_folder() -> Path:
    """The folder of `config.yaml` and the groups."""
    installed = _PACKAGE / "conf"
    return installed if installed.is_dir() else _PACKAGE.parent / "conf"


def sweeps_folder() -> Path:
    """The folder of the studies that come with the project."""
    installed = _PACKAGE / SWEEPS
    return installed if installed.is_dir() else _PACKAGE.parent / SWEEPS


def asset(name: str) -> str:
    """A file or a folder that comes with the project; `${asset:picture.png}` in the configuration."""
    path = _ASSETS / name
    assert path.exists(), path
    return str(path)


def group_options(folders: Sequence[Path]) -> dict[str, list[str]]:
    """The groups in these folders, and what can be chosen in each."""
    groups: dict[str, set[str]] = {}
    for folder in folders:
        for file in folder.glob("*/*.yaml"):
            groups.setdefault(file.parent.name, set()).add(file.stem)
    return {group: sorted(options) for group, options in sorted(groups.items())}


def all_options(folders: Sequence[Path]) -> dict[str, list[str]]:
    """The groups and the studies, and what can be chosen in each."""
    groups = group_options(folders)
    own = groups.pop(SWEEPS, [])
    return groups | {SWEEPS: sorted({*own, *(file.stem for file in sweeps_folder().glob("*.yaml"))})}

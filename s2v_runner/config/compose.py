"""Files and overrides → one checked configuration."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import yaml
from hydra import compose, initialize_config_dir
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError

from s2v_runner.config.arguments import escape_interpolations, parse_overrides, prepare_overrides, sweep_values
from s2v_runner.config.explain import explain
from s2v_runner.config.places import CONFIG_NAME, asset, conf_folder, group_options
from s2v_runner.config.schema import RunConfig
from s2v_runner.errors import InputError


@dataclass(frozen=True)
class Composed:
    """A configuration, and how it came about."""

    config: RunConfig
    overrides: tuple[str, ...]
    choices: Mapping[str, str]
    """What was chosen in each group."""


@dataclass(frozen=True)
class ConfigSource:
    """Which files to compose from: the project's, and a folder of the user's own before them."""

    own_folder: Path | None
    name: str

    @property
    def folders(self) -> list[Path]:
        return [*([self.own_folder] if self.own_folder else []), conf_folder()]


PROJECT = ConfigSource(None, CONFIG_NAME)


class _OwnFolder(SearchPathPlugin):
    """Puts the user's folder before the project's. `hydra.searchpath` would put it behind, and finds groups alone."""

    folder: ClassVar[Path | None] = None

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        if self.folder is not None:
            search_path.prepend("own", f"file://{self.folder.resolve()}")


def compose_points(words: Sequence[str], source: ConfigSource, multirun: bool) -> list[Composed]:
    """The runs that a command line asks for: one, or with `multirun` one for each combination of what is swept.

    Raises InputError.
    """
    options = group_options(source.folders)
    overrides = parse_overrides(prepare_overrides(words, options, multirun), options)
    with _hydra(source) as composed_from:
        return [composed_from(point) for point in _expand(overrides, multirun)]


def compose_run(words: Sequence[str]) -> Composed:
    """One run from the project's own files. Raises InputError."""
    return compose_points(words, PROJECT, multirun=False)[0]


def print_config(words: Sequence[str], source: ConfigSource) -> str:
    """The composed configuration as YAML, interpolations as they are written."""
    options = group_options(source.folders)
    overrides = parse_overrides(prepare_overrides(words, options, multirun=False), options)
    with _hydra(source):
        (point,) = _expand(overrides, multirun=False)
        return OmegaConf.to_yaml(compose(source.name, overrides=point))


def as_yaml(settings: Mapping[str, Any]) -> str:
    """A configuration as YAML that composes to itself."""
    return yaml.dump(_escape(settings), Dumper=_Dumper, allow_unicode=True, sort_keys=False)


def check_config(values: Mapping[str, Any]) -> RunConfig:
    """Values as a configuration. Raises InputError that names the first keys that are wrong."""
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        raise explain(error) from error


@contextmanager
def _hydra(source: ConfigSource) -> Iterator[Any]:
    OmegaConf.register_new_resolver("asset", asset, replace=True)
    for folder in source.folders:
        if not folder.is_dir():
            raise InputError(f"--config-dir '{folder}'", "there is no such folder", "Give a folder of configuration")
    _OwnFolder.folder = source.own_folder
    Plugins.instance().register(_OwnFolder)
    try:
        with initialize_config_dir(str(conf_folder().resolve()), version_base="1.3"):
            yield lambda point: _composed(source, point)
    except InputError:
        raise
    except HydraException as error:
        said = str(error) or str(error.__cause__)
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        raise InputError("configuration", "; ".join(lines[:3]), "See --help") from error
    # Hydra lets the last two through for a list of defaults that is none, or that names its own file.
    except (OmegaConfBaseException, yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError("configuration", " ".join(str(error).split()), "Mend the file or the override") from error


def _composed(source: ConfigSource, overrides: Sequence[str]) -> Composed:
    composed = compose(source.name, overrides=list(overrides), return_hydra_config=True)
    choices = OmegaConf.to_container(composed.hydra.runtime.choices)
    assert isinstance(choices, dict)
    values = OmegaConf.to_container(composed)
    assert isinstance(values, dict)
    del values["hydra"]
    plain = OmegaConf.to_container(OmegaConf.create(values), resolve=True)
    assert isinstance(plain, dict)
    return Composed(
        config=check_config({str(key): value for key, value in plain.items()}),
        overrides=tuple(overrides),
        choices={str(group): str(option) for group, option in choices.items() if not str(group).startswith("hydra")},
    )


class _Dumper(yaml.SafeDumper):
    """Quotes text that could be a number, since OmegaConf knows more of them than YAML, and text that is not seen."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        clear = text[:1].isalpha() and text.isprintable()
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=None if clear else '"')


_Dumper.add_representer(str, _Dumper.represent_text)


def _escape(value: Any) -> Any:
    """The value with `${` standing for itself in every text."""
    if isinstance(value, Mapping):
        return {key: _escape(part) for key, part in value.items()}
    return escape_interpolations(value) if isinstance(value, str) else value


def _expand(overrides: Sequence[Override], multirun: bool) -> Iterator[list[str]]:
    """Every combination of what is swept, the last given key changing fastest."""
    swept = [override for override in overrides if override.is_sweep_override()]
    if swept and not multirun:
        raise InputError(
            f"'{swept[0].input_line}'",
            "it gives several values to one run",
            "Add -m to make a run of each, or put the value in quotes",
        )
    lists = []
    for override in overrides:
        key = override.get_key_element()
        if override.is_sweep_override():
            lists.append([f"{key}={value}" for value in sweep_values(override)])
        else:
            lists.append([override.input_line or ""])
    return (list(point) for point in product(*lists))

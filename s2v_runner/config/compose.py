"""Files and overrides → one checked configuration."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import yaml
from hydra import compose, initialize_config_dir
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.types import RunMode
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError

from s2v_runner.config.arguments import (
    escape_interpolations,
    lines_of,
    parse_overrides,
    prepare_overrides,
    refuse_several,
)
from s2v_runner.config.explain import explain
from s2v_runner.config.places import CONFIG_NAME, all_options, asset, conf_folder, sweeps_folder
from s2v_runner.config.schema import RunConfig
from s2v_runner.errors import InputError
from s2v_runner.records import Value


@dataclass(frozen=True)
class Composed:
    """A configuration, and how it came about."""

    config: RunConfig
    overrides: tuple[str, ...]
    choices: Mapping[str, str]
    """What was chosen in each group."""
    values: Mapping[str, Value]
    """What sets it apart from the other runs of a sweep, by key."""


@dataclass(frozen=True)
class ConfigSource:
    """Which files to compose from: the project's, and a folder of the user's own before them."""

    own_folder: Path | None
    name: str

    @property
    def folders(self) -> list[Path]:
        return [*([self.own_folder] if self.own_folder else []), conf_folder()]


PROJECT = ConfigSource(None, CONFIG_NAME)


class _SearchPath(SearchPathPlugin):
    """Puts the user's folder before the project's, and the studies behind.

    `hydra.searchpath` would put the user's behind too, and finds groups alone.
    """

    own_folder: ClassVar[Path | None] = None

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        if self.own_folder is not None:
            search_path.prepend("own", f"file://{self.own_folder.resolve()}")
        search_path.append("studies", f"file://{sweeps_folder().parent.resolve()}")


def compose_run(words: Sequence[str]) -> Composed:
    """One run from the project's own files. Raises InputError."""
    with composing(PROJECT, {}) as composer:
        return composer.compose(_read_words(words, PROJECT), [], {})


def print_config(words: Sequence[str], source: ConfigSource) -> str:
    """The composed configuration as YAML, interpolations as they are written."""
    with composing(source, {}) as composer:
        values = composer.template(_read_words(words, source)).values
        return OmegaConf.to_yaml(OmegaConf.create(copy.deepcopy(dict(values))))


def _read_words(words: Sequence[str], source: ConfigSource) -> list[str]:
    options = all_options(source.folders)
    overrides = parse_overrides(prepare_overrides(words, options, multirun=False), options)
    refuse_several(overrides)
    return lines_of(overrides)


def as_yaml(settings: Mapping[str, Any]) -> str:
    """A configuration as YAML that composes to itself."""
    return yaml.dump(_escape(settings), Dumper=_Dumper, allow_unicode=True, sort_keys=False)


def check_config(values: Mapping[str, Any]) -> RunConfig:
    """Values as a configuration. Raises InputError that names the first keys that are wrong."""
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        raise explain(error) from error


@dataclass(frozen=True)
class Template:
    """A configuration whose interpolations are still as they were written."""

    values: Mapping[str, Any]
    choices: Mapping[str, str]
    is_sweep: bool
    """Whether a study file says that it is one, with `hydra.mode: MULTIRUN`."""
    swept: Mapping[str, str]
    """The keys that a study file sweeps, and over which values, in Hydra's grammar."""


Templates = dict[tuple[str, ...], Template]
"""What Hydra has made already, by the overrides that it was made of."""


class Composer:
    """Composes the runs of one command line. Hydra takes its time, so what only sets a value does not ask it again."""

    def __init__(self, name: str, templates: Templates) -> None:
        self._name = name
        self._templates = templates

    def template(self, overrides: Sequence[str]) -> Template:
        """What Hydra makes of these overrides."""
        key = tuple(overrides)
        if key not in self._templates:
            self._templates[key] = _compose_template(self._name, key)
        return self._templates[key]

    def compose(self, overrides: Sequence[str], settings: Sequence[Override], values: Mapping[str, Value]) -> Composed:
        """The run of these overrides, with single keys then set; `values` are what sets it apart from others."""
        template = self.template(overrides)
        filled = copy.deepcopy(dict(template.values))
        for setting in settings:
            *groups, name = setting.key_or_group.split(".")
            place = filled
            for group in groups:
                place = place[group]
            place[name] = setting.value()
        plain = OmegaConf.to_container(OmegaConf.create(filled), resolve=True)
        assert isinstance(plain, dict)
        words = (*overrides, *(setting.input_line or "" for setting in settings))
        return Composed(
            check_config({str(key): value for key, value in plain.items()}), words, template.choices, values
        )


def restore_config(values: Mapping[str, Any]) -> RunConfig:
    """The configuration that a record holds. Settings that its version did not know have the values they have now.

    Raises InputError.
    """
    return check_config(_merged(compose_run([]).config.model_dump(mode="json"), values))


def _merged(values: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """The values, with the others in their place."""
    merged = dict(values)
    for key, value in others.items():
        present = merged.get(key)
        if isinstance(present, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(present, value)
        else:
            merged[key] = value
    return merged


@contextmanager
def composing(source: ConfigSource, templates: Templates) -> Iterator[Composer]:
    """Hydra, set up to compose from these files. What it raises comes out as InputError.

    What is among the `templates` is not made again, and what is made comes to be among them.
    """
    OmegaConf.register_new_resolver("asset", asset, replace=True)
    for folder in source.folders:
        if not folder.is_dir():
            raise InputError(f"--config-dir '{folder}'", "there is no such folder", "Give a folder of configuration")
    _SearchPath.own_folder = source.own_folder
    Plugins.instance().register(_SearchPath)
    try:
        with initialize_config_dir(str(conf_folder().resolve()), version_base="1.3"):
            yield Composer(source.name, templates)
    except InputError:
        raise
    except HydraException as error:
        said = str(error) or str(error.__cause__)
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        raise InputError("configuration", "; ".join(lines[:3]), "See --help") from error
    # Hydra lets the last two through for a list of defaults that is none, or that names its own file.
    except (OmegaConfBaseException, yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError("configuration", " ".join(str(error).split()), "Mend the file or the override") from error


def _compose_template(name: str, overrides: Sequence[str]) -> Template:
    composed = compose(name, overrides=list(overrides), return_hydra_config=True)
    hydra = composed.hydra
    choices = OmegaConf.to_container(hydra.runtime.choices)
    swept = OmegaConf.to_container(hydra.sweeper.params) if hydra.sweeper.get("params") is not None else {}
    assert isinstance(choices, dict)
    assert isinstance(swept, dict)
    values = OmegaConf.to_container(composed)
    assert isinstance(values, dict)
    del values["hydra"]
    return Template(
        values={str(key): value for key, value in values.items()},
        choices={str(group): str(option) for group, option in choices.items() if not str(group).startswith("hydra")},
        is_sweep=hydra.mode == RunMode.MULTIRUN,
        swept={str(key): str(value) for key, value in swept.items()},
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

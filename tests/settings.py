"""Configurations to test with: that of the random model with some keys changed, checked as any, not composed anew."""

import copy
from collections.abc import Mapping
from functools import cache
from typing import Any

from s2v_runner.config.compose import check_config, compose_run
from s2v_runner.config.schema import RunConfig


@cache
def _random_model_values() -> dict[str, Any]:
    return compose_run(["model=random"]).config.model_dump()


def config_with(changes: Mapping[str, Any]) -> RunConfig:
    """The random model's configuration with these keys changed, as in {"sampler.steps": 3}."""
    values = copy.deepcopy(_random_model_values())
    for key, value in changes.items():
        *groups, name = key.split(".")
        place = values
        for group in groups:
            place = place[group]
        assert name in place, key
        place[name] = value
    return check_config(values)


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values under their keys with dots."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat

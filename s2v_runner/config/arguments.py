"""The words of the command line → overrides that Hydra understands.

Free text is quoted, because Hydra's grammar gives commas, quotes, equals signs and parentheses a meaning of their
own; `size` becomes the group `resolution` or its key; and names are checked, so that a mistyped one is answered with
the right one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override
from hydra.errors import HydraException

from s2v_runner.config.nearest import suggest
from s2v_runner.config.places import SWEEPS
from s2v_runner.config.schema import all_keys, free_text_keys, nullable_keys, path_keys
from s2v_runner.errors import InputError

_SIZE = re.compile(r"\d+[*xX]\d+")
_WORD = re.compile(r"(?P<prefix>\+{0,2})(?P<key>[^=]+)=(?P<value>.*)", re.DOTALL)
_HYDRA = "hydra"
_CHOICE = re.compile(r"choice\((.*)\)", re.DOTALL)


@dataclass(frozen=True)
class Word:
    """One override as it was typed."""

    prefix: str
    key: str
    value: str

    def __str__(self) -> str:
        return f"{self.prefix}{self.key}={self.value}"


def prepare_overrides(words: Sequence[str], options: Mapping[str, Sequence[str]], multirun: bool) -> list[str]:
    """Overrides for Hydra. `options` are the groups and what can be chosen in each.

    With `multirun` a path may be several, separated by commas, and free text `choice("one", "two")`. Raises InputError
    for a word that is no override and for a key that does not exist.
    """
    typed = [_split(word) for word in words]
    typed = _replace_size([_find_study(word) for word in typed], options)
    free = free_text_keys()
    overrides = []
    for word in typed:
        if word.key in free:
            texts = _texts(word) if multirun else [word.value]
            word = replace(word, value=",".join(_quote_or_null(word.key, text) for text in texts))
        overrides.append(str(word))
    return overrides


def parse_overrides(overrides: Sequence[str], options: Mapping[str, Sequence[str]]) -> list[Override]:
    """The overrides, parsed; their names are looked up. Raises InputError."""
    parsed = [_parse(override) for override in overrides]
    for override in parsed:
        _check_name(override, options)
    return parsed


def refuse_several(overrides: Sequence[Override]) -> None:
    """Raises InputError when one run is given several values."""
    swept = [override for override in overrides if override.is_sweep_override()]
    if swept:
        raise InputError(
            f"'{swept[0].input_line}'",
            "it gives several values to one run",
            "Add -m to make a run of each, or put the value in quotes",
        )


def lines_of(overrides: Sequence[Override]) -> list[str]:
    """The overrides as Hydra takes them."""
    return [override.input_line or "" for override in overrides]


def sweep_values(override: Override) -> list[str]:
    """The values that a key takes in turn. Raises InputError for a sweep of which there is no list."""
    try:
        return list(override.sweep_string_iterator())
    except HydraException as error:
        raise InputError(
            f"'{override.input_line}'", "its values cannot be listed", "Give them one by one, with commas"
        ) from error


def quote(text: str) -> str:
    """Text as a quoted value of Hydra's grammar that stands for itself, interpolations included."""
    escaped = re.sub(r"(\\*)'", lambda match: match[1] * 2 + "\\'", escape_interpolations(text))
    return "'" + re.sub(r"(\\+)\Z", lambda match: match[1] * 2, escaped) + "'"


def escape_interpolations(text: str) -> str:
    """Text in which `${` stands for itself, as OmegaConf writes it."""
    return re.sub(r"(\\*)\$\{", lambda match: match[1] * 2 + "\\${", text)


def _split(word: str) -> Word:
    _check_encoding(word)
    if word.startswith("~"):
        raise InputError(f"'{word}'", "a setting cannot be taken away", "Give it another value")
    match = _WORD.fullmatch(word)
    if match:
        return Word(match["prefix"], match["key"], match["value"])
    if word.startswith("-"):
        raise InputError(f"'{word}'", "there is no such option", "Settings are given as key=value; see --help")
    keys = [*all_keys(), "size"]
    if word in keys:
        raise InputError(f"'{word}'", "it is given no value", "Settings are given as key=value")
    raise InputError(f"'{word}'", "it is no setting", f"Settings are given as key=value. {suggest(word, keys)}")


def _check_encoding(word: str) -> None:
    try:
        word.encode()
    except UnicodeEncodeError as error:
        raise InputError(ascii(word), "it is not in UTF-8", "Set the terminal to UTF-8, or rename the file") from error


def _parse(override: str) -> Override:
    try:
        return OverridesParser.create().parse_override(override)
    except HydraException as error:
        raise InputError(
            f"'{override}'", "it cannot be read as a setting", "Put quotes around a value that has signs in it"
        ) from error


def _texts(word: Word) -> list[str]:
    """The texts that a word gives to several runs, one each."""
    if _CHOICE.fullmatch(word.value):
        sweep = _parse(f"{word.key}={word.value}").value()
        assert isinstance(sweep, ChoiceSweep)
        return [str(text) for text in sweep.list]
    if word.key in path_keys() and not _exists(word.value):
        return word.value.split(",")
    return [word.value]


def _exists(path: str) -> bool:
    """Whether there is such a file; many names in one are too long to be one."""
    try:
        return Path(path).exists()
    except OSError:
        return False


def _quote_or_null(key: str, value: str) -> str:
    return value if value == "null" and key in nullable_keys() else quote(value)


def _replace_size(words: Sequence[Word], options: Mapping[str, Sequence[str]]) -> list[Word]:
    """`size=720p` is `resolution=720p`, `size=1184*672` is `resolution.size=1184*672`."""
    sizes = [word for word in words if word.key == "size"]
    if not sizes:
        return list(words)
    size = sizes[-1]
    for other in words:
        if other.key in ("resolution", "resolution.size") and other.value != size.value:
            raise InputError(
                f"size={size.value} and {other.key}={other.value}", "the two are one setting", "Give one of them"
            )
    presets = options.get("resolution", [])
    values = _listed(size.value)
    for value in values:
        if value not in presets and not _SIZE.fullmatch(value):
            raise InputError(
                f"size={value}",
                "it is neither a preset nor a width*height",
                f"Give pixels, such as 1184*672, or a preset. {suggest(value, presets)}",
            )
    if all(value in presets for value in values):
        meant = Word("", "resolution", size.value)
    elif all(_SIZE.fullmatch(value) for value in values):
        meant = Word("", "resolution.size", size.value)
    else:
        raise InputError(f"size={size.value}", "it mixes presets and pixels", "Give all of them as pixels")
    # In its place, since the order of what is swept is the order of the runs.
    placed = [meant if word is size else word for word in words]
    return [word for word in placed if word is meant or word.key not in ("size", "resolution", "resolution.size")]


def _find_study(word: Word) -> Word:
    """`sweeps=guidance` is `+sweeps=guidance`, as Hydra wants it of a group that nothing is chosen in at first."""
    if word.key != SWEEPS:
        return word
    if "," in word.value or _CHOICE.fullmatch(word.value):
        raise InputError(str(word), "one study is made at a time", "Start them one after another")
    return replace(word, prefix="+")


def _listed(value: str) -> list[str]:
    """What a word gives, several values with commas or in `choice(…)`."""
    choice = _CHOICE.fullmatch(value)
    return [part.strip() for part in (choice[1] if choice else value).split(",")]


def _check_name(override: Override, options: Mapping[str, Sequence[str]]) -> None:
    key = override.key_or_group
    top = key.partition(".")[0].partition("/")[0]
    if top == _HYDRA:
        return
    keys = all_keys()
    if key in options:
        _check_choices(override, options[key])
    elif key not in keys:
        raise InputError(
            f"'{override.input_line}'", f"there is no setting '{key}'", suggest(key, [*keys, *options, "size"])
        )


def _check_choices(override: Override, choices: Sequence[str]) -> None:
    group = override.key_or_group
    values = sweep_values(override) if override.is_sweep_override() else [override.get_value_element_as_str()]
    for value in values:
        if value.strip("'\"") not in choices:
            file = f" A file is given as {group}.path" if f"{group}.path" in all_keys() else ""
            raise InputError(f"{group}={value}", "there is no such choice", suggest(value, choices) + file)

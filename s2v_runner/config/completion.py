"""What can follow on the command line: for the shell's completion, and for the list in `--help`."""

from s2v_runner.config.places import all_options, conf_folder
from s2v_runner.config.schema import all_keys

_ALIAS = {"size": "resolution"}


def complete_override(prefix: str, **_: object) -> list[str]:
    """Overrides that begin with `prefix`: names first, and after the equals sign what can be chosen."""
    options = all_options([conf_folder()])
    key, equals, _value = prefix.partition("=")
    if equals:
        choices = options.get(_ALIAS.get(key, key), [])
        return [f"{key}={choice}" for choice in choices if f"{key}={choice}".startswith(prefix)]
    return [f"{name}=" for name in (*options, *_ALIAS, *all_keys()) if name.startswith(prefix)]


def describe_settings() -> str:
    """Groups with their choices, then the single keys."""
    options = all_options([conf_folder()])
    width = max(map(len, options))
    groups = [f"  {group:<{width}}  {', '.join(choices)}" for group, choices in options.items()]
    groups.append(f"  {'size':<{width}}  the same as resolution, or width*height, such as 1184*672")
    by_group: dict[str, list[str]] = {}
    for key in all_keys():
        group, dot, name = key.rpartition(".")
        by_group.setdefault(group if dot else "", []).append(name)
    keys = [f"  {group + '.' if group else '':<{width + 1}} {', '.join(names)}" for group, names in by_group.items()]
    return "\n".join(
        [
            "choices (group=choice):",
            *groups,
            "",
            "settings (key=value, group.key=value):",
            *keys,
            "",
            f"What each means, and its default, stands in {conf_folder()}.",
        ]
    )

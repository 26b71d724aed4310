import pytest

from s2v_runner.config.completion import complete_override, describe_settings
from s2v_runner.config.places import all_options, conf_folder
from s2v_runner.config.schema import all_keys

OPTIONS = all_options([conf_folder()])


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("sampler=", ["sampler=dpmpp", "sampler=euler", "sampler=unipc"]),
        ("sampler=u", ["sampler=unipc"]),
        ("size=7", ["size=720p"]),
        ("size", ["size="]),
        ("resol", ["resolution=", "resolution.size=", "resolution.fit=", "resolution.max_area="]),
        ("sampler.st", ["sampler.steps="]),
        ("prompt=a", []),
        ("nothing", []),
    ],
)
def test_what_can_follow_is_offered(typed: str, offered: list[str]):
    assert complete_override(typed) == offered


def test_everything_is_offered_before_anything_is_typed():
    assert set(complete_override("")) == {f"{name}=" for name in (*OPTIONS, "size", *all_keys())}


def test_the_help_lists_every_group_with_its_options_and_every_key():
    lines = describe_settings().splitlines()
    for group, options in OPTIONS.items():
        assert any(line.split() == [group, *", ".join(options).split()] for line in lines), group
    middle = lines.index("settings (key=value, group.key=value):")
    listed = set()
    for line in lines[middle + 1 : -2]:
        first, *names = line.replace(",", "").split()
        group = first if first.endswith(".") else ""
        listed |= {group + name for name in (names if group else [first, *names])}
    assert listed == set(all_keys())
    assert str(conf_folder()) in lines[-1]

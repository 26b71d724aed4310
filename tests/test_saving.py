from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from s2v_runner.errors import InputError
from s2v_runner.prepare import prepare_run
from s2v_runner.saving import check_savable, save_path
from tests.settings import config_with

NOW = datetime(2026, 3, 1, 9, 5, 7)
PROMPT = "A woman / speaks\\\nto ${you}, {time}"


def path_for(save_file: str | None, **changes: Any) -> Path | None:
    config = config_with({"prompt": PROMPT, "base_seed": 7, "save_file": save_file, **changes})
    return save_path(prepare_run(config), {}, NOW)


def test_without_a_name_there_is_no_copy():
    assert path_for(None) is None


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("video.mp4", "video.mp4"),
        ("Video.MP4", "Video.MP4"),
        ("{base_seed}_{time}.mp4", "7_20260301_090507.mp4"),
        ("{sampler.steps}-{sampler.guide_scale}-{sampler.solver}.mp4", "40-4.5-unipc.mp4"),
        ("{width}x{height} of {resolution.size}.mp4", "128x128 of 1024*704.mp4"),
        ("{prompt}.mp4", "A woman _ speaks__to ${you}, {time}.mp4"),
        ("{audio.path}.mp4", "{audio}.mp4"),
        ("{} {1} {{base_seed}} {a b}.mp4", "{} {1} {7} {a b}.mp4"),
        ("一位女士 $x.mp4", "一位女士 $x.mp4"),
    ],
)
def test_placeholders_are_filled_in(template: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    audio = config_with({}).audio.path.replace("/", "_")
    assert path_for(template) == tmp_path / name.replace("{audio}", audio)


def test_a_drawn_seed_is_filled_in():
    run = prepare_run(config_with({"base_seed": -1, "save_file": "{base_seed}.mp4"})).with_seed(41)
    assert (save_path(run, {}, NOW) or Path()).name == "41.mp4"


def test_an_identity_is_the_same_whatever_the_name_and_a_run_of_its_own_has_its_own():
    first, again, other = (
        path_for("{identity}.mp4"),
        path_for("{identity}.mp4", dry_run=True),
        path_for("{identity}.mp4", num_clip=1),
    )
    assert first is not None
    assert len(first.stem) == 12
    assert first == again != other


def test_a_name_may_lie_in_folders_and_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert path_for("~/videos/{base_seed}/a.mp4") == tmp_path / "videos" / "7" / "a.mp4"


def test_a_long_prompt_is_cut():
    path = path_for("{prompt}.mp4", prompt="一" * 20_000)
    assert path is not None
    assert path.stem == "一" * 50


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{sampler.step}.mp4", "there is nothing called 'sampler.step' to fill in. Did you mean 'sampler.steps'?"),
        ("{seed}.mp4", "Did you mean 'base_seed'?"),
        ("video.avi", "Give a name that ends in .mp4"),
        ("video", "Give a name that ends in .mp4"),
        ("", "Give a name that ends in .mp4"),
        ("{time}", "Give a name that ends in .mp4"),
        ("a" * 252 + ".mp4", "its name is longer than 255 bytes"),
        ("一" * 84 + ".mp4", "its name is longer than 255 bytes"),
    ],
)
def test_names_that_cannot_be_are_refused(template: str, said: str):
    with pytest.raises(InputError) as caught:
        path_for(template)
    assert caught.value.subject.startswith("save_file=")
    assert said in str(caught.value)


@pytest.mark.parametrize("stem", ["a" * 251, "一" * 83 + "aa", "😀" * 62])
def test_a_name_of_255_bytes_can_be_written(tmp_path: Path, stem: str):
    path = path_for(f"{tmp_path}/new/folder/{stem}.mp4")
    assert path is not None
    assert len(path.name.encode()) <= 255
    check_savable(path)
    assert list((tmp_path / "new" / "folder").iterdir()) == []


def test_what_is_there_is_left_as_it_is(tmp_path: Path):
    (tmp_path / "video.mp4").write_text("an earlier one")
    check_savable(tmp_path / "video.mp4")
    assert (tmp_path / "video.mp4").read_text() == "an earlier one"
    assert [path.name for path in tmp_path.iterdir()] == ["video.mp4"]


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path):
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "file").touch()
    for path in (
        tmp_path / "folder.mp4",
        tmp_path / "file" / "video.mp4",
        Path("/proc/video.mp4"),
        tmp_path / ("long" * 80) / "video.mp4",
    ):
        with pytest.raises(InputError, match=r"^save_file="):
            check_savable(path)

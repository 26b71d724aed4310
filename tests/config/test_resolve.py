from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from s2v_runner.config.compose import compose_run
from s2v_runner.config.resolve import as_path, as_request, read_place
from s2v_runner.errors import InputError
from s2v_runner.metrics.views import Box
from s2v_runner.records import EVERY_PASS, FIXED, REFERENCE, Request
from tests.settings import config_with


def request_of(changes: dict[str, Any]) -> Request:
    return as_request(config_with(changes), base_seed=7)


def test_every_setting_arrives_under_its_name():
    request = request_of(
        {
            "prompt": "A woman",
            "negative_prompt": "",
            "image": "me.png",
            "audio.path": "me.wav",
            "pose.method": "video",
            "pose.path": "me.mp4",
            "resolution.size": "100*200",
            "infer_frames": 48,
            "num_clip": 2,
            "start_from_ref": True,
            "sampler.solver": "dpmpp",
            "sampler.steps": 5,
            "sampler.shift": 2,
            "sampler.guide_scale": 6,
            "model.motion_frames": 37,
            "model.sample_fps": 12,
        }
    )
    assert request == Request(
        prompt="A woman",
        negative_prompt="",
        image=Path("me.png"),
        audio=Path("me.wav"),
        pose_video=Path("me.mp4"),
        area=16384,
        exact_size=None,
        infer_frames=48,
        num_clip=2,
        start_from_ref=True,
        solver="dpmpp",
        steps=5,
        shift=2.0,
        guide_scale=6.0,
        economy=EVERY_PASS,
        base_seed=7,
        motion_frames=37,
        sample_fps=12,
        compat=FIXED,
    )


def test_what_is_left_open_stays_open():
    request = request_of({})
    assert (request.shift, request.num_clip, request.negative_prompt, request.pose_video) == (None, None, None, None)


def test_choices_of_compat_arrive():
    assert as_request(compose_run(["compat=reference"]).config, base_seed=7).compat == REFERENCE


def test_a_choice_of_compat_may_be_made_where_it_is_used():
    compat = as_request(compose_run(["fit=pad", "pose.end=loop"]).config, base_seed=7).compat
    assert compat == replace(FIXED, picture_fit="pad", pose_end="loop")
    compat = as_request(compose_run(["compat.picture_fit=pad", "compat.pose_end=loop"]).config, base_seed=7).compat
    assert compat == replace(FIXED, picture_fit="pad", pose_end="loop")


@pytest.mark.parametrize("size", ["1280*704", "1280x704", "1280X704", " 1280*704 "])
def test_a_size_is_an_area_up_to_the_cap(size: str):
    assert request_of({"resolution.size": size, "resolution.max_area": None}).area == 1280 * 704
    assert request_of({"resolution.size": size, "resolution.max_area": 5000}).area == 5000
    assert request_of({"resolution.size": size, "resolution.max_area": 10**6}).area == 1280 * 704
    assert request_of({"resolution.size": size}).exact_size is None


def test_an_exact_size_is_height_and_width_and_not_cut_by_the_cap():
    exact = {"resolution.size": "160*100", "resolution.fit": "exact"}
    assert request_of(exact).exact_size == (100, 160)
    assert request_of({**exact, "resolution.max_area": 160 * 100}).exact_size == (100, 160)
    with pytest.raises(InputError, match=r"resolution\.size=160\*100: it has 16000 pixels, .* allows 15999"):
        request_of({**exact, "resolution.max_area": 15999})


@pytest.mark.parametrize("size", ["720p", "1280", "1280*", "*704", "1280*704*3", "-1*5", "1280 * 704", "一*二", ""])
def test_what_is_no_size_is_refused(size: str):
    with pytest.raises(InputError, match=r"^resolution\.size=.*no width\*height"):
        request_of({"resolution.size": size})


def test_a_prompt_may_come_from_a_file(tmp_path: Path):
    path = tmp_path / "prompt.txt"
    for content in ("A woman, 'speaking'\nslowly ${x}\n", "\ufeffA woman, 'speaking'\nslowly ${x}"):
        path.write_text(content, encoding="utf-8")
        assert request_of({"prompt_file": str(path)}).prompt == "A woman, 'speaking'\nslowly ${x}"


def test_a_prompt_file_that_has_no_prompt_is_refused(tmp_path: Path):
    empty, latin = tmp_path / "empty.txt", tmp_path / "latin.txt"
    empty.write_text(" \n")
    latin.write_bytes("café".encode("latin-1"))
    for path, said in (
        (empty, "it is empty"),
        (latin, "it cannot be read"),
        (tmp_path, "it cannot be read"),
        (tmp_path / "absent.txt", "it cannot be read"),
    ):
        with pytest.raises(InputError, match=f"prompt_file .*{said}"):
            request_of({"prompt_file": str(path)})


def test_a_pose_needs_its_method_and_its_path():
    with pytest.raises(InputError, match=r"pose\.path=p\.mp4: .*Add pose=video"):
        request_of({"pose.path": "p.mp4"})
    with pytest.raises(InputError, match=r"pose\.path: pose=video needs a video"):
        request_of({"pose.method": "video"})


def test_a_tilde_is_the_home_where_there_is_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/home/woman")
    assert as_path("~/me.png") == Path("/home/woman/me.png")
    assert as_path("~nobody-of-that-name/me.png") == Path("~nobody-of-that-name/me.png")
    assert as_path("a~b") == Path("a~b")


def test_a_place_is_four_shares_of_the_frame():
    assert read_place("metrics.face", "auto") is None
    assert read_place("metrics.face", "0.3,0.2, 0.4 ,.25") == Box(0.3, 0.2, 0.4, 0.25)
    assert read_place("metrics.mouth", "0,0,1,1") == Box(0, 0, 1, 1)


@pytest.mark.parametrize("text", ["abc", "", "0.1,0.2", "0.1,0.2,0.3,0.4,0.5", "0.1;0.2;0.3;0.4", "0.1,0.2,0.3,wide"])
def test_what_is_not_four_numbers_is_no_place(text: str):
    with pytest.raises(InputError, match=r"^metrics\.face=.*: it is not four numbers. Give left,top,width,height"):
        read_place("metrics.face", text)


@pytest.mark.parametrize(
    "text",
    ["1,2,3,4", "-0.1,0,0.5,0.5", "0.6,0,0.5,0.5", "0,0.6,0.5,0.5", "0,0,0,0.5", "0,0,0.5,-0.5", "nan,0,0.5,0.5"],
)
def test_what_is_beyond_the_frame_is_no_place(text: str):
    with pytest.raises(InputError, match=r"^metrics\.mouth=.*: it is not a part of the frame. Give left,top"):
        read_place("metrics.mouth", text)

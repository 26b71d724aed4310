"""What a command line asks for: one run, or a sweep."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from s2v_runner.config.asked import Asked, compose_points, read_asked
from s2v_runner.config.compose import PROJECT, ConfigSource, compose_run
from s2v_runner.config.places import sweeps_folder
from s2v_runner.errors import InputError

STUDIES = sorted(path.stem for path in sweeps_folder().glob("*.yaml"))
WriteList = Callable[[str], Path]


@pytest.fixture
def write_list(tmp_path: Path) -> WriteList:
    def write(content: str) -> Path:
        path = tmp_path / "my list, v2.csv"
        path.write_text(content, encoding="utf-8")
        return path

    return write


def ask(*words: str, multirun: bool = True) -> Asked:
    return read_asked(words, PROJECT, multirun)


def test_one_run_is_no_sweep():
    asked = ask("sampler.steps=3", multirun=False)
    assert not asked.is_sweep
    (run,) = asked.compose()
    assert run.config == compose_run(["sampler.steps=3"]).config
    assert run.values == {}


def test_points_are_counted_before_they_are_composed():
    asked = ask("sampler.steps=range(1,1001)", "sampler.shift=1,2,3,4,5,6,7,8,9,10")
    assert asked.count == 10_000
    assert asked.swept == ("sampler.steps", "sampler.shift")


def test_a_point_is_what_its_own_command_would_be():
    words = ["size=480p,720p", 'prompt=choice("a, b", "it\'s ${x}")', "sampler=euler,dpmpp", "num_clip=1,null"]
    points = compose_points([*words, "sampler.steps=7"], PROJECT, multirun=True)
    assert len(points) == 16
    for point in points:
        values = {key: "null" if value is None else value for key, value in point.values.items()}
        alone = compose_run([*(f"{key}={value}" for key, value in values.items()), "sampler.steps=7"])
        assert point.config == alone.config
        assert point.choices == alone.choices


@pytest.mark.parametrize(
    "words",
    [
        ["model=demo,random,wan_s2v_14b"],
        ["model=demo,wan_s2v_14b", "sampler.steps=5,6"],
        ["sampler.steps=5,6", "model=demo,wan_s2v_14b"],
        ["sampler=euler,unipc", "model=demo,wan_s2v_14b", "sampler.guide_scale=1,2"],
        ["sampler.guide_scale=1,2", "model=demo,wan_s2v_14b", "sampler=euler,unipc"],
        ["model.sampling_steps=3,4", "model=demo,random"],
        ["model.sampling_steps=3,4", "sampler.steps=5,6"],
        ["+sweeps=steps"],
    ],
)
def test_a_point_follows_its_own_model_where_nothing_is_given(words: list[str]):
    points = compose_points(words, PROJECT, multirun=True)
    assert len(points) > 1
    for point in points:
        alone = compose_run([f"{key}={value}" for key, value in point.values.items()]).config
        sampler, advice = point.config.sampler, point.config.model
        assert (sampler, advice) == (alone.sampler, alone.model)
        assert sampler.steps == point.values.get("sampler.steps", advice.sampling_steps)
        assert sampler.guide_scale == point.values.get("sampler.guide_scale", advice.sampling_guide_scale)


def test_a_row_follows_its_own_model_where_its_cell_is_empty(write_list: WriteList):
    path = write_list("model,sampler.steps,prompt\ndemo,,a\nrandom,,b\ndemo,7,c\n,,d\n")
    points = compose_points([f"inputs={path}", "model=wan_s2v_14b"], PROJECT, multirun=False)
    samplers = [(point.config.sampler.steps, point.config.sampler.guide_scale) for point in points]
    assert samplers == [(20, 2.0), (40, 4.5), (7, 2.0), (40, 4.5)]


def test_what_sets_a_point_apart_is_named_and_typed():
    last = compose_points(["size=480p,720p", "sampler.shift=3,auto", "start_from_ref=true,false"], PROJECT, True)[-1]
    assert last.values == {"resolution": "720p", "sampler.shift": "auto", "start_from_ref": False}


def test_of_a_key_given_twice_the_last_counts():
    assert ask("sampler.steps=1,2", "sampler.shift=1,2", "sampler.steps=3").swept == ("sampler.shift",)
    asked = ask("sampler.steps=1,2", "sampler.shift=1,2", "sampler.steps=3,4")
    assert asked.swept == ("sampler.shift", "sampler.steps")
    assert {point.config.sampler.steps for point in asked.compose()} == {3, 4}


@pytest.mark.parametrize("words", [[], ["sampler.steps=10"], ["sampler.steps=range(3,3)"]])
def test_an_empty_sweep_is_refused(words: list[str]):
    with pytest.raises(InputError, match=r"no setting has several values|there is no value in it"):
        ask(*words)


def test_one_wrong_value_of_many_is_named():
    with pytest.raises(InputError, match=r"sampler=dpmp: there is no such choice.*dpmpp"):
        ask("sampler=unipc,dpmp,euler")
    with pytest.raises(InputError, match=r"sampler.steps=2O: it must be a whole number"):
        ask("sampler.steps=10,2O,40").compose()


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_composes(name: str):
    asked = ask(f"+sweeps={name}", multirun=False)
    points = asked.compose()
    assert asked.is_sweep
    assert len(points) == asked.count > 1
    assert len({repr(point.config) for point in points}) == len(points)
    assert asked.common.title
    assert (asked.common.baseline is None) == bool(asked.space)


def test_the_studies_that_are_promised_are_there():
    promised = {"steps", "guidance", "shift", "steps_guidance_shift", "solvers", "seeds", "resolution_shift", "demo"}
    promised |= {"search_demo", "fast_vs_fewer_steps"}
    assert promised <= set(STUDIES)


def test_seeds_lie_so_far_apart_that_no_noise_is_shared():
    seeds = [point.config.base_seed for point in ask("+sweeps=seeds", multirun=False).compose()]
    assert {later - earlier for earlier, later in pairwise(seeds)} == {1000}


def test_a_study_is_chosen_like_any_group():
    assert ask("sweeps=steps", multirun=False).swept == ask("+sweeps=steps").swept == ("sampler.steps",)
    with pytest.raises(InputError, match=r"sweeps=guidence: there is no such choice.*guidance"):
        ask("+sweeps=guidence", multirun=False)
    with pytest.raises(InputError, match="one study is made at a time"):
        ask("+sweeps=guidance,steps")


def test_the_command_line_goes_before_the_study():
    asked = ask("+sweeps=guidance", "sampler.guide_scale=2,3", "sampler.shift=3,5", "title=Mine", "sampler.steps=5")
    assert [point.values for point in asked.compose()] == [
        {"sampler.guide_scale": scale, "sampler.shift": shift} for scale in (2, 3) for shift in (3, 5)
    ]
    assert asked.common.title == "Mine"
    assert {point.config.sampler.steps for point in asked.compose()} == {5}
    narrowed = ask("+sweeps=steps_guidance_shift", "sampler.shift=3", multirun=False)
    assert narrowed.swept == ("sampler.steps", "sampler.guide_scale")


def test_a_study_of_ones_own(tmp_path: Path):
    (tmp_path / "sweeps").mkdir()
    study = (
        "# @package _global_\ntitle: Two voices\nhydra:\n  mode: MULTIRUN\n  sweeper:\n    params:\n"
        "      audio.path: a.wav,b.wav\n      prompt: choice('one, two', 'three')\n"
    )
    (tmp_path / "sweeps" / "voices.yaml").write_text(study)
    points = compose_points(["+sweeps=voices"], ConfigSource(tmp_path, PROJECT.name), multirun=False)
    assert [(point.config.audio.path, point.config.prompt) for point in points] == [
        ("a.wav", "one, two"),
        ("a.wav", "three"),
        ("b.wav", "one, two"),
        ("b.wav", "three"),
    ]


def test_a_wrong_key_in_a_study_is_answered_with_the_right_one(tmp_path: Path):
    (tmp_path / "sweeps").mkdir()
    study = "# @package _global_\nhydra: {mode: MULTIRUN, sweeper: {params: {sampler.stepz: '1,2'}}}\n"
    (tmp_path / "sweeps" / "wrong.yaml").write_text(study)
    with pytest.raises(InputError, match=r"sampler.stepz.*sampler.steps"):
        read_asked(["+sweeps=wrong"], ConfigSource(tmp_path, PROJECT.name), multirun=False)


def test_a_list_of_inputs_is_crossed_with_the_grid(write_list: WriteList):
    path = write_list("name,image,audio,base_seed\nanna,a.png,a.wav,1\nbéla,b.png,b.wav,\n")
    asked = ask(f"inputs={path}", "sampler.steps=1,2", "base_seed=7")
    points = asked.compose()
    assert asked.swept == ("inputs", "sampler.steps")
    assert [(point.values["inputs"], point.config.sampler.steps) for point in points] == [
        ("anna", 1),
        ("anna", 2),
        ("béla", 1),
        ("béla", 2),
    ]
    assert [point.config.base_seed for point in points] == [1, 1, 7, 7]
    assert points[0].config.image == f"{path.parent}/a.png"


def test_a_list_alone_is_a_sweep(write_list: WriteList):
    path = write_list("size,prompt\n480p,one\n832*480,two\n")
    first, second = compose_points([f"inputs={path}"], PROJECT, multirun=False)
    assert (first.choices["resolution"], second.config.resolution.size) == ("480p", "832*480")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("promt\na\n", r"v2\.csv, line 2: 'promt=a': there is no setting 'promt'"),
        ("prompt,sampler.steps\na,1\nb,x\n", r"v2\.csv, line 3: sampler.steps=x: it must be a whole number"),
        ('prompt,sampler.steps\na,"1,2"\n', "line 2: .*a cell has one value"),
        ("prompt,dry_run\na,true\n", "line 2: .*not a setting of one run"),
        ("prompt,sampler\na,unipcc\n", "line 2: sampler=unipcc: there is no such choice"),
    ],
)
def test_what_is_wrong_in_a_list_is_said_with_its_line(write_list: WriteList, content: str, said: str):
    with pytest.raises(InputError, match=said):
        compose_points([f"inputs={write_list(content)}"], PROJECT, multirun=False)


def test_a_list_must_not_give_what_is_swept(write_list: WriteList):
    path = write_list("prompt,sampler.steps\na,1\nb,2\n")
    with pytest.raises(InputError, match=r"sampler.steps: the list of inputs gives it, and it is swept as well"):
        compose_points([f"inputs={path}", "sampler.steps=3,4"], PROJECT, multirun=True)

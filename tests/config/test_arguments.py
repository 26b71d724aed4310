import random
import re
from pathlib import Path

import pytest

from s2v_runner.config.arguments import prepare_overrides
from s2v_runner.config.asked import compose_points
from s2v_runner.config.compose import PROJECT, compose_run
from s2v_runner.config.places import conf_folder, group_options
from s2v_runner.config.schema import free_text_keys, nullable_keys, path_keys
from s2v_runner.errors import InputError
from tests.settings import flatten

OPTIONS = group_options([conf_folder()])
# The list of inputs is read as soon as it is named.
KEYS = sorted(free_text_keys() - {"inputs"})
NASTY = [
    "A woman, speaking; she says: 'no', \"yes\" (twice) = 2 [at least] {or so}",
    "一位女士，面对镜头说话。『你好』（微笑）",
    "${x}",
    "costs ${ 5",
    "\\${oc.env:HOME}\\\\${y}",
    "two\nlines\r\nand a\ttab ",
    "ends in a backslash \\",
    "ends in more \\\\\\'",
    "  ",
    "???",
    "[1, 2]",
    "0.3,0.2,0.4,0.4",
    "a=b,c=d",
    "-5",
    "0x10",
    "off",
    '"quoted"',
    "range(1, 3)",
    "glob(*)",
    "{a: 1}",
    "1e3",
    "true",
    "choice(a, b)",
    "sampler.steps=50 sampler=unipc",
    "- ~",
    "~",
    "+x",
    "a: b",
    "${oc.env:HOME}",
    "'",
    "<b>bold</b>",
    "a.safetensors:0.8+b.safetensors",
    "C:\\weights\\steps.json",
    "[null]",
    "ray://head:10001?x={1,2}",
    "account=me qos='high, but low' gres=gpu:8",
    "h200|a100,rest",
    "%d {prompt} #comment ~ @here * & | > ` ! 😀 \x1b[0m e\u0301",
]
PIECES = [
    *"\\\\''\"\"$${}{},,==()[]:|#%~+*@&!?`-. \n\t\ra0中😀\x85\u2028",
    "${",
    "${x}",
    "\\'",
    "choice(",
    "null",
    "???",
]


def as_taken(texts: list[str], multirun: bool = False) -> list[str]:
    """What becomes of texts when each is given to a key that takes free text."""
    # The one model that takes a folder of weights.
    words = ["model=wan_s2v_14b", *(f"{key}={text}" for key, text in zip(KEYS, texts, strict=True))]
    # Several runs have something swept.
    point, *_ = compose_points([*words, *(["base_seed=1,2"] if multirun else [])], PROJECT, multirun)
    flat = flatten(point.config.model_dump())
    return [flat[key] for key in KEYS]


def test_free_text_is_taken_as_it_was_typed():
    assert len(NASTY) == len(KEYS)
    assert as_taken(NASTY) == NASTY
    assert as_taken(NASTY[::-1]) == NASTY[::-1]


@pytest.mark.parametrize("seed", range(6))
def test_no_mixture_of_signs_is_misread(seed: int):
    draw = random.Random(seed)
    texts = ["".join(draw.choices(PIECES, k=draw.randint(1, 25))) for _ in KEYS]
    texts = [text if text != "null" else "nil" for text in texts]
    assert as_taken(texts) == texts


def test_with_several_runs_free_text_is_still_one_text():
    texts = [text.replace(",", ";") if key in path_keys() else text for key, text in zip(KEYS, NASTY, strict=True)]
    texts = [text.replace("choice(", "chance(") for text in texts]
    assert as_taken(texts, multirun=True) == texts


def test_a_prompt_may_be_long_and_may_be_empty():
    long = "a, 'b' ${c} \\ " * 1500
    assert len(long) > 20_000
    config = compose_run([f"prompt={long}", "negative_prompt="]).config
    assert (config.prompt, config.negative_prompt) == (long, "")


def test_null_is_nothing_where_a_key_may_be_nothing_and_a_word_elsewhere():
    config = compose_run(["prompt=null", "image=null", "negative_prompt=null", "tts.text=null", "num_clip=null"]).config
    assert (config.prompt, config.image) == ("null", "null")
    assert (config.negative_prompt, config.tts.text, config.num_clip) == (None, None, None)
    assert {"prompt_file", "save_file", "tracking.uri"} <= nullable_keys()
    assert not {"prompt", "sampler.steps", "sampler.shift", "audio.path"} & nullable_keys()


@pytest.mark.parametrize(
    ("words", "overrides"),
    [
        (["size=720p"], ["resolution=720p"]),
        (["size=832x480"], ["resolution=832x480"]),
        (["size=1184*672"], ["resolution.size=1184*672"]),
        (["size=1184x672"], ["resolution.size=1184x672"]),
        (["size=1184X672"], ["resolution.size=1184X672"]),
        (["++size=720p"], ["resolution=720p"]),
        (["size=720p", "sampler=euler"], ["resolution=720p", "sampler=euler"]),
        (["size=480p", "size=720p"], ["resolution=720p"]),
        (["size=720p", "resolution=720p"], ["resolution=720p"]),
        (["resolution.size=64*64", "size=64*64"], ["resolution.size=64*64"]),
        (["size=720p", "resolution.fit=exact"], ["resolution=720p", "resolution.fit=exact"]),
        (["size=480p,720p", "sampler.steps=1,2"], ["resolution=480p,720p", "sampler.steps=1,2"]),
        (["size=choice(480p, 720p)"], ["resolution=choice(480p, 720p)"]),
        (["size=64*64,128x128"], ["resolution.size=64*64,128x128"]),
        (["size=832x480,1024*704"], ["resolution.size=832x480,1024*704"]),
    ],
)
def test_size_is_another_name_of_resolution(words: list[str], overrides: list[str]):
    assert prepare_overrides(words, OPTIONS, multirun=True) == overrides


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["size=720p", "resolution=480p"], "size=720p and resolution=480p: the two are one setting"),
        (["resolution.size=64*64", "size=128*64"], "size=128*64 and resolution.size=64*64"),
        (["size=720p", "resolution.size=1280*720"], "the two are one setting"),
        (["size=720"], "Did you mean '720p'?"),
        (["size=1280 by 720"], "neither a preset nor a width*height"),
        (["size="], "Choose one of 480p, 720p, 832x480, balanced."),
        (["size=720p,64*64"], "it mixes presets and pixels"),
        (["size=720p,960"], "size=960: it is neither"),
    ],
)
def test_sizes_that_cannot_be_are_refused(words: list[str], said: str):
    with pytest.raises(InputError) as caught:
        prepare_overrides(words, OPTIONS, multirun=True)
    assert said in str(caught.value)


def test_a_size_reaches_the_configuration():
    assert compose_run(["size=720p"]).config.resolution.size == "1280*720"
    assert compose_run(["size=1184x672"]).config.resolution.size == "1184x672"
    points = compose_points(["size=480p,832x480"], PROJECT, multirun=True)
    assert [point.config.resolution.size for point in points] == ["960*544", "832*480"]
    assert [point.choices["resolution"] for point in points] == ["480p", "832x480"]


def test_with_several_runs_a_path_may_be_several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    words = ["image=one.png,it's (2).png", "pose.path=a.mp4,null"]
    assert prepare_overrides(words, OPTIONS, multirun=True) == [
        "image='one.png','it\\'s (2).png'",
        "pose.path='a.mp4',null",
    ]
    assert prepare_overrides(words, OPTIONS, multirun=False)[0] == "image='one.png,it\\'s (2).png'"
    (tmp_path / "one, two.png").touch()
    assert prepare_overrides(["image=one, two.png"], OPTIONS, multirun=True) == ["image='one, two.png'"]
    many = [f"recording_{number}.wav" for number in range(50)]
    (override,) = prepare_overrides([f"audio.path={','.join(many)}"], OPTIONS, multirun=True)
    assert override == "audio.path=" + ",".join(f"'{name}'" for name in many)


def test_with_several_runs_free_text_may_be_several_by_choice():
    words = ["""prompt=choice("A woman, ${x}", 'It\\'s')""", "image=choice(a.png,b.png)", "negative_prompt=choice(dim)"]
    points = compose_points(words, PROJECT, multirun=True)
    assert [(point.config.prompt, point.config.image) for point in points] == [
        (prompt, image) for prompt in ("A woman, ${x}", "It's") for image in ("a.png", "b.png")
    ]
    assert {point.config.negative_prompt for point in points} == {"dim"}


def test_no_mixture_of_signs_in_a_choice_is_misread():
    draw = random.Random(0)
    texts = ["".join(draw.choices(PIECES, k=draw.randint(1, 60))) for _ in range(4)]
    quoted = [re.sub(r"(\\*)('|\Z)", lambda match: match[1] * 2 + (match[2] and "\\'"), text) for text in texts]
    words = ["prompt=choice(" + ", ".join(f"'{text}'" for text in quoted) + ")"]
    assert [point.config.prompt for point in compose_points(words, PROJECT, multirun=True)] == texts


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("sampler.step=3", "there is no setting 'sampler.step'. Did you mean 'sampler.steps'?"),
        ("steps=3", "Did you mean 'sampler.steps'?"),
        ("seed=3", "Did you mean 'base_seed'?"),
        ("sample_steps=3", "Did you mean 'sampler.steps'?"),
        ("sampel=euler", "Did you mean 'sampler'?"),
        ("siez=720p", "Did you mean 'size'?"),
        ("promt=a woman", "Did you mean 'prompt'?"),
        ("image.path=me.png", "Did you mean 'image'?"),
        ("+new.setting=3", "there is no setting 'new.setting'. `s2v-runner run --help` lists them"),
        ("sampler=eular", "sampler=eular: there is no such choice. Did you mean 'euler'?"),
        ("sampler=euler,unipd", "sampler=unipd: there is no such choice. Did you mean 'unipc'?"),
        ("sampler=null", "Choose one of dpmpp, euler, unipc."),
        ("audio=speech.wav", "A file is given as audio.path"),
        ("sampler.steps", "'sampler.steps': it is given no value"),
        ("stepz", "'stepz': it is no setting"),
        ("=3", "'=3': it is no setting"),
        ("--stepz", "'--stepz': there is no such option"),
        ("~sampler", "'~sampler': a setting cannot be taken away"),
        ("~sampler.steps=40", "a setting cannot be taken away"),
        ("sampler.steps=(1", "it cannot be read as a setting. Put quotes"),
        ("prompt=choice(a,(b)", "it cannot be read as a setting. Put quotes"),
        ("sampler=glob(*)", "its values cannot be listed"),
        ("sampler.steps=interval(1,3)", "an interval is for a search"),
        ("prompt=\udcff", r"'prompt=\udcff': it is not in UTF-8"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(word: str, said: str):
    with pytest.raises(InputError) as caught:
        compose_points([word], PROJECT, multirun=True)
    assert said in str(caught.value)

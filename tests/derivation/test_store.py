import json
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from s2v_runner.derivation.store import Derivation, DerivedStore, show
from s2v_runner.errors import GenerationError
from s2v_runner.records import Report

REPORT = Report({"seconds": 1.5, "voice": None}, "said in 1.5 s", ("it is short",))


class Maker:
    """Writes a text, and counts how often."""

    def __init__(self) -> None:
        self.made: list[Path] = []
        self.text = "spoken"

    def __call__(self, target: Path) -> Report:
        self.made.append(target)
        target.write_text(self.text)
        return REPORT


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def derivation(maker: Maker) -> Derivation:
    return Derivation(name="speech", suffix=".wav", asked={"text": "hello"}, make=maker)


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[[], DerivedStore]:
    return lambda: DerivedStore(tmp_path / "outputs", tmp_path / "outputs" / "cache")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "outputs" / "runs" / "one"
    folder.mkdir(parents=True)
    return folder


def test_what_was_made_is_found_by_what_it_was_made_of(
    make_store: Callable[[], DerivedStore], derivation: Derivation, maker: Maker, folder: Path
):
    assert make_store().find(derivation) is None
    made = make_store().make(derivation, folder)
    assert maker.made == [folder / "speech.wav"]
    assert made.path.read_text() == "spoken"
    found = make_store().find(replace(derivation))
    assert found == made
    assert made.report == REPORT
    assert make_store().find(replace(derivation, asked={"text": "goodbye"})) is None
    assert make_store().find(replace(derivation, name="recording")) is None


def test_both_what_was_asked_and_what_came_of_it_are_in_the_note(
    make_store: Callable[[], DerivedStore], derivation: Derivation, folder: Path, tmp_path: Path
):
    make_store().make(derivation, folder)
    (note,) = (tmp_path / "outputs" / "cache" / "derived").iterdir()
    content = json.loads(note.read_text())
    assert content["asked"] == {"text": "hello"}
    assert content["facts"] == REPORT.facts


@pytest.mark.parametrize("damage", ["", "{}", "[]", "nonsense", '{"sha256": 3}', '{"sha256": "00", "key": 1}'])
def test_a_damaged_note_counts_as_none(
    make_store: Callable[[], DerivedStore], derivation: Derivation, folder: Path, tmp_path: Path, damage: str
):
    make_store().make(derivation, folder)
    (note,) = (tmp_path / "outputs" / "cache" / "derived").iterdir()
    note.write_text(damage)
    assert make_store().find(derivation) is None


def test_content_that_has_changed_or_gone_counts_as_none(
    make_store: Callable[[], DerivedStore], derivation: Derivation, folder: Path
):
    made = make_store().make(derivation, folder)
    made.path.write_text("something else")
    assert make_store().find(derivation) is None
    made.path.unlink()
    assert make_store().find(derivation) is None


def test_what_takes_the_place_of_changed_content_is_whole_again(
    make_store: Callable[[], DerivedStore], derivation: Derivation, folder: Path
):
    made = make_store().make(derivation, folder)
    made.path.write_text("something else")
    again = make_store().make(derivation, folder)
    assert again == made
    assert again.path.read_text() == "spoken"


def test_of_two_who_want_the_same_at_once_one_makes_it(
    make_store: Callable[[], DerivedStore], derivation: Derivation, maker: Maker, folder: Path
):
    def make_slowly(target: Path) -> Report:
        time.sleep(0.2)
        return maker(target)

    slow = replace(derivation, make=make_slowly)
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: make_store().make(slow, folder), range(2))
    assert one == other
    assert len(maker.made) == 1


def test_an_earlier_attempt_is_gone_on_with_even_when_another_was_made_since(
    make_store: Callable[[], DerivedStore], derivation: Derivation, maker: Maker, folder: Path, tmp_path: Path
):
    first = make_store().make(derivation, folder)
    shutil.rmtree(tmp_path / "outputs" / "cache")
    maker.text = "spoken otherwise"
    second = make_store().make(derivation, folder)
    assert second.sha256 != first.sha256
    assert make_store().find(derivation) == second
    assert make_store().recover(derivation, json.loads(json.dumps(first.as_entry()))) == first
    assert make_store().recover(derivation, {}) is None


def test_a_making_that_fails_leaves_no_note(
    make_store: Callable[[], DerivedStore], derivation: Derivation, folder: Path, tmp_path: Path
):
    def fail(_: Path) -> Report:
        raise GenerationError("no voice")

    with pytest.raises(GenerationError):
        make_store().make(replace(derivation, make=fail), folder)
    assert make_store().find(derivation) is None
    assert [path for path in (tmp_path / "outputs").rglob("*") if path.is_file()] == []


def test_the_folder_of_each_run_gets_a_copy(
    make_store: Callable[[], DerivedStore], derivation: Derivation, maker: Maker, folder: Path, tmp_path: Path
):
    made = make_store().make(derivation, folder)
    assert show(derivation, made, folder) == "speech.wav"
    other = tmp_path / "outputs" / "runs" / "two"
    other.mkdir()
    assert show(derivation, made, other) == "speech.wav"
    assert (other / "speech.wav").read_text() == "spoken"
    (other / "speech.wav").write_text("torn")
    show(derivation, made, other)
    assert (other / "speech.wav").read_text() == "spoken"
    assert len(maker.made) == 1


def test_a_cache_that_cannot_be_written_is_a_warning(
    make_store: Callable[[], DerivedStore], derivation: Derivation, folder: Path, tmp_path: Path
):
    (tmp_path / "outputs" / "cache").write_text("in the way")
    with pytest.warns(UserWarning, match="the speech is not kept for other runs"):
        made = make_store().make(derivation, folder)
    assert made.path.read_text() == "spoken"

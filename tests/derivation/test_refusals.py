"""What is wrong with what a run is given: said in a line that names it, before anything is written."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from s2v_runner.cli import main
from tests.inputs.extraction.people import SOMEBODY, draw_people, write_video
from tests.runs import Workshop


def write_header_alone(path: Path) -> None:
    """A video that was begun and ended without a picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        container.start_encoding()


def write_broken_video(path: Path) -> None:
    content = write_video(path, [draw_people([SOMEBODY])] * 30).read_bytes()
    path.write_bytes(content[: len(content) // 2])


def write_words(path: Path) -> None:
    path.write_text("words")


def write_broken_picture(path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


def write_dot(path: Path) -> None:
    Image.new("RGB", (1, 1)).save(path)


def write_field(path: Path) -> None:
    """As large as they come; of one colour, it is a small file."""
    Image.new("1", (20_000, 20_000)).save(path, compress_level=1)


@pytest.mark.parametrize(
    ("words", "name", "write", "said"),
    [
        ("pose=video pose.path", "empty.mp4", write_header_alone, "it has no pictures in it"),
        ("pose=video pose.path", "broken.mp4", write_broken_video, "as a video"),
        ("pose=video pose.path", "words.mp4", write_words, "as a video"),
        ("image", "broken.jpg", write_broken_picture, "it breaks off"),
        ("image", "broken.png", write_broken_picture, "it breaks off"),
        ("image", "dot.png", write_dot, "it is 1x1 pixels"),
        ("image", "field.png", write_field, "it is too large to be read"),
    ],
)
@pytest.mark.parametrize("more", [(), ("dry_run=true",), ("-m", "sampler.steps=1,2")])
def test_a_file_that_is_no_good_is_refused_before_anything_is_written(
    workshop: Workshop,
    capsys: pytest.CaptureFixture[str],
    words: str,
    name: str,
    write: Callable[[Path], None],
    said: str,
    more: tuple[str, ...],
):
    write(workshop.folder / name)
    assert main([*workshop.settings, *f"{words}={workshop.folder / name}".split(), *more]) == 2
    printed = capsys.readouterr()
    assert not printed.out
    assert len(printed.err.splitlines()) == 1
    assert name in printed.err
    assert said in printed.err
    assert not workshop.outputs.exists()

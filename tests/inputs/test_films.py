"""Video files, opened."""

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from s2v_runner.errors import InputError
from s2v_runner.inputs.films import open_film


def add_cover(path: Path, picture: bytes) -> None:
    """Put a picture in front of the last block of a FLAC file's header."""
    content = path.read_bytes()
    mime = b"image/png"
    block = struct.pack(">II", 3, len(mime)) + mime + struct.pack(">IIIIII", 0, 32, 32, 24, 0, len(picture)) + picture
    stream_info = content[4 : 4 + 4 + 34]
    assert stream_info[0] & 0x7F == 0
    head = bytes([6]) + len(block).to_bytes(3, "big")
    path.write_bytes(b"fLaC" + bytes([0]) + stream_info[1:] + head + block + content[42:])


def test_a_picture_on_the_cover_is_no_video(tmp_path: Path):
    path = tmp_path / "song.flac"
    soundfile.write(path, np.zeros(1600), 16000)
    cover = io.BytesIO()
    Image.new("RGB", (32, 32)).save(cover, "PNG")
    add_cover(path, cover.getvalue())
    with pytest.raises(InputError, match=r"it has no pictures in it\. Give a pose video"):
        open_film(path, "a pose video")


def test_what_would_be_waited_for_for_ever_is_refused(tmp_path: Path):
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="it is a pipe or a device"):
        open_film(pipe, "a pose video")

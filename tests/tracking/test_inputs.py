from pathlib import Path

from s2v_runner.digests import digest_file
from s2v_runner.tracking.inputs import keep_inputs


def test_a_copy_is_kept_of_each_content_and_put_right_when_it_is_damaged(tmp_path: Path):
    picture = tmp_path / "me.PNG"
    picture.write_bytes(b"a picture")
    inputs = {"image": {"path": str(picture), "sha256": digest_file(picture)}}
    copy = Path(keep_inputs(tmp_path / "outputs", inputs)["image"]["copy"])
    assert copy.suffix == ".png"
    assert copy.read_bytes() == b"a picture"
    copy.write_bytes(b"a pict")
    assert Path(keep_inputs(tmp_path / "outputs", inputs)["image"]["copy"]) == copy
    assert copy.read_bytes() == b"a picture"

from s2v_runner.plan import fit_area
from tests.parity.recordings import read_json


def test_frame_of_every_picture():
    recorded = read_json("size.json")
    assert recorded["columns"] == ["image_height", "image_width", "max_area", "height", "width"]
    wrong = [row for row in recorded["rows"] if fit_area(*row[:3]) != tuple(row[3:])]
    assert recorded["rows"]
    assert not wrong

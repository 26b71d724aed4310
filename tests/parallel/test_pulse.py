"""How a process gets on, read by another."""

from pathlib import Path

from s2v_runner.parallel.pulse import Beat, Pulse, read_pulse


def test_what_is_written_is_read(tmp_path: Path):
    path = tmp_path / "pulse"
    assert read_pulse(path) == Beat(0, 0, False)
    pulse = Pulse(path)
    assert read_pulse(path) == Beat(0, 0, False)
    with pulse.at_work():
        pulse.advance()
        pulse.meet()
        assert read_pulse(path) == Beat(3, 1, True)
    assert not read_pulse(path).is_at_work
    with pulse.at_work():
        # Meetings are counted from the beginning of the work, so that processes can be compared.
        assert read_pulse(path).meetings == 0


def test_a_file_that_is_not_whole_is_nothing_yet(tmp_path: Path):
    (tmp_path / "pulse").write_bytes(b"12")
    assert read_pulse(tmp_path / "pulse") == Beat(0, 0, False)

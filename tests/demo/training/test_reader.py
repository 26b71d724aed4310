"""The reader learns from any mouth and any distortion, and its weights are small."""

import json
from pathlib import Path

import numpy as np
import torch

from demo.reading import QUANTITIES, load_reader
from demo.training.distortions import distort
from demo.training.faces import FacePool, draw_faces, draw_moments, list_shapes
from demo.training.pace import Span
from demo.training.reader import ReaderSettings, build_reader, save_reader, train_reader
from demo.world.mouth import MouthTrack

CPU = torch.device("cpu")
MOUTHS = [MouthTrack(*(np.full(5, value, np.float32) for value in (0.25, 0.5, 0.75)))]
SHAPES = list_shapes(MOUTHS)
SETTINGS = ReaderSettings(
    seed=0, batch=8, distorted=0.75, drawn=8, draw_every=100, kept=16, peak_rate=5e-3, warm_up_steps=2, log_every=10
)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_shapes_are_those_of_all_frames():
    assert SHAPES.tolist() == [[0.25, 0.5, 0.75]] * 5


def test_mouths_are_those_of_speech_and_any_other():
    moments = draw_moments(SHAPES, 500, generator())
    spoken = moments.opening == 0.25
    assert 0.3 < spoken.float().mean() < 0.5
    assert (moments.rounding[spoken] == 0.75).all()
    others = torch.stack((moments.opening, moments.width, moments.rounding), 2)[~spoken]
    assert (others[:, 0] == 0).float().mean() > 0.05
    for corner in range(8):
        far = torch.tensor([corner & 1, corner >> 1 & 1, corner >> 2 & 1])
        assert ((others - far).abs() < 0.3).all(1).any()
    assert torch.corrcoef(others.T).triu(1).abs().max() < 0.1


def test_heads_do_everything_at_once():
    moments = draw_moments(SHAPES, 500, generator())
    for name, low, high in (
        ("yaw", -1, 1),
        ("pitch", -1, 1),
        ("smile", 0, 1),
        ("blink", 0, 1),
        ("sway_x", -0.12, 0.12),
    ):
        values = getattr(moments, name)
        assert values.min() <= low + 0.02
        assert values.max() >= high - 0.02


def test_pictures_come_with_their_truth():
    """Heads farther to the right have their bright and dark places there."""
    faces = draw_faces(SHAPES, 8, CPU, generator())
    assert (faces.pictures_NCHW.shape, faces.pictures_NCHW.dtype) == ((8, 3, 128, 128), torch.uint8)
    assert faces.truth_NQ.shape == (8, len(QUANTITIES))
    frames = faces.frames()
    assert -1 <= frames.min() < -0.5 < 0.5 < frames.max() <= 1
    across = QUANTITIES.index("centre_x")
    # Of one person the picture changes most where the head is.
    changed = (frames[0] - frames[1]).abs().sum((0, 1))
    middle = (changed * torch.linspace(-1, 1, 128)).sum() / changed.sum()
    assert abs(middle - faces.truth_NQ[:2, across].mean()) < 0.1


def test_a_pool_keeps_what_was_drawn_last():
    pool = FacePool(SHAPES, 8, CPU)
    draws, choices = generator(), generator()
    pool.draw(4, draws)
    first = pool.pick(50, choices).truth_NQ.unique(dim=0)
    pool.draw(4, draws)
    pool.draw(4, draws)
    later = pool.pick(50, choices)
    rows = later.truth_NQ.unique(dim=0)
    assert (len(first), len(rows)) == (4, 8)
    assert not any((row == first).all(1).any() for row in rows)
    again = generator()
    wanted = [draw_faces(SHAPES, 4, CPU, again) for _ in range(3)][2]
    at = (later.truth_NQ == wanted.truth_NQ[3]).all(1).nonzero()[0, 0]
    assert torch.equal(later.pictures_NCHW[at], wanted.pictures_NCHW[3])


def test_distortions_are_small_and_differ():
    frames = draw_faces(SHAPES, 4, CPU, generator()).frames()[:1].expand(16, -1, -1, -1)
    distorted = distort(frames, generator())
    assert torch.equal(distorted, distort(frames, generator()))
    assert (distorted.shape, distorted.dtype) == (frames.shape, torch.float32)
    assert distorted.abs().max() <= 1
    errors = (distorted - frames).abs().mean((1, 2, 3))
    assert 0 < errors.min() < 0.04
    assert 0.06 < errors.max() < 0.25
    # What is drawn stays where it is.
    assert all(torch.corrcoef(torch.stack((one.flatten(), frames[0].flatten())))[0, 1] > 0.93 for one in distorted)


def test_the_weights_are_few_and_come_back(tmp_path: Path):
    reader = build_reader(3, None)
    assert sum(weight.numel() for weight in reader.parameters()) <= 200_000
    path = tmp_path / "new" / "reader.safetensors"
    save_reader(reader, path)
    assert path.stat().st_size <= 400_000
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    loaded = load_reader(path).state_dict()
    assert all(torch.equal(loaded[name], weight.half().float()) for name, weight in reader.state_dict().items())
    assert not torch.equal(build_reader(4, None).gather.weight, reader.gather.weight)


def test_training_lowers_the_errors_and_goes_on_from_weights(tmp_path: Path):
    log = tmp_path / "log.jsonl"
    reader = train_reader(MOUTHS, SETTINGS, Span(600, 31), CPU, log, None)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 10, 20, 30]
    assert lines[-1]["loss"] < 0.7 * lines[0]["loss"]
    assert lines[0].keys() >= {*QUANTITIES}
    assert not reader.training
    save_reader(reader, tmp_path / "reader.safetensors")
    same = train_reader(MOUTHS, SETTINGS, Span(600, 0), CPU, log, tmp_path / "reader.safetensors")
    torch.testing.assert_close(same.tell.weight, reader.tell.weight, atol=1e-3, rtol=1e-2)

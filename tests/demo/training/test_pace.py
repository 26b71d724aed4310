import json
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from demo.training.pace import Average, Beat, LossLog, Span, beats, learning_rate, set_learning_rate


def test_it_ends_with_its_steps():
    steps = list(beats(Span(seconds=1000.0, steps=4)))
    assert [beat.step for beat in steps] == [0, 1, 2, 3]
    assert [beat.share for beat in steps] == pytest.approx([0, 0.25, 0.5, 0.75], abs=1e-3)


def test_it_ends_with_its_time():
    shares = []
    for beat in beats(Span(seconds=0.2, steps=10**9)):
        assert beat.elapsed < 0.2
        shares.append(beat.share)
        time.sleep(0.02)
    assert 1 < len(shares) <= 10
    assert shares == sorted(shares)
    assert shares[-1] < 1
    assert not list(beats(Span(seconds=0.0, steps=5)))


@pytest.mark.parametrize(
    ("step", "share", "wanted"),
    [
        (0, 0.0, 0.1),
        (4, 0.0, 0.5),
        (9, 0.1, 1.0),
        (500, 0.5, 1.0),
        (500, 0.75, 0.505),
        (500, 1.0, 0.01),
        (0, 1.0, 0.01),
    ],
)
def test_the_learning_rate_rises_stays_and_falls_to_a_hundredth(step: int, share: float, wanted: float):
    assert learning_rate(3.0, Beat(step, 0.0, share), warm_up_steps=10) == pytest.approx(3.0 * wanted)


def test_every_group_of_an_optimizer_takes_the_rate():
    layer = nn.Linear(2, 2)
    optimizer = torch.optim.SGD([{"params": [layer.weight]}, {"params": [layer.bias], "lr": 5.0}], lr=1.0)
    set_learning_rate(optimizer, 0.25)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]


def test_the_log_has_a_line_for_every_so_many_steps_and_is_gone_on_with(tmp_path: Path):
    path = tmp_path / "logs" / "part.jsonl"
    for steps in (range(5), range(5, 9)):
        log = LossLog(path, every=4)
        for step in steps:
            log.write(Beat(step, 0.1234 * step, 0.0), loss=torch.tensor(0.12345678), gradient=torch.tensor(2.0))
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"step": 0, "seconds": 0.0, "loss": 0.123457, "gradient": 2.0},
        {"step": 4, "seconds": 0.49, "loss": 0.123457, "gradient": 2.0},
        {"step": 8, "seconds": 0.99, "loss": 0.123457, "gradient": 2.0},
    ]


def one_number(value: float) -> nn.Linear:
    layer = nn.Linear(1, 1, bias=False)
    fill(layer, value)
    return layer


@torch.no_grad()
def fill(layer: nn.Linear, value: float) -> None:
    layer.weight.fill_(value)


def test_an_average_forgets_its_start_soon_and_later_as_its_decay_says():
    layer = one_number(100.0)
    average = Average(layer, decay=0.9)
    fill(layer, 1.0)
    average.update()
    # The first time, a tenth or so of what was stays.
    assert average.values[0].item() == pytest.approx(1 + 99 / 11)
    for _ in range(200):
        average.update()
    assert average.values[0].item() == pytest.approx(1.0, abs=1e-4)
    fill(layer, 2.0)
    average.update()
    assert average.values[0].item() == pytest.approx(1.1, abs=1e-4)


def test_an_average_leaves_the_parameters_alone_until_it_is_put_in_their_place():
    layer = one_number(0.0)
    average = Average(layer, decay=0.5)
    fill(layer, 11.0)
    average.update()
    assert layer.weight.item() == 11.0
    average.apply()
    assert layer.weight.item() == pytest.approx(10.0)
    assert layer.weight.requires_grad


def test_an_average_that_is_taken_up_goes_on_with_its_whole_decay():
    layer = one_number(0.0)
    average = Average(layer, decay=0.75)
    average.take_up([torch.tensor([[8.0]])], 1000)
    average.update()
    assert average.values[0].item() == pytest.approx(6.0)

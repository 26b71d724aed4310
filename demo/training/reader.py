"""The reader that measures what the heads in made videos do, and how well it reads drawn ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from demo.reading import QUANTITIES, SIDE, Reader, Readings, load_reader, read_faces, true_readings
from demo.training.distortions import distort
from demo.training.faces import FacePool, list_shapes
from demo.training.pace import Average, LossLog, Span, beats, learning_rate, set_learning_rate
from demo.world.head import render
from demo.world.mouth import MouthTrack
from demo.world.take import Takes, cut_mouth, draw_takes

_DECAY = 0.998
_LARGEST_GRADIENT = 1.0
_SMALL_ERROR = 0.3
"""In spreads: larger errors count by their size, smaller ones by its square."""
_TAKE_FRAMES = 48
_MOUTH = ("opening", "width", "rounding")


@dataclass(frozen=True)
class ReaderSettings:
    """How a reader is trained."""

    seed: int
    batch: int
    """Pictures in one step."""
    distorted: float
    """The share of them that are distorted; the others are as drawn."""
    drawn: int
    """Pictures that are drawn at once, a multiple of four."""
    draw_every: int
    """Steps from one drawing to the next."""
    kept: int
    """Pictures to choose from, a multiple of those drawn at once."""
    peak_rate: float
    warm_up_steps: int
    log_every: int


def build_reader(seed: int, start: Path | None) -> Reader:
    """With random weights, or with those of a file."""
    if start is not None:
        return load_reader(start)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Reader()


def save_reader(reader: Reader, path: Path) -> None:
    """Weights as float16 safetensors."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {name: weight.half().cpu().contiguous() for name, weight in reader.state_dict().items()}
    unfinished = path.with_name(f".{path.name}")
    save_file(state, unfinished)
    unfinished.rename(path)


def train_reader(
    mouths: Sequence[MouthTrack],
    settings: ReaderSettings,
    span: Span,
    device: torch.device,
    log: Path,
    start: Path | None,
) -> Reader:
    """A reader that has learnt from drawn and distorted pictures until the span is over, on the device.

    `mouths` are how mouths are in speech; it learns from mouths that are unlike any speech too, so that it reads what
    is there rather than what is likely.
    """
    reader = build_reader(settings.seed, start).to(device).train()
    optimizer = torch.optim.AdamW(reader.parameters(), lr=settings.peak_rate, betas=(0.9, 0.98), weight_decay=0.01)
    average = Average(reader, _DECAY)
    losses = LossLog(log, settings.log_every)
    pool = FacePool(list_shapes(mouths), settings.kept, device)
    choices = torch.Generator().manual_seed(settings.seed)
    accidents = torch.Generator(device).manual_seed(settings.seed)
    for beat in beats(span):
        set_learning_rate(optimizer, learning_rate(settings.peak_rate, beat, settings.warm_up_steps))
        if beat.step % settings.draw_every == 0:
            pool.draw(settings.drawn, choices)
        faces = pool.pick(settings.batch, choices)
        frames_NCHW = _distort_some(faces.frames(), settings.distorted, accidents)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            told_NQ = reader(frames_NCHW)
        errors_NQ = (told_NQ - faces.truth_NQ) / reader.spread_Q
        loss = F.smooth_l1_loss(errors_NQ, torch.zeros_like(errors_NQ), beta=_SMALL_ERROR)
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(reader.parameters(), _LARGEST_GRADIENT)
        optimizer.step()
        average.update()
        deviations = errors_NQ.detach().square().mean(0).sqrt()
        losses.write(beat, loss=loss.detach(), gradient=norm, **dict(zip(QUANTITIES, deviations, strict=True)))
    average.apply()
    return reader.eval()


def _distort_some(frames_NCHW: Tensor, share: float, generator: torch.Generator) -> Tensor:
    distorted = round(share * len(frames_NCHW))
    return torch.cat((distort(frames_NCHW[:distorted], generator), frames_NCHW[distorted:]))


def measure_reader(reader: Reader, mouths: Sequence[MouthTrack], seed: int, count: int) -> dict[str, float]:
    """How well it reads so many drawn takes of new people with these mouths, where the reader is.

    The correlation of each quantity over all frames, by its name; that of the mouth's within the takes, where each
    take's means are left out (`width_within` and so on); and `centre_error`: how far off the head's centre is on
    average, in half frame sides.
    """
    generator = torch.Generator().manual_seed(seed)
    takes = _draw_takes(mouths, count, generator)
    device = reader.spread_Q.device
    identities, performances = takes.identities.to(device), takes.performances.to(device)
    truth = true_readings(identities, performances)
    told = read_faces(reader, render(identities, performances, SIDE))
    scores = {name: _correlate(getattr(told, name), getattr(truth, name)) for name in QUANTITIES}
    for name in _MOUTH:
        scores[f"{name}_within"] = _correlate(*(_without_mean(getattr(values, name)) for values in (told, truth)))
    return scores | {"centre_error": _centre_error(told, truth)}


def _draw_takes(mouths: Sequence[MouthTrack], count: int, generator: torch.Generator) -> Takes:
    """Takes of pieces of these mouths, none longer than a few seconds."""
    chosen = torch.randint(len(mouths), (count,), generator=generator).tolist()
    starts = torch.rand(count, generator=generator).tolist()
    pieces = []
    for index, start in zip(chosen, starts, strict=True):
        left_over = max(0, len(mouths[index].opening_V) - _TAKE_FRAMES)
        pieces.append(cut_mouth(mouths[index], round(start * left_over), _TAKE_FRAMES))
    return draw_takes(pieces, generator)


def _correlate(told: Tensor, truth: Tensor) -> float:
    return float(torch.corrcoef(torch.stack((told.flatten(), truth.flatten())))[0, 1])


def _without_mean(values_BV: Tensor) -> Tensor:
    return values_BV - values_BV.mean(1, keepdim=True)


def _centre_error(told: Readings, truth: Readings) -> float:
    across, down = told.centre_x - truth.centre_x, told.centre_y - truth.centre_y
    return float(torch.hypot(across, down).mean())

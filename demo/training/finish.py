"""What comes out of a finished training: the checkpoint, the reader, pictures of the losses, and a few videos."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
import torch
from safetensors.torch import load_file

from demo.evaluation.cases import GROUPS, POOLS, Case, draw_cases
from demo.evaluation.making import Maker, default_request, default_settings, load_engine
from demo.reading import READER_FILE
from demo.training.export import Parts, export_checkpoint
from demo.training.listener import preprocessor_config
from demo.training.reader import build_reader, save_reader
from demo.training.studio import Studio, load_autoencoder, load_listener, load_text_encoder, say
from demo.training.transformer import build_transformer
from s2v_runner.plan import SPEECH_RATE
from s2v_runner.records import FIXED
from s2v_runner.video.pixels import to_eight_bit
from s2v_runner.video.writer import VideoWriter

_CRF = 14
_SMOOTHED = 0.9


def finish(studio: Studio) -> None:
    """Export the checkpoint, and show what the training did."""
    checkpoint = studio.folder / "checkpoint"
    if not checkpoint.is_dir():
        export(studio, checkpoint)
    save_reader(build_reader(studio.recipe.seed, studio.weights("reader")), studio.folder / READER_FILE.name)
    samples = studio.folder / "samples"
    plot_losses(studio)
    if not samples.is_dir():
        make_samples(checkpoint, studio.recipe.samples, studio.device, samples)
    say(f"to look at: {checkpoint}, {samples}, and the pictures of the losses in {studio.folder / 'logs'}")


def export(studio: Studio, folder: Path) -> None:
    """The trained parts as a checkpoint in the official layout."""
    transformer = build_transformer(studio.recipe.transformer_config, studio.recipe.seed)
    transformer.load_state_dict(load_file(studio.weights("transformer")))
    text_encoder, tokenizer = load_text_encoder(studio)
    parts = Parts(
        transformer=transformer,
        vae=load_autoencoder(studio).cpu(),
        text_encoder=text_encoder.cpu(),
        tokenizer=tokenizer,
        audio_encoder=load_listener(studio).cpu(),
        extractor=preprocessor_config(),
    )
    export_checkpoint(folder, parts)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    say(f"{folder}: {size / 1e6:.1f} MB")


def plot_losses(studio: Studio) -> None:
    """A picture beside each log: every loss over the steps, smoothed, in a plot of its own."""
    from matplotlib.figure import Figure

    for log in sorted((studio.folder / "logs").glob("*.jsonl")):
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        names = [name for name in lines[-1] if name not in ("step", "seconds")]
        figure = Figure(figsize=(3.2 * len(names), 2.6), layout="constrained")
        steps = [line["step"] for line in lines]
        for place, name in enumerate(names, start=1):
            axes = figure.add_subplot(1, len(names), place)
            axes.plot(steps, _smooth([line[name] for line in lines]))
            axes.set_title(name, fontsize=9)
            axes.set_yscale("log")
        figure.savefig(log.with_suffix(".png"), dpi=80)


def _smooth(values: Sequence[float]) -> list[float]:
    smoothed = [values[0]]
    for value in values[1:]:
        smoothed.append(_SMOOTHED * smoothed[-1] + (1 - _SMOOTHED) * value)
    return smoothed


def make_samples(checkpoint: Path, count: int, device: torch.device, folder: Path) -> None:
    """Videos of people and sentences that were not trained on, through the pipeline, with their sound."""
    unfinished = folder.with_name(f".{folder.name}")
    unfinished.mkdir(parents=True, exist_ok=True)
    request = default_request()
    maker = Maker(load_engine(checkpoint, device), request)
    for number, case in enumerate(draw_cases(POOLS["validation"], GROUPS["plain"], count, 0)):
        made = maker.make(case, default_settings(request))
        _write(unfinished / f"{number}.mp4", case, to_eight_bit(made.video_BCVHW.cpu(), FIXED), request.sample_fps)
        (unfinished / f"{number}.txt").write_text(f"{case.prompt}\n{case.line.text}\n")
    unfinished.rename(folder)


def _write(path: Path, case: Case, pixels: np.ndarray, fps: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        speech = Path(folder) / "speech.wav"
        soundfile.write(speech, case.waveform, SPEECH_RATE, subtype="PCM_16")
        frames, height, width = pixels.shape[:3]
        with VideoWriter(
            path=path,
            height=height,
            width=width,
            fps=fps,
            num_frames=frames,
            audio=speech,
            crf=_CRF,
            audio_kbps=96,
            metadata={"comment": case.prompt},
        ) as writer:
            writer.write(pixels)

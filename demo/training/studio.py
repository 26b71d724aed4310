"""The folder of a training, and the stages that fill it. What is there is not made again.

speeches.npz                 what is said
weights/                     the trained parts, float32
logs/                        losses, a line of JSON every so many steps
footage.pt, transformer.pt   the encoded takes, and a training that is under way; large, and only needed to go on
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import nn
from transformers import UMT5EncoderModel, Wav2Vec2Model

from demo.training import listener as listening
from demo.training import reader as watching
from demo.training import text as reading
from demo.training.autoencoder import bring_to_scale, build_autoencoder, encode_moments, train_autoencoder
from demo.training.footage import Past, draw_scene, film, join
from demo.training.pace import Beat, Span
from demo.training.recipe import Recipe
from demo.training.reels import reel_maker
from demo.training.speeches import (
    draw_lines,
    follow_utterance,
    hear,
    keep_utterances,
    read_utterances,
)
from demo.training.transformer import Library, Training, build_transformer
from demo.world.identity import words
from demo.world.performance import FRAMES_PER_SECOND
from demo.world.prompts import corpus, describe, draw_prompts, list_movements
from demo.world.sentences import TRAINING_VOICES
from demo.world.speech import Utterance, speak_all
from s2v_runner.conditioning.text import MODEL_NEGATIVE_PROMPT

Module = TypeVar("Module", bound=nn.Module)

_HEARD_AT_ONCE = 32


@dataclass(frozen=True)
class Studio:
    """Where a training is, and how it goes."""

    folder: Path
    recipe: Recipe
    device: torch.device

    def weights(self, part: str) -> Path:
        return self.folder / "weights" / f"{part}.safetensors"

    def log(self, part: str) -> Path:
        return self.folder / "logs" / f"{part}.jsonl"

    def start(self, part: str) -> Path | None:
        """The weights that a part's training begins with, where there are some."""
        path = self.folder / "start" / f"{part}.safetensors"
        return path if path.is_file() else None

    @property
    def tokenizer(self) -> Path:
        return self.folder / "weights" / "tokenizer.json"


def keep(path: Path, module: nn.Module) -> None:
    """The module's tensors as float32, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.detach().float().cpu().contiguous() for name, tensor in module.state_dict().items()}
    unfinished = path.with_name(f".{path.name}")
    save_file({name: tensor for name, tensor in state.items() if name != "encoder.embed_tokens.weight"}, unfinished)
    unfinished.rename(path)


def say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def write_speeches(studio: Studio) -> None:
    """Have every line spoken."""
    recipe = studio.recipe
    rng = np.random.default_rng(recipe.seed)
    lines = draw_lines(recipe.utterances, TRAINING_VOICES, recipe.utterance_seconds, rng)
    utterances = speak_all(lines, os.cpu_count() or 1)
    studio.folder.mkdir(parents=True, exist_ok=True)
    unfinished = studio.folder / ".speeches.npz"
    keep_utterances(unfinished, utterances)
    unfinished.rename(studio.folder / "speeches.npz")
    hours = sum(len(one.samples) / one.rate for one in utterances) / 3600
    say(f"speeches: {len(utterances)} utterances, {hours:.1f} hours")


def said(studio: Studio) -> list[Utterance]:
    return read_utterances(studio.folder / "speeches.npz")


def make_autoencoder(studio: Studio) -> None:
    """Train the autoencoder and bring it to scale."""
    recipe = studio.recipe
    mouths = [follow_utterance(one) for one in said(studio)]
    vae = _ready(build_autoencoder(recipe.autoencoder_base_dim, recipe.seed), studio.device)
    start = studio.start("autoencoder")
    if start is not None:
        vae.load_state_dict(load_file(start))
    generator = torch.Generator().manual_seed(recipe.seed)
    draw = reel_maker(mouths, recipe.reels, recipe.frames_a_batch, studio.device, generator)
    train_autoencoder(vae, draw, recipe.autoencoder, recipe.autoencoder_span, studio.log("autoencoder"))
    with torch.no_grad():
        last = (draw(Beat(step, 0.0, 1.0)).video_BCVHW for step in range(recipe.scale_batches))
        means = [encode_moments(vae, video)[0].flatten(2) for video in last]
        values = torch.cat([mean.transpose(0, 1).flatten(1) for mean in means], dim=1)
        bring_to_scale(vae, values[None, :, :, None, None])
    keep(studio.weights("autoencoder"), vae)


def make_listener(studio: Studio) -> None:
    recipe = studio.recipe
    settings = listening.ListenerSettings(
        seed=recipe.seed,
        fps=FRAMES_PER_SECOND,
        step_seconds=recipe.listener_step_seconds,
        learning_rate=1e-3,
        warm_up_steps=100,
    )
    log, start = studio.log("listener"), studio.start("listener")
    encoder = listening.train_listener(said(studio), settings, recipe.listener_span, studio.device, log, start)
    keep(studio.weights("listener"), encoder)


def make_text_encoder(studio: Studio) -> None:
    recipe = studio.recipe
    tokenizer = reading.train_tokenizer(corpus(np.random.default_rng(recipe.seed), recipe.prompts))
    settings = reading.TextTraining(
        span=recipe.text_span,
        batch=recipe.text_batch,
        peak_rate=3e-3,
        warm_up_steps=100,
        log_every=50,
        seed=recipe.seed,
        start=studio.start("text_encoder"),
    )
    prompts = draw_prompts(recipe.prompts, recipe.seed)
    unseen = draw_prompts(recipe.unseen_prompts, recipe.seed + 1)
    log = studio.log("text_encoder")
    encoder, accuracy = reading.train_text_encoder(settings, prompts, unseen, tokenizer, studio.device, log)
    say(f"text encoder: of unseen prompts all acts told right {accuracy.all_acts:.4f}, {accuracy.acts}")
    tokenizer.save(str(studio.tokenizer))
    keep(studio.weights("text_encoder"), encoder)


def make_reader(studio: Studio) -> None:
    recipe = studio.recipe
    mouths = [follow_utterance(one) for one in said(studio)]
    log, start = studio.log("reader"), studio.start("reader")
    reader = watching.train_reader(mouths, recipe.reader, recipe.reader_span, studio.device, log, start)
    keep(studio.weights("reader"), reader)


def _ready(module: Module, device: torch.device) -> Module:
    module.to(device)
    return module.eval()


def load_autoencoder(studio: Studio) -> AutoencoderKLWan:
    vae = AutoencoderKLWan(base_dim=studio.recipe.autoencoder_base_dim)
    vae.load_state_dict(load_file(studio.weights("autoencoder")))
    return _ready(vae, studio.device)


def load_listener(studio: Studio) -> Wav2Vec2Model:
    encoder = listening.build_listener(studio.recipe.seed, studio.weights("listener"))
    return _ready(encoder, studio.device)


def load_text_encoder(studio: Studio) -> tuple[UMT5EncoderModel, Tokenizer]:
    tokenizer = Tokenizer.from_file(str(studio.tokenizer))
    encoder = reading.build_text_encoder(tokenizer.get_vocab_size())
    state = load_file(studio.weights("text_encoder"))
    encoder.load_state_dict(state | {"encoder.embed_tokens.weight": state["shared.weight"]})
    return _ready(encoder, studio.device), tokenizer


def make_footage(studio: Studio) -> None:
    """Draw and encode all takes, hear all speeches, and encode all prompts."""
    began = time.perf_counter()
    recipe, device = studio.recipe, studio.device
    listener = load_listener(studio)
    extractor = listening.build_extractor()
    speeches = hear(said(studio), listener, extractor, recipe.feature_frames, _HEARD_AT_ONCE)
    say(f"heard {len(speeches.mouths)} utterances, {time.perf_counter() - began:.0f} s")
    vae = load_autoencoder(studio)
    generator = torch.Generator().manual_seed(recipe.seed + 2)
    rng = np.random.default_rng(recipe.seed + 2)
    prompts: list[str] = []
    sizes = recipe.footage
    counts: dict[Past, int] = {
        "none": sizes.opening,
        "video": sizes.continuing_video,
        "grey": sizes.continuing_grey,
        "picture": sizes.continuing_picture,
    }
    pieces = {"opening": [], "continuing": []}
    for past, wanted in counts.items():
        kind = "opening" if past == "none" else "continuing"
        for _ in range(0, wanted, sizes.at_once):
            scene = draw_scene(speeches, sizes.at_once, past, generator)
            told = zip(words(scene.takes.identities), list_movements(scene.takes.acts), strict=True)
            numbers = torch.arange(len(prompts), len(prompts) + sizes.at_once)
            prompts += [describe(description, movement, rng).text for description, movement in told]
            pieces[kind].append(film(vae, scene, numbers, round(sizes.posed * sizes.at_once), generator))
        say(f"filmed {wanted} clips after {past}, {time.perf_counter() - began:.0f} s")
    encoder, tokenizer = load_text_encoder(studio)
    library = Library(
        opening=join(pieces["opening"]),
        continuing=join(pieces["continuing"]),
        speeches=speeches,
        prompts_PTC=reading.encode_batch(encoder, tokenizer, prompts, device).half(),
        unconditional_PTC=reading.encode_batch(encoder, tokenizer, [MODEL_NEGATIVE_PROMPT, ""], device).half(),
    )
    unfinished = studio.folder / ".footage.pt"
    torch.save(library, unfinished)
    unfinished.rename(studio.folder / "footage.pt")
    say(f"footage kept, {time.perf_counter() - began:.0f} s")


def go_on_with_transformer(studio: Studio, seconds: float) -> bool:
    """Train the transformer for so long; whether it is done."""
    recipe, state = studio.recipe, studio.folder / "transformer.pt"
    if state.is_file() and torch.load(state, map_location="cpu", weights_only=True, mmap=True)["share"] >= 1.0:
        return True
    library = torch.load(studio.folder / "footage.pt", map_location=studio.device, weights_only=False)
    transformer = build_transformer(recipe.transformer_config, recipe.seed).to(studio.device)
    start = studio.start("transformer")
    if start is not None:
        transformer.load_state_dict(load_file(start))
    if studio.device.type == "cuda":
        # Worth a minute: a step of small layers is mostly launches and reads of memory, which fusing saves.
        for block in transformer.blocks:
            block.compile()
    training = Training(transformer, recipe.transformer, recipe.seed)
    done = 0.0
    if state.is_file():
        done = training.take_up(torch.load(state, map_location="cpu", weights_only=True))
    whole = recipe.transformer_span
    span = Span(min(seconds, (1 - done) * whole.seconds), whole.steps)
    until = min(1.0, done + span.seconds / whole.seconds)
    say(f"transformer: {span.seconds:.0f} s, from {done:.2f} to {until:.2f} of its training")
    training.go_on(library, span, done, until, studio.log("transformer"))
    unfinished = studio.folder / ".transformer.pt"
    torch.save(training.state(until), unfinished)
    unfinished.rename(state)
    training.average.apply()
    keep(studio.weights("transformer"), transformer)
    return until >= 1.0

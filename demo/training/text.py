"""The tokenizer and the tiny UMT5 of the demo model.

The encoder learns to tell what a prompt says: a linear probe reads it from the mean of the prompt's rows. It is thrown
away after the training.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor, nn
from torch.nn import functional
from transformers import UMT5Config, UMT5EncoderModel

from demo.training.pace import Average, LossLog, Span, beats, learning_rate, set_learning_rate
from demo.world.identity import Description
from demo.world.prompts import Movement, Prompt
from s2v_runner.checkpoint.tokenizer import PADDING_TOKEN
from s2v_runner.conditioning.text import clean_prompt

TEXT_LENGTH = 64
"""Tokens of a prompt, its end among them; longer ones are cut."""
MOVEMENT_VALUES = {
    "nod": ("", "yes", "no"),
    "smile": ("", "yes", "no"),
    "still": ("", "yes"),
    "turn": ("", "ahead", "left", "right"),
}
"""What a prompt may say of each act."""

_END_TOKEN = "</s>"
_VOCABULARY = 1400
_CHUNK = 1024
# Words that do not count as said: they tell nothing, or stand in every phrase.
_EMPTY_WORDS = frozenset({"a", "an", "with", "in"})
# The probe learns as fast as the encoder when what it reads is larger than the mean of unit rows.
_GAIN = 5.0
# The person of a text that is no prompt.
_NOBODY = "nobody"
_TIED = "encoder.embed_tokens.weight"
_SYLLABLES = ("ba", "dor", "fe", "gli", "ka", "lum", "mo", "nis", "pro", "ra", "sto", "tev", "ul", "vi", "wen", "zo")
_IDEOGRAPHS = (0x4E00, 0x9FA5)


@dataclass(frozen=True)
class TextTraining:
    """How the encoder is trained."""

    span: Span
    batch: int
    peak_rate: float
    warm_up_steps: int
    log_every: int
    seed: int
    start: Path | None
    """Weights to go on from."""


@dataclass(frozen=True)
class TextAccuracy:
    """Of unseen prompts, the share of which the probe tells right …"""

    acts: dict[str, float]
    """… each act,"""
    all_acts: float
    """… all acts,"""
    looks: dict[str, float]
    """… every word said of each feature."""


@dataclass(frozen=True)
class _Batch:
    """Prompts as the encoder takes them: ids [B, T] (0 past the end), and what they say."""

    ids: Tensor
    acts: Tensor  # int64 [B, acts]
    looks: Tensor  # float32 [B, words]


def train_tokenizer(corpus: Iterable[str]) -> Tokenizer:
    """Frequent words of the corpus become tokens; any other text is told in pieces, down to bytes.

    It makes no difference of capitals, and pads and cuts to TEXT_LENGTH.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY,
        special_tokens=[PADDING_TOKEN, _END_TOKEN],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    end = (_END_TOKEN, tokenizer.token_to_id(_END_TOKEN))
    tokenizer.post_processor = processors.TemplateProcessing(single=f"$A {_END_TOKEN}", special_tokens=[end])
    tokenizer.enable_truncation(TEXT_LENGTH)
    tokenizer.enable_padding(length=TEXT_LENGTH, pad_id=tokenizer.token_to_id(PADDING_TOKEN), pad_token=PADDING_TOKEN)
    return tokenizer


def build_text_encoder(vocabulary: int) -> UMT5EncoderModel:
    """With random weights."""
    config = UMT5Config(
        vocab_size=vocabulary,
        d_model=96,
        d_kv=24,
        d_ff=192,
        num_layers=3,
        num_heads=4,
        feed_forward_proj="gated-gelu",
        dropout_rate=0.0,
        is_encoder_decoder=False,
        use_cache=False,
    )
    # The kernel that the checkpoint is loaded with.
    config._attn_implementation = "eager"
    return UMT5EncoderModel(config)


def encode_batch(
    encoder: UMT5EncoderModel, tokenizer: Tokenizer, prompts: Sequence[str], device: torch.device
) -> Tensor:
    """Rows [B, TEXT_LENGTH, C] of the prompts, zero past each one's tokens, on the device the encoder is on."""
    ids = _tokenise(tokenizer, prompts).to(device)
    with torch.no_grad():
        return torch.cat([_encode(encoder, chunk) for chunk in ids.split(_CHUNK)])


def train_text_encoder(
    settings: TextTraining,
    prompts: Sequence[Prompt],
    unseen: Sequence[Prompt],
    tokenizer: Tokenizer,
    device: torch.device,
    log: Path,
) -> tuple[UMT5EncoderModel, TextAccuracy]:
    """Train on the prompts and measure on the unseen ones."""
    prompts = _distort(prompts, np.random.default_rng(settings.seed))
    lexicon = _list_words(prompts)
    known = _prepare(prompts, lexicon, tokenizer)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        encoder = build_text_encoder(tokenizer.get_vocab_size())
        probe = nn.Linear(encoder.config.d_model, sum(map(len, MOVEMENT_VALUES.values())) + len(lexicon))
    if settings.start is not None:
        _load(encoder, settings.start)
    nn.ModuleList([encoder, probe]).to(device)
    _fit(settings, encoder, probe, known, LossLog(log, settings.log_every))
    encoder.eval()
    return encoder, _measure(encoder, probe, _prepare(unseen, lexicon, tokenizer), lexicon, device)


def _load(encoder: UMT5EncoderModel, path: Path) -> None:
    state = load_file(path)
    encoder.load_state_dict(state | {_TIED: state["shared.weight"]})


def _fit(settings: TextTraining, encoder: UMT5EncoderModel, probe: nn.Module, known: _Batch, log: LossLog) -> None:
    parts, device = nn.ModuleList([encoder, probe]), encoder.device
    # So that the rows stay of unit scale.
    encoder.encoder.final_layer_norm.weight.requires_grad_(False)
    lengths = known.ids.ne(0).sum(1)
    on_device = _Batch(known.ids.to(device), known.acts.to(device), known.looks.to(device))
    optimizer = torch.optim.AdamW(parts.parameters(), lr=settings.peak_rate, betas=(0.9, 0.98), weight_decay=0.01)
    average = Average(parts, 0.998)
    generator = torch.Generator().manual_seed(settings.seed)
    for beat in beats(settings.span):
        set_learning_rate(optimizer, learning_rate(settings.peak_rate, beat, settings.warm_up_steps))
        chosen = torch.randint(len(lengths), (settings.batch,), generator=generator)
        longest = int(lengths[chosen].max())
        chosen = chosen.to(device)
        told = _read(encoder, probe, on_device.ids[chosen, :longest])
        acts = _act_loss(told, on_device.acts[chosen])
        looks = functional.binary_cross_entropy_with_logits(_look_logits(told), on_device.looks[chosen])
        optimizer.zero_grad(set_to_none=True)
        (acts + 10 * looks).backward()
        nn.utils.clip_grad_norm_(parts.parameters(), 1.0)
        optimizer.step()
        average.update()
        log.write(beat, acts=acts.detach(), looks=looks.detach())
    average.apply()


def _act_logits(told: Tensor) -> tuple[Tensor, ...]:
    sizes = [len(values) for values in MOVEMENT_VALUES.values()]
    return told[:, : sum(sizes)].split(sizes, dim=1)


def _look_logits(told: Tensor) -> Tensor:
    return told[:, sum(map(len, MOVEMENT_VALUES.values())) :]


def _act_loss(told: Tensor, acts: Tensor) -> Tensor:
    pairs = zip(_act_logits(told), acts.unbind(1), strict=True)
    return torch.stack([functional.cross_entropy(logits, truth) for logits, truth in pairs]).mean()


@torch.no_grad()
def _measure(
    encoder: UMT5EncoderModel, probe: nn.Module, unseen: _Batch, lexicon: list[tuple[str, str]], device: torch.device
) -> TextAccuracy:
    told = torch.cat([_read(encoder, probe, ids.to(device)).cpu() for ids in unseen.ids.split(_CHUNK)])
    acts = torch.stack([logits.argmax(1) for logits in _act_logits(told)], 1) == unseen.acts
    words = (_look_logits(told) > 0) == unseen.looks.bool()
    columns = {name: [at for at, (feature, _) in enumerate(lexicon) if feature == name] for name, _ in lexicon}
    return TextAccuracy(
        acts=dict(zip(MOVEMENT_VALUES, acts.float().mean(0).tolist(), strict=True)),
        all_acts=float(acts.all(1).float().mean()),
        looks={name: float(words[:, at].all(1).float().mean()) for name, at in columns.items()},
    )


def _encode(encoder: UMT5EncoderModel, ids: Tensor) -> Tensor:
    mask = ids.ne(0)
    return encoder(input_ids=ids, attention_mask=mask.long()).last_hidden_state * mask[..., None]


def _read(encoder: UMT5EncoderModel, probe: nn.Module, ids: Tensor) -> Tensor:
    """What the probe tells of prompts."""
    mean = _encode(encoder, ids).sum(1) / ids.ne(0).sum(1, keepdim=True)
    return probe(_GAIN * mean)


def _tokenise(tokenizer: Tokenizer, texts: Sequence[str]) -> Tensor:
    return torch.tensor([encoding.ids for encoding in tokenizer.encode_batch([clean_prompt(text) for text in texts])])


def _prepare(prompts: Sequence[Prompt], lexicon: list[tuple[str, str]], tokenizer: Tokenizer) -> _Batch:
    acts = [
        [values.index(getattr(prompt.movement, name)) for name, values in MOVEMENT_VALUES.items()] for prompt in prompts
    ]
    said = [_said_words(prompt.looks) for prompt in prompts]
    looks = [[word in words for word in lexicon] for words in said]
    ids = _tokenise(tokenizer, [prompt.text for prompt in prompts])
    return _Batch(ids, torch.tensor(acts), torch.tensor(looks, dtype=torch.float32))


def _said_words(looks: Description) -> set[tuple[str, str]]:
    phrases = ((field.name, getattr(looks, field.name)) for field in fields(looks))
    return {(name, word) for name, phrase in phrases for word in phrase.split() if word not in _EMPTY_WORDS}


def _list_words(prompts: Sequence[Prompt]) -> list[tuple[str, str]]:
    """The features and the words that are said of them."""
    return sorted(set().union(*(_said_words(prompt.looks) for prompt in prompts)))


def _distort(prompts: Sequence[Prompt], rng: np.random.Generator) -> list[Prompt]:
    """Words that mean nothing among those of some, and such words only in others: people write what they like."""
    nobody = Description(_NOBODY, *[""] * (len(fields(Description)) - 1)), Movement(*[""] * len(fields(Movement)))
    changed = []
    for prompt in prompts:
        draw, strange = rng.random(), float(rng.random() < 0.5)
        if draw < 0.03:
            length = int(rng.random() ** 2 * 25)
            changed.append(Prompt(" ".join(_invent(rng, strange) for _ in range(length)), *nobody))
        elif draw < 0.25:
            text = prompt.text.split(" ")
            for _ in range(int(rng.integers(1, 4))):
                text.insert(int(rng.integers(len(text) + 1)), _invent(rng, 0.2))
            changed.append(Prompt(" ".join(text), prompt.looks, prompt.movement))
        else:
            changed.append(prompt)
    return changed


def _invent(rng: np.random.Generator, strange: float) -> str:
    """A word of no language, in Chinese characters with the probability `strange`."""
    if rng.random() < strange:
        return "".join(map(chr, rng.integers(*_IDEOGRAPHS, int(rng.integers(1, 6)))))
    return "".join(_SYLLABLES[at] for at in rng.integers(len(_SYLLABLES), size=int(rng.integers(1, 4))))

"""Any text has tokens; the encoder learns to tell prompts apart, and its rows are those that a run makes."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import UMT5EncoderModel

from demo.training.pace import Span
from demo.training.studio import keep
from demo.training.text import (
    TEXT_LENGTH,
    TextAccuracy,
    TextTraining,
    build_text_encoder,
    encode_batch,
    train_text_encoder,
    train_tokenizer,
)
from demo.world.identity import Description
from demo.world.prompts import Movement, Prompt, corpus
from s2v_runner.checkpoint.text_encoder import plan_text_encoder
from s2v_runner.checkpoint.tokenizer import load_tokenizer
from s2v_runner.conditioning.text import MODEL_NEGATIVE_PROMPT, encode_prompt

CPU = torch.device("cpu")
TEXTS = ["A woman nods.", "A man with a beard, before a green wall, turns left and smiles.", "", MODEL_NEGATIVE_PROMPT]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(corpus(np.random.default_rng(0), 2000))


@pytest.fixture(scope="module")
def encoder(tokenizer: Tokenizer) -> UMT5EncoderModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build_text_encoder(tokenizer.get_vocab_size()).eval()


def settings(steps: int, start: Path | None) -> TextTraining:
    return TextTraining(Span(600, steps), 16, 5e-3, 3, 5, 0, start)


def simple_prompts() -> list[Prompt]:
    """Of which a few steps are enough to learn what they say."""
    acts = {"nods": Movement("yes", "", "", ""), "smiles": Movement("", "yes", "", "")}
    acts |= {"turns left": Movement("", "", "", "left"), "keeps still": Movement("", "", "yes", "")}
    persons = {"A woman": "a woman", "A man": "a man", "Someone": ""}
    return [
        Prompt(f"{written}{middle} {said}.", Description(person, "", "", "", "", ""), movement)
        for said, movement in acts.items()
        for written, person in persons.items()
        for middle in ("", " speaks and")
    ] * 4


def train(tokenizer: Tokenizer, folder: Path, steps: int, start: Path | None) -> tuple[UMT5EncoderModel, TextAccuracy]:
    folder.mkdir(exist_ok=True)
    prompts = simple_prompts()
    return train_text_encoder(settings(steps, start), prompts, prompts, tokenizer, CPU, folder / "text_encoder.jsonl")


def test_words_are_tokens_and_any_text_has_some(tokenizer: Tokenizer):
    assert 600 < tokenizer.get_vocab_size() <= 1500
    assert tokenizer.token_to_id("<pad>") == 0
    ids = tokenizer.encode("a woman nods, smiling").ids
    assert len(ids) == TEXT_LENGTH
    assert [tokenizer.id_to_token(index) for index in ids[:6]] == ["Ġa", "Ġwoman", "Ġnods", ",", "Ġsmiling", "</s>"]
    assert set(ids[6:]) == {0}
    assert tokenizer.encode("A WOMAN Nods, smiling").ids == ids
    tokenizer.no_padding()
    tokenizer.no_truncation()
    try:
        for text in ("画面模糊，最差质量", "né à l’œuf 🙂", "\x01\x7f", "zzqx"):
            assert tokenizer.decode(tokenizer.encode(text).ids).strip() == text
    finally:
        tokenizer.enable_truncation(TEXT_LENGTH)
        tokenizer.enable_padding(length=TEXT_LENGTH, pad_id=0, pad_token="<pad>")


def test_the_tokenizer_is_the_same_every_time_and_loads_as_a_checkpoints(tokenizer: Tokenizer, tmp_path: Path):
    again = train_tokenizer(corpus(np.random.default_rng(0), 2000))
    assert again.to_str() == tokenizer.to_str()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    loaded = load_tokenizer(tmp_path / "tokenizer.json", TEXT_LENGTH)
    for text in TEXTS:
        ours, theirs = tokenizer.encode(text), loaded.encode(text)
        assert (ours.ids, ours.attention_mask) == (theirs.ids, theirs.attention_mask)


def test_the_encoder_is_small(encoder: UMT5EncoderModel):
    total = sum(parameter.numel() for parameter in encoder.parameters())
    assert total < 500_000
    assert total - encoder.shared.weight.numel() < 350_000


def test_rows_are_those_of_a_run_and_zero_behind(encoder: UMT5EncoderModel, tokenizer: Tokenizer):
    rows = encode_batch(encoder, tokenizer, TEXTS, CPU)
    assert rows.shape == (len(TEXTS), TEXT_LENGTH, encoder.config.d_model)
    for text, row in zip(TEXTS, rows, strict=True):
        alone = encode_prompt(encoder, tokenizer, text, CPU)[0]
        torch.testing.assert_close(row[: len(alone)], alone, atol=1e-5, rtol=1e-5)
        assert torch.count_nonzero(row[len(alone) :]) == 0
    assert torch.count_nonzero(rows[2]) == encoder.config.d_model
    assert torch.count_nonzero(rows[3].abs().sum(1)) == TEXT_LENGTH


def test_training_teaches_the_acts_and_rows_stay_of_unit_scale(tokenizer: Tokenizer, tmp_path: Path):
    _, untaught = train(tokenizer, tmp_path / "short", 1, None)
    encoder, accuracy = train(tokenizer, tmp_path / "long", 60, None)
    assert untaught.all_acts < 0.5
    assert accuracy.all_acts >= 0.95
    assert accuracy.looks["person"] >= 0.95
    rows = encode_batch(encoder, tokenizer, ["A man nods and speaks.", "", MODEL_NEGATIVE_PROMPT], CPU)
    scales = [float(row[row.abs().sum(1) > 0].square().mean().sqrt()) for row in rows]
    assert scales == pytest.approx([1, 1, 1], abs=0.4)
    means = torch.nn.functional.normalize(torch.stack([row.sum(0) for row in rows]), dim=1)
    assert (means[0] @ means[1:].T).max() < 0.9
    steps = [json.loads(line)["step"] for line in (tmp_path / "long" / "text_encoder.jsonl").read_text().splitlines()]
    assert steps == list(range(0, 60, 5))


def test_the_weights_are_those_of_the_encoder_and_can_be_gone_on_from(tokenizer: Tokenizer, tmp_path: Path):
    encoder, _ = train(tokenizer, tmp_path, 3, None)
    weights = tmp_path / "text_encoder.safetensors"
    keep(weights, encoder)
    state = load_file(weights)
    plan = plan_text_encoder({name: tuple(tensor.shape) for name, tensor in state.items()})
    assert set(plan.names) == set(state)
    assert all(torch.equal(encoder.state_dict()[name], tensor) for name, tensor in state.items())
    onward, _ = train(tokenizer, tmp_path / "on", 0, weights)
    rows, again = (encode_batch(model, tokenizer, TEXTS, CPU) for model in (encoder, onward))
    torch.testing.assert_close(again, rows, atol=1e-5, rtol=1e-5)

import pytest
import torch

from s2v_runner.conditioning.text import clean_prompt, encode_prompt, tokenise
from s2v_runner.engine import Engine
from tests.conftest import CPU


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("  two   words\n\tand a line ", "two words and a line"),
        ("salt &amp;amp; pepper", "salt & pepper"),
        ("caf\u00c3\u00a9", "café"),
        ("", ""),
    ],
)
def test_cleaning(typed: str, cleaned: str):
    assert clean_prompt(typed) == cleaned


def test_an_empty_prompt_is_one_row(tiny_engine: Engine):
    assert encode_prompt(tiny_engine.text_encoder, tiny_engine.tokenizer, "", CPU).shape[1] == 1


def test_a_long_prompt_is_cut_and_still_ends(tiny_engine: Engine):
    ids, mask = tokenise(tiny_engine.tokenizer, "word " * 1000)
    length = tiny_engine.transformer_config.text_length
    assert ids.shape == mask.shape == (1, length)
    assert ids[0, -1] == tokenise(tiny_engine.tokenizer, "")[0][0, 0]
    assert torch.equal(mask, torch.ones_like(mask))

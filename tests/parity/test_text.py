import pytest
import torch

from s2v_runner.conditioning.text import MODEL_NEGATIVE_PROMPT, encode_prompt, tokenise
from s2v_runner.engine import Engine
from tests.conftest import CPU
from tests.parity.recordings import assert_agrees, case, read_json

PROMPTS = read_json("text.json")


@pytest.mark.parametrize("index", range(len(PROMPTS)))
def test_prompt(engine: Engine, index: int):
    recorded = case("text", str(index))
    ids, mask = tokenise(engine.tokenizer, PROMPTS[index])
    assert torch.equal(ids, recorded["ids"])
    assert torch.equal(mask, recorded["mask"])
    rows = encode_prompt(engine.text_encoder, engine.tokenizer, PROMPTS[index], CPU)
    assert_agrees(rows.squeeze(0), recorded["embedding"], 1e-5)


def test_the_models_own_negative_prompt():
    assert PROMPTS[2] == MODEL_NEGATIVE_PROMPT

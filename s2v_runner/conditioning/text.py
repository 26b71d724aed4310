"""Prompts → rows of the text encoder. Source: `wan/modules/t5.py` and `tokenizers.py` of the original."""

import html
import re
from pathlib import Path

import ftfy
import torch
from tokenizers import Tokenizer
from transformers import UMT5EncoderModel

PADDING_TOKEN = "<pad>"

MODEL_NEGATIVE_PROMPT = (
    "画面模糊，最差质量，画面模糊，细节模糊不清，情绪激动剧烈，手快速抖动，字幕，丑陋的，残缺的，多余的手指，"
    "画得不好的手部，画得不好的脸部，畸形的，毁容的，形态畸形的肢体，手指融合，静止不动的画面，杂乱的背景，三条腿，"
    "背景人很多，倒着走"
)
"""The released model's own negative prompt (`sample_neg_prompt` of its configuration)."""


def load_tokenizer(path: Path, text_length: int) -> Tokenizer:
    """The checkpoint's tokenizer.json as it is, padding and cutting to the model's text length."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(text_length)
    padding_id = tokenizer.token_to_id(PADDING_TOKEN)
    assert padding_id is not None, path
    tokenizer.enable_padding(length=text_length, pad_id=padding_id, pad_token=PADDING_TOKEN)
    return tokenizer


def clean_prompt(prompt: str) -> str:
    """Mend broken Unicode, undo HTML escapes (twice: some data were escaped twice), collapse white space."""
    mended = html.unescape(html.unescape(ftfy.fix_text(prompt)))
    return re.sub(r"\s+", " ", mended).strip()


def tokenise(tokenizer: Tokenizer, prompt: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask of the cleaned prompt, [1, text length] each."""
    encoding = tokenizer.encode(clean_prompt(prompt))
    return torch.tensor([encoding.ids]), torch.tensor([encoding.attention_mask])


@torch.no_grad()
def encode_prompt(encoder: UMT5EncoderModel, tokenizer: Tokenizer, prompt: str) -> torch.Tensor:
    """Rows [1, T, C] for the tokens of the prompt; the rows of its padding are cut off."""
    ids, mask = (tensor.to(encoder.device) for tensor in tokenise(tokenizer, prompt))
    rows = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    return rows[:, : int(mask.sum())]

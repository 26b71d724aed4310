"""Prompts → rows of the text encoder. Source: `wan/modules/t5.py` and `tokenizers.py` of the original."""

import html
import re

import ftfy
import torch
from tokenizers import Tokenizer
from transformers import UMT5EncoderModel

from s2v_runner.conditioning.cache import Asked

MODEL_NEGATIVE_PROMPT = (
    "画面模糊，最差质量，画面模糊，细节模糊不清，情绪激动剧烈，手快速抖动，字幕，丑陋的，残缺的，多余的手指，"
    "画得不好的手部，画得不好的脸部，畸形的，毁容的，形态畸形的肢体，手指融合，静止不动的画面，杂乱的背景，三条腿，"
    "背景人很多，倒着走"
)
"""The released model's own negative prompt (`sample_neg_prompt` of its configuration)."""


def clean_prompt(prompt: str) -> str:
    """Mend broken Unicode, undo HTML escapes (twice: some data were escaped twice), collapse white space."""
    mended = html.unescape(html.unescape(ftfy.fix_text(prompt)))
    return re.sub(r"\s+", " ", mended).strip()


def describe_prompt(prompt: str) -> Asked:
    """All that the rows of a prompt depend on."""
    return {"text": clean_prompt(prompt)}


def tokenise(tokenizer: Tokenizer, prompt: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask of the cleaned prompt, [1, text length] each."""
    encoding = tokenizer.encode(clean_prompt(prompt))
    return torch.tensor([encoding.ids]), torch.tensor([encoding.attention_mask])


@torch.no_grad()
def encode_prompt(encoder: UMT5EncoderModel, tokenizer: Tokenizer, prompt: str, device: torch.device) -> torch.Tensor:
    """Rows [1, T, C] for the tokens of the prompt, those of its padding cut off. The encoder works on `device`."""
    ids, mask = (tensor.to(device) for tensor in tokenise(tokenizer, prompt))
    rows = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    return rows[:, : int(mask.sum())]

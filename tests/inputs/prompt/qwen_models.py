"""Tiny Qwen models in the layout of Transformers' folders: of random weights, or such as can say one sentence alone."""

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)
from transformers.utils import logging

_END, _PAD, _PLACE = "<|im_end|>", "<|endoftext|>", "<|image_pad|>"
_VIDEO, _BEFORE, _AFTER = "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"
_WIDTH = 32
_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}"
    "{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    "{% if enable_thinking is not defined or enable_thinking %}<think>\n{% endif %}"
)


def write_text_model(folder: Path, says: str | None = None, kind: str = "qwen2") -> None:
    """A model that reads text. says: the one sentence that it can say; without it, it says anything at random."""
    tokenizer = _write_tokenizer(folder, says)
    torch.manual_seed(0)
    layers = _layers(tokenizer)
    model = Qwen2ForCausalLM(Qwen2Config(**layers)) if kind == "qwen2" else Qwen3ForCausalLM(Qwen3Config(**layers))
    _write_model(folder, model, tokenizer, says)


def write_vision_model(folder: Path, says: str | None = None, kind: str = "qwen2_5_vl") -> None:
    """A model that sees, by patches of 14 or 16 pixels of which four are one token."""
    tokenizer = _write_tokenizer(folder, says)
    torch.manual_seed(0)
    rope = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10000.0}
    text: dict[str, Any] = {**_layers(tokenizer), "rope_parameters": rope}
    places: dict[str, Any] = {
        "image_token_id": tokenizer.convert_tokens_to_ids(_PLACE),
        "video_token_id": tokenizer.convert_tokens_to_ids(_VIDEO),
        "vision_start_token_id": tokenizer.convert_tokens_to_ids(_BEFORE),
        "vision_end_token_id": tokenizer.convert_tokens_to_ids(_AFTER),
    }
    tower: dict[str, Any] = {
        "depth": 2,
        "hidden_size": _WIDTH,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": _WIDTH,
    }
    model: PreTrainedModel
    if kind == "qwen2_5_vl":
        sight = {**tower, "patch_size": 14, "window_size": 56, "fullatt_block_indexes": [1]}
        config = Qwen2_5_VLConfig(text_config=text, vision_config=sight, **places)
        model = Qwen2_5_VLForConditionalGeneration(config)
    else:
        sight = {**tower, "patch_size": 16, "deepstack_visual_indexes": [0], "num_position_embeddings": 64}
        model = Qwen3VLForConditionalGeneration(Qwen3VLConfig(text_config=text, vision_config=sight, **places))
    _write_model(folder, model, tokenizer, says)
    preprocessing = {
        "image_processor_type": "Qwen2VLImageProcessor",
        "patch_size": sight["patch_size"],
        "temporal_patch_size": 2,
        "merge_size": 2,
        "min_pixels": 3136,
        "max_pixels": 1048576,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessing))


def _layers(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": _WIDTH,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "tie_word_embeddings": False,
        "bos_token_id": None,
        "eos_token_id": tokenizer.convert_tokens_to_ids(_END),
        "pad_token_id": tokenizer.convert_tokens_to_ids(_PAD),
    }


def _write_tokenizer(folder: Path, says: str | None) -> PreTrainedTokenizerFast:
    """Every byte is a token, and so is the sentence."""
    tokenizer = Tokenizer(
        BPE(vocab={byte: number for number, byte in enumerate(sorted(ByteLevel.alphabet()))}, merges=[])
    )
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevelDecoder()
    marks = ("<|im_start|>", _END, _PAD, _BEFORE, _AFTER, _PLACE, _VIDEO)
    tokenizer.add_special_tokens([AddedToken(mark, special=True) for mark in marks])
    if says is not None:
        tokenizer.add_tokens([AddedToken(says, normalized=False)])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=_END, pad_token=_PAD)
    fast.chat_template = _TEMPLATE
    folder.mkdir(parents=True, exist_ok=True)
    fast.save_pretrained(folder)
    return fast


def _write_model(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, says: str | None) -> None:
    if says is None:
        _enliven(model)
    else:
        _teach(model, tokenizer, says)
    logging.disable_progress_bar()
    try:
        model.save_pretrained(folder)
    finally:
        logging.enable_progress_bar()


@torch.no_grad()
def _enliven(model: PreTrainedModel) -> None:
    """Fresh weights are so small that whatever is read, every token is as likely as any other."""
    for weight in model.parameters():
        if weight.ndim > 1:
            weight.normal_(std=0.3)


@torch.no_grad()
def _teach(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, says: str) -> None:
    """After a line break comes the sentence, and after the sentence the end: layers add nothing to their input."""
    for name, weight in model.named_parameters():
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            weight.zero_()
    line_break = tokenizer.convert_tokens_to_ids("Ċ")
    sentence, end = tokenizer.convert_tokens_to_ids(says), tokenizer.convert_tokens_to_ids(_END)
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    assert isinstance(embedding, torch.nn.Embedding)
    assert isinstance(head, torch.nn.Linear)
    embedding.weight.zero_()
    embedding.weight[:, 2] = 1
    head.weight.zero_()
    for column, (before, after) in enumerate(((line_break, sentence), (sentence, end))):
        embedding.weight[before] = 0
        embedding.weight[before, column] = 1
        head.weight[after, column] = 100

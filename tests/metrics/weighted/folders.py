"""Tiny models of random weights, in the layout that Transformers' folders have."""

import json
from pathlib import Path
from typing import Any

import torch
from transformers import CLIPConfig, CLIPModel, Dinov2Config, Dinov2Model, PreTrainedModel, ViTConfig, ViTModel

SIDE = 32
"""Of the squares that the models see."""
NUM_TOKENS = 77
_WIDTH = 16
_LAYERS: dict[str, Any] = {
    "hidden_size": _WIDTH,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
_LETTERS = [chr(letter) for letter in range(ord("a"), ord("z") + 1)]


def write_clip(folder: Path) -> CLIPModel:
    """CLIP that spells: every letter is a token of its own."""
    vocabulary = [*_LETTERS, *(f"{letter}</w>" for letter in _LETTERS), "<|startoftext|>", "<|endoftext|>"]
    start, end = len(vocabulary) - 2, len(vocabulary) - 1
    torch.manual_seed(0)
    config = CLIPConfig(
        text_config={
            **_LAYERS,
            "vocab_size": len(vocabulary),
            "max_position_embeddings": NUM_TOKENS,
            "bos_token_id": start,
            "eos_token_id": end,
            "pad_token_id": end,
        },
        vision_config={**_LAYERS, "image_size": SIDE, "patch_size": 8},
        projection_dim=_WIDTH,
    )
    clip = CLIPModel(config)
    _save(clip, folder, {"feature_extractor_type": "CLIPFeatureExtractor"})
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(vocabulary)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "CLIPTokenizer"}))
    return clip.eval()


def write_dino(folder: Path) -> ViTModel:
    """DINO, the first one."""
    torch.manual_seed(0)
    dino = ViTModel(ViTConfig(**_LAYERS, image_size=SIDE, patch_size=8), add_pooling_layer=False)
    _save(dino, folder, {"feature_extractor_type": "ViTFeatureExtractor", "size": SIDE})
    return dino.eval()


def write_dinov2(folder: Path) -> Dinov2Model:
    torch.manual_seed(0)
    layers = {name: value for name, value in _LAYERS.items() if name != "intermediate_size"}
    dino = Dinov2Model(Dinov2Config(**layers, image_size=2 * SIDE, patch_size=8))
    _save(dino, folder, {"image_processor_type": "BitImageProcessor"})
    return dino.eval()


def _save(model: PreTrainedModel, folder: Path, processor: dict[str, object]) -> None:
    model.save_pretrained(folder)
    sizes = {"size": {"shortest_edge": SIDE}, "crop_size": {"height": SIDE, "width": SIDE}, "do_center_crop": True}
    text = json.dumps({**sizes, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], **processor})
    (folder / "preprocessor_config.json").write_text(text)

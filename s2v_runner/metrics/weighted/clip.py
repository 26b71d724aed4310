"""How well the frames go with the prompt, as CLIP sees it.

Radford et al., "Learning Transferable Visual Models From Natural Language Supervision" (ICML 2021); Hessel et al.,
"CLIPScore: A Reference-free Evaluation Metric for Image Captioning" (EMNLP 2021).
"""

from pathlib import Path

import torch
from torch.nn.functional import normalize
from transformers import CLIPModel, CLIPTextConfig, CLIPVisionConfig

from s2v_runner.metrics.views import View
from s2v_runner.metrics.weighted.files import check_clip
from s2v_runner.metrics.weighted.pretrained import load_network, load_preprocessing, load_tokenizer
from s2v_runner.metrics.weighted.sampled import SampledMean

_KEY = "clip"


class ClipGauge(SampledMean):
    """`clip_score`: 100 · max(cos, 0), mean over the frames, which is how torchmetrics scales it.

    Hessel et al. have 2.5 · max(cos, 0), and put "A photo depicts" in front; nothing is put in front here. The
    published models read 77 tokens, with the two around the text, and the rest of a longer prompt is cut off. As those
    models are preprocessed, only the square in the middle of a frame is seen.
    """

    def __init__(self, folder: Path, prompt: str, fps: float, device: torch.device) -> None:
        """Raises InputError where the folder is not CLIP's, or not whole."""
        super().__init__("clip_score", fps, "the prompt is empty")
        check_clip(_KEY, folder)
        self._device = device
        self._network = load_network(_KEY, folder, CLIPModel, device)
        vision = self._network.config.vision_config
        assert isinstance(vision, CLIPVisionConfig)
        self._preprocess = load_preprocessing(_KEY, folder, vision.image_size)
        self._prompt_D = self._embed_prompt(folder, prompt) if prompt.strip() else None

    def _judge(self, view: View) -> float | None:
        if self._prompt_D is None:
            return None
        return 100 * max(0.0, float(self._embed_frame(view) @ self._prompt_D))

    @torch.inference_mode()
    def _embed_prompt(self, folder: Path, prompt: str) -> torch.Tensor:
        text = self._network.config.text_config
        assert isinstance(text, CLIPTextConfig)
        tokenize = load_tokenizer(_KEY, folder)
        tokens = tokenize([prompt], truncation=True, max_length=text.max_position_embeddings, return_tensors="pt")
        pooled_BD = self._network.text_model(input_ids=tokens["input_ids"].to(self._device)).pooler_output
        return normalize(self._network.text_projection(pooled_BD)[0], dim=0)

    @torch.inference_mode()
    def _embed_frame(self, view: View) -> torch.Tensor:
        pooled_BD = self._network.vision_model(self._preprocess(view.rgb).to(self._device)).pooler_output
        return normalize(self._network.visual_projection(pooled_BD)[0], dim=0)

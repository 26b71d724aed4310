"""How much the frames are like the picture, as DINO sees it.

Caron et al., "Emerging Properties in Self-Supervised Vision Transformers" (ICCV 2021); Oquab et al., "DINOv2: Learning
Robust Visual Features without Supervision" (TMLR 2024).
"""

from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import normalize
from transformers import Dinov2Model, PreTrainedModel, ViTModel

from s2v_runner.metrics.views import View
from s2v_runner.metrics.weighted.files import check_dino, read_model_type
from s2v_runner.metrics.weighted.pretrained import load_network, load_preprocessing
from s2v_runner.metrics.weighted.sampled import SampledMean

_KEY = "dino"


class DinoGauge(SampledMean):
    """`dino_similarity`: the cosine of the class tokens after the last norm; 1 is the picture itself.

    Frames become squares as the model's preprocessor_config.json says: the published DINOv2 sees only the middle, and
    facebook/dino-vits16 the whole, squeezed.
    """

    def __init__(self, folder: Path, picture_HWC: np.ndarray, fps: float, device: torch.device) -> None:
        """picture_HWC: 8 bits. Raises InputError where the folder is not DINO's or DINOv2's, or not whole."""
        super().__init__("dino_similarity", fps, "the video has no frames")
        check_dino(_KEY, folder)
        self._device = device
        self._network = _load(folder, device)
        # DINOv2 interpolates its positions to any size; the first one does not.
        size = self._network.config.image_size if isinstance(self._network, ViTModel) else None
        self._preprocess = load_preprocessing(_KEY, folder, size)
        self._reference_D = self._embed(picture_HWC)

    def _judge(self, view: View) -> float:
        return float(self._embed(view.rgb) @ self._reference_D)

    @torch.inference_mode()
    def _embed(self, rgb: np.ndarray) -> torch.Tensor:
        pixels_BCHW = self._preprocess(rgb).to(self._device)
        return normalize(self._network(pixel_values=pixels_BCHW).last_hidden_state[0, 0], dim=0)


def _load(folder: Path, device: torch.device) -> PreTrainedModel:
    if read_model_type(_KEY, folder) == "dinov2":
        return load_network(_KEY, folder, Dinov2Model, device)
    # Vision transformers that were taught with labels have a pooling layer, which tells them from DINO.
    return load_network(_KEY, folder, ViTModel, device, add_pooling_layer=False)

"""Sync-C, Sync-D and the offset, which SyncNet tells of lips and speech.

Definition: `evaluate` and `calc_pdist` of SyncNetInstance.py, and `crop_video` of run_pipeline.py, in
joonson/syncnet_python. Chung and Zisserman, "Out of time: automated lip sync in the wild" (ACCV 2016 workshops).
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import pad, pairwise_distance

from s2v_runner.metrics.measures import Measure, known, unknown
from s2v_runner.metrics.views import Box, View
from s2v_runner.metrics.weighted.faces import Framing, cut_face
from s2v_runner.metrics.weighted.mfcc import HOP, RATE, compute_mfcc
from s2v_runner.metrics.weighted.sampled import NO_FACE
from s2v_runner.metrics.weighted.syncnet_network import EMBEDDING_SIZE, load_syncnet

FPS = 25
"""Of the video that the network knows."""
LARGEST_SHIFT = 15
"""In frames, either way."""
LEAST_WINDOWS = 2 * LARGEST_SHIFT + 1
"""With fewer, most of what is compared at the largest shifts would be the nothing before and after the sound."""

_WINDOW = 5
_SOUND_WINDOW = 20
_SOUND_FRAMES = RATE // HOP // FPS
"""Of a frame of the video."""
# The original leaves out one more window than it would have to.
_FRAMES_BEYOND_WINDOWS = 5
_BATCH = 16
"""How many crops are kept before the windows in them are embedded."""

FRAMING = Framing(above=0, side=1.4, pixels=224, ground=110)
"""As the original crops what its detector finds. The boxes that are found here are as large and lie as high, on
average; docs/metrics.md says how that was measured."""


class Agreement(NamedTuple):
    """How well lips and speech go together."""

    confidence: float
    distance: float
    offset: int
    """In frames of 1/25 s. Above 0 the sound comes before the lips."""


def measure_agreement(lips_TD: torch.Tensor, sound_TD: torch.Tensor) -> Agreement:
    """Compare embeddings of windows at every shift of up to 15 frames.

    The distance is the least of the mean distances, and the confidence how far their median lies above it. Windows
    that a shift moves out of the sound are compared with zeros, as in the original.
    """
    count = len(lips_TD)
    padded = pad(sound_TD, (0, 0, LARGEST_SHIFT, LARGEST_SHIFT))
    means = torch.stack(
        [pairwise_distance(lips_TD, padded[shift : shift + count]).mean() for shift in range(2 * LARGEST_SHIFT + 1)]
    )
    best = int(means.argmin())
    return Agreement(float(means.median() - means[best]), float(means[best]), LARGEST_SHIFT - best)


def shown_at(slot: int, fps: float) -> int:
    """Which frame of a video is shown in a slot of 1/25 s: the one at its middle, as FFmpeg's `fps` filter chooses."""
    return math.ceil((slot + 0.5) * fps / FPS) - 1


class SyncNetGauge:
    """`sync_c`, `sync_d` and `sync_offset`.

    The video is brought to 25 frames a second by repeating or leaving out frames. One of 16 therefore shows the network
    only 16 mouths a second, which it takes for a mouth that stands still in between: scores are for comparing videos of
    one rate, and those of others' tables are of 25.
    """

    def __init__(self, path: Path, samples_S: np.ndarray, fps: float, device: torch.device) -> None:
        """samples_S: the speech, mono at 16 kHz, −1 to 1, beginning with the video.

        Raises InputError where the file is not SyncNet's.
        """
        self._network = load_syncnet("syncnet", path, device)
        self._device = device
        self._fps = fps
        self._samples_S = samples_S
        self._silent = not samples_S.any()
        self._box: Box | None = None
        self._slot = 0
        self._first_slot = 0
        self._crops: list[np.ndarray] = []
        self._lips: list[torch.Tensor] = []
        self._num_crops = 0

    def take(self, view: View) -> None:
        """Frames before the first face are passed over, and with them their sound; later the last box is held."""
        repeats = 0
        while shown_at(self._slot + repeats, self._fps) <= view.index:
            repeats += 1
        self._slot += repeats
        self._box = view.face or self._box
        if self._box is None or self._silent:
            self._first_slot = self._slot
            return
        self._num_crops += repeats
        self._crops += [cut_face(view.rgb, self._box, FRAMING)] * repeats
        if len(self._crops) >= _BATCH:
            self._embed_crops()

    def read(self) -> Mapping[str, Measure]:
        found = self._agree()
        if isinstance(found, str):
            return dict.fromkeys(("sync_c", "sync_d", "sync_offset"), unknown(found))
        return {
            "sync_c": known(found.confidence),
            "sync_d": known(found.distance),
            "sync_offset": known(float(found.offset)),
        }

    @torch.inference_mode()
    def _agree(self) -> Agreement | str:
        """What the whole video gives, or why it gives nothing."""
        if self._silent:
            return "the recording is silent"
        if self._box is None:
            return NO_FACE
        count = self._count_windows()
        if count < LEAST_WINDOWS:
            least = (LEAST_WINDOWS + _FRAMES_BEYOND_WINDOWS) / FPS
            return f"too short: a face and speech must last {least:.2f} s at least"
        self._embed_crops()
        agreement = measure_agreement(torch.cat(self._lips)[:count], self._embed_sound(count))
        finite = math.isfinite(agreement.confidence + agreement.distance)
        return agreement if finite else "the network gave numbers that are not finite"

    def _count_windows(self) -> int:
        sound_slots = len(self._samples_S) * FPS // RATE - self._first_slot
        return min(self._num_crops, sound_slots) - _FRAMES_BEYOND_WINDOWS

    @torch.inference_mode()
    def _embed_crops(self) -> None:
        """Embed the windows that are whole, and keep the frames that the next one begins with."""
        if len(self._crops) < _WINDOW:
            return
        bgr_VHWC = torch.from_numpy(np.stack(self._crops)[..., ::-1].copy()).to(self._device, torch.float32)
        lips_BCVHW = bgr_VHWC.unfold(0, _WINDOW, 1).permute(0, 3, 4, 1, 2)
        self._lips.append(self._network.embed_lips(lips_BCVHW).cpu())
        del self._crops[: 1 - _WINDOW]

    def _embed_sound(self, count: int) -> torch.Tensor:
        # What the original reads are whole numbers of 16 bits.
        levels_S = np.clip(np.round(self._samples_S * 32768.0), -32768, 32767)
        mfcc_FC = torch.from_numpy(compute_mfcc(levels_S)).float()
        windows_BCF = mfcc_FC[self._first_slot * _SOUND_FRAMES :].unfold(0, _SOUND_WINDOW, _SOUND_FRAMES)[:count]
        sound_TD = torch.empty(count, EMBEDDING_SIZE)
        for start in range(0, count, _BATCH):
            batch_B1CF = windows_BCF[start : start + _BATCH, None].to(self._device)
            sound_TD[start : start + _BATCH] = self._network.embed_sound(batch_B1CF).cpu()
        return sound_TD

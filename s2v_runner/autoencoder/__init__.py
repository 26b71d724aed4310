"""The causal video autoencoder: video ↔ latents, chunk by chunk, with what was seen before handed along.

Ported from `wan/modules/vae2_1.py` of Wan-Video/Wan2.2; parameters are named as in Diffusers' `AutoencoderKLWan`.
A video is worked through in chunks of one frame, then four (a latent each), so what is in memory does not depend on
its length.
The names of axes in this folder:

    B  videos                     C  channels
    V  frames of a video          F  latent frames
    T  frames of a chunk, at whatever rate they have where they are
    H  W  rows and columns

Several processes can share a video, each with a strip of rows of every frame (`strips.py`).

Inside, a chunk is [T, C, H, W] in channels-last memory, and a convolution in space and time is a sum of convolutions in
space, one for each tap in time.
"""

from s2v_runner.autoencoder.config import AutoencoderConfig
from s2v_runner.autoencoder.model import Autoencoder, float32_parameters
from s2v_runner.autoencoder.streaming import decode_video, encode_video
from s2v_runner.autoencoder.strips import WHOLE_FRAMES, Strips

__all__ = [
    "WHOLE_FRAMES",
    "Autoencoder",
    "AutoencoderConfig",
    "Strips",
    "decode_video",
    "encode_video",
    "float32_parameters",
]

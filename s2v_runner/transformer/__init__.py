"""The Wan2.2-S2V transformer: picture, speech, text and pose in, a velocity of the video latents out.

Ported from `wan/modules/s2v/` of Wan-Video/Wan2.2. The names of axes in this folder:

    B  batch                                 C  channels
    F  latent frames of the clip             M  latent frames of motion before the clip
    H  W  rows and columns of a latent       V  video frames (four to a latent frame)
    S  all tokens: noisy, reference, motion  N  noisy tokens (F · H/2 · W/2)
    D  width of the model                    K  attention heads
    E  width of a head                       P  rotated pairs in a head (E/2)
    T  text rows                             A  audio tokens of one latent frame
    J  layers of audio features              G  kinds of token with a time of their own (noisy, context)
"""

from s2v_runner.transformer.attention import resolve_attention
from s2v_runner.transformer.backend import Backend, check_widths, plain_backend, resolve_backend
from s2v_runner.transformer.config import TransformerConfig
from s2v_runner.transformer.model import Conditioning, PreparedConditioning, S2VTransformer
from s2v_runner.transformer.sequence import WHOLE_SEQUENCE, Sequence

__all__ = [
    "WHOLE_SEQUENCE",
    "Backend",
    "Conditioning",
    "PreparedConditioning",
    "S2VTransformer",
    "Sequence",
    "TransformerConfig",
    "check_widths",
    "plain_backend",
    "resolve_attention",
    "resolve_backend",
]

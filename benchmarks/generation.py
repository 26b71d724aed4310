"""Time and peak memory of a whole generation, every part resident, with random weights.

    python -m benchmarks.generation --size 1024*704 --steps 2 --clips 2 --out generation.json

Needs the project's libraries and no weights. Noise stands for the picture and the speech.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from PIL import Image
from tokenizers import Tokenizer, models
from transformers import UMT5Config, UMT5EncoderModel, Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

from benchmarks.arguments import make_parser, parse_frames, parse_size
from benchmarks.machine import allocated_gib, describe_machine, peak_gib, reset_peak, synchronise, write_report
from benchmarks.models import MOTION_FRAMES, RELEASED, TINY
from s2v_runner.checkpoint.layout import CheckpointFolder
from s2v_runner.conditioning.cache import NO_CACHE
from s2v_runner.engine import Engine, EngineSettings
from s2v_runner.generation import UNWATCHED, Watch, generate
from s2v_runner.plan import SPEECH_RATE
from s2v_runner.records import EVERY_PASS, FIXED, Request
from s2v_runner.sampling.clips import ClipEnd, Frames
from s2v_runner.transformer import TransformerConfig, resolve_attention
from s2v_runner.transformer.initialisation import random_transformer

FRAMES_A_SECOND = 16


class RandomEngine(Engine):
    """An engine whose parts are random and of the sizes that fit the transformer's."""

    def check(self) -> None:
        """There is no checkpoint to check."""


def random_engine(config: TransformerConfig, device: torch.device, dtype: torch.dtype, attention: str) -> Engine:
    nowhere = CheckpointFolder(Path(), "official", {})
    settings = EngineSettings(
        folder=nowhere, device=device, dtype=dtype, attention=attention, text_device=device, offload=False
    )
    engine = RandomEngine(settings, lambda *_: None)
    released = config == RELEASED
    text = UMT5Config(
        vocab_size=256384 if released else 32,
        d_model=config.text_dim,
        d_kv=64 if released else 16,
        d_ff=10240 if released else 64,
        num_layers=24 if released else 1,
        num_heads=64 if released else 4,
        feed_forward_proj="gated-gelu",
        is_encoder_decoder=False,
    )
    text._attn_implementation = "eager"
    speech = Wav2Vec2Config(
        hidden_size=config.audio_dim,
        num_hidden_layers=config.num_audio_layers - 1,
        num_attention_heads=16 if released else 2,
        intermediate_size=4096 if released else 64,
        conv_dim=(512,) * 7 if released else (16,) * 7,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        conv_bias=True,
        mask_time_prob=0.0,
        mask_feature_prob=0.0,
    )
    tokenizer = Tokenizer(models.WordLevel({"<pad>": 0, "<unk>": 1}, unk_token="<unk>"))
    with device:
        parts = {
            "transformer_config": config,
            "transformer": random_transformer(config, resolve_attention(attention), device, dtype, seed=0),
            "vae": AutoencoderKLWan(base_dim=96 if released else 8).eval(),
            "text_encoder": _as_dtype(UMT5EncoderModel(text), dtype).eval(),
            "audio_encoder": Wav2Vec2Model(speech).eval(),
            "tokenizer": tokenizer,
            "extractor": Wav2Vec2FeatureExtractor(do_normalize=True),
        }
    # The engine's parts are cached properties: what is put there is what they are.
    vars(engine).update(parts)
    return engine


def _as_dtype(module: torch.nn.Module, dtype: torch.dtype) -> torch.nn.Module:
    return module.to(dtype=dtype)


def main() -> None:
    options = _parse()
    device = torch.device(options.device)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    engine = random_engine(TINY if options.tiny else RELEASED, device, dtype, options.attention)
    weights = allocated_gib(device)
    width, height = options.size
    seconds = (options.clips * options.frames - 3) / FRAMES_A_SECOND
    noise = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        image, audio = Path(folder) / "picture.png", Path(folder) / "speech.wav"
        Image.fromarray(noise.integers(0, 256, (height, width, 3), np.uint8)).save(image)
        soundfile.write(audio, noise.normal(0, 0.1, size=(round(seconds * SPEECH_RATE),)), SPEECH_RATE)
        request = Request(
            prompt="someone speaks",
            negative_prompt=None,
            image=image,
            audio=audio,
            pose_video=None,
            area=width * height,
            exact_size=None,
            infer_frames=options.frames,
            num_clip=options.clips,
            start_from_ref=False,
            solver="unipc",
            steps=options.steps,
            shift=5.0,
            guide_scale=4.5,
            economy=EVERY_PASS,
            base_seed=0,
            motion_frames=MOTION_FRAMES,
            sample_fps=FRAMES_A_SECOND,
            compat=FIXED,
        )
        report = measure(request, engine)
    write_report(
        options.out,
        {
            "size": f"{width}*{height}",
            "steps": options.steps,
            "attention": options.attention,
            "weights_gib": weights,
            **describe_machine(device),
            **report,
        },
    )


def measure(request: Request, engine: Engine) -> dict[str, object]:
    """Seconds at which each step and each clip was done, frames made, and the peak of device memory in GiB."""
    device = engine.settings.device
    reset_peak(device)
    begin = time.perf_counter()
    steps, clips, frames = [], [], 0

    def elapsed() -> float:
        synchronise(device)
        return time.perf_counter() - begin

    watch = Watch(UNWATCHED.stage, lambda clip, done, _: steps.append((clip, done, elapsed())))
    for part in generate(request, engine, watch, None, NO_CACHE):
        if isinstance(part, Frames):
            frames += part.video_BCVHW.shape[2]
        elif isinstance(part, ClipEnd):
            clips.append((part.clip, elapsed()))
    return {"frames": frames, "step_done": steps, "clip_done": clips, "peak_gib": peak_gib(device)}


def _parse() -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument("--size", type=parse_size, default="1024*704", help="width*height of the video")
    parser.add_argument("--frames", type=parse_frames, default=80, help="video frames of a clip")
    parser.add_argument("--clips", type=int, default=2)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--attention", default="sdpa_cudnn" if torch.cuda.is_available() else "sdpa")
    return parser.parse_args()


if __name__ == "__main__":
    main()

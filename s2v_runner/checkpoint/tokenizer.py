"""The tokenizer of a checkpoint and the feature extractor of its speech encoder, which hold no tensors."""

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import Wav2Vec2FeatureExtractor

from s2v_runner.checkpoint.layout import read_json
from s2v_runner.checkpoint.parts import UnfitError
from s2v_runner.plan import SPEECH_RATE

PADDING_TOKEN = "<pad>"


def load_tokenizer(path: Path, text_length: int) -> Tokenizer:
    """The tokenizer.json as it is, padding and cutting to the model's text length.

    Raises UnfitError when it is no tokenizer or has no token to pad with.
    """
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise UnfitError(f"it is no tokenizer ({error})") from error
    padding_id = tokenizer.token_to_id(PADDING_TOKEN)
    if padding_id is None:
        raise UnfitError(f"it has no token '{PADDING_TOKEN}'")
    tokenizer.enable_truncation(text_length)
    tokenizer.enable_padding(length=text_length, pad_id=padding_id, pad_token=PADDING_TOKEN)
    return tokenizer


def load_extractor(path: Path) -> Wav2Vec2FeatureExtractor:
    """The feature extractor, from its own file or from a processor's.

    Raises UnfitError when it is none or is for sound of another rate.
    """
    content: Any = read_json(path)
    settings = content.get("feature_extractor", content)
    if not isinstance(settings, dict):
        raise UnfitError("its 'feature_extractor' is no object")
    extractor = Wav2Vec2FeatureExtractor(**settings)
    if extractor.sampling_rate != SPEECH_RATE:
        raise UnfitError(f"it is for sound at {extractor.sampling_rate} Hz and not {SPEECH_RATE}")
    return extractor

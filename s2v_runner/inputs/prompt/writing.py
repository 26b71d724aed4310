"""A Qwen model, loaded from its folder, writes one answer and is gone."""

import gc
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForCausalLM, AutoModelForImageTextToText, AutoTokenizer
from transformers.utils import logging

from s2v_runner.inputs.prompt.answer import Answer
from s2v_runner.inputs.prompt.failures import flatten
from s2v_runner.inputs.prompt.folder import QwenFolder
from s2v_runner.inputs.prompt.settings import ExtensionError

_IMAGE_PLACE = "<|image_pad|>"


@dataclass(frozen=True)
class Sampling:
    """How an answer is drawn. Temperature and the like are the model's own."""

    seed: int
    max_tokens: int
    patience: float
    """Seconds of writing, the time of loading apart."""
    device: str


def write(
    folder: QwenFolder, instructions: str, material: str, picture: Image.Image | None, sampling: Sampling
) -> Answer:
    """What the model writes to the user's `material`. A picture may only be given to a model that sees.

    The state of the global random number generators is left as it was. Raises ExtensionError where the model cannot be
    loaded or run.
    """
    device = torch.device(sampling.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ExtensionError("there is no GPU for the model", "Give memory.device=cpu")
    try:
        with _telling(folder):
            return _write(folder, _compose(instructions, material, picture), picture, sampling, device)
    finally:
        gc.collect()
        if device.type == "cuda":
            torch.cuda.empty_cache()


def _write(
    folder: QwenFolder,
    messages: list[dict[str, Any]],
    picture: Image.Image | None,
    sampling: Sampling,
    device: torch.device,
) -> Answer:
    tokenizer = AutoTokenizer.from_pretrained(folder.path, local_files_only=True)
    # Known to Qwen3's templates, and passed over by the others.
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False, enable_thinking=False)
    inputs = _encode(folder, tokenizer, str(text), picture)
    model = _load(folder, device)
    placed = {name: tensor.to(device) for name, tensor in inputs.items()}
    with _seeded(sampling.seed, device), torch.inference_mode():
        tokens_BN = model.generate(
            **placed, do_sample=True, max_new_tokens=sampling.max_tokens, max_time=sampling.patience
        )
    written_N = tokens_BN[0, placed["input_ids"].shape[1] :].tolist()
    return Answer(
        text=str(tokenizer.decode(written_N, skip_special_tokens=True)),
        end=_judge_end(written_N, model.generation_config.eos_token_id, sampling.max_tokens),
        input_tokens=int(placed["input_ids"].shape[1]),
        output_tokens=len(written_N),
    )


def _compose(instructions: str, material: str, picture: Image.Image | None) -> list[dict[str, Any]]:
    if picture is None:
        return [{"role": "system", "content": instructions}, {"role": "user", "content": material}]
    return [
        {"role": "system", "content": [{"type": "text", "text": instructions}]},
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": material}]},
    ]


def _encode(folder: QwenFolder, tokenizer: Any, text: str, picture: Image.Image | None) -> dict[str, torch.Tensor]:
    """Tokens, [1, tokens], and for a picture its patches and where they belong.

    It does what `Qwen2_5_VLProcessor` of Transformers does for pictures. That class is not used because it asks for
    torchvision, for videos.
    """
    if picture is None:
        return dict(tokenizer([text], add_special_tokens=False, return_tensors="pt"))
    processor = AutoImageProcessor.from_pretrained(folder.path, local_files_only=True, backend="pil")
    patches = dict(processor(images=[picture], return_tensors="pt"))
    places = int(patches["image_grid_thw"][0].prod()) // processor.merge_size**2
    if text.count(_IMAGE_PLACE) != 1:
        raise ValueError("its chat template has no place for a picture")
    inputs = dict(
        tokenizer([text.replace(_IMAGE_PLACE, _IMAGE_PLACE * places)], add_special_tokens=False, return_tensors="pt")
    )
    is_picture = inputs["input_ids"] == tokenizer.convert_tokens_to_ids(_IMAGE_PLACE)
    return {**inputs, **patches, "mm_token_type_ids": is_picture.to(inputs["input_ids"].dtype)}


def _load(folder: QwenFolder, device: torch.device) -> Any:
    """The model on `device`, all of its weights read, in their own precision; float16 becomes float32 on a CPU."""
    kind = AutoModelForImageTextToText if folder.sees else AutoModelForCausalLM
    is_kept = device.type != "cpu" or folder.dtype == "bfloat16"
    loaded: Any = kind.from_pretrained(
        folder.path,
        local_files_only=True,
        use_safetensors=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
        dtype="auto" if is_kept else torch.float32,
    )
    model, info = loaded
    for found, problem in (
        (info["missing_keys"], "it lacks"),
        (info["mismatched_keys"], "config.json has other sizes than"),
    ):
        names = sorted(name if isinstance(name, str) else name[0] for name in found)
        if names:
            raise ValueError(f"{problem} '{names[0]}'" + (f" and {len(names) - 1} more" if names[1:] else ""))
    return model.to(device).eval()


def _judge_end(written: list[int], end_tokens: int | list[int] | None, most: int) -> Any:
    ends = {end_tokens} if isinstance(end_tokens, int) else set(end_tokens or ())
    if written and written[-1] in ends:
        return "whole"
    return "tokens" if len(written) >= most else "time"


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Within it `seed` decides what is drawn; after it everybody's generators are as they were."""
    with torch.random.fork_rng(devices=[] if device.type == "cpu" else [device]):
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


@contextmanager
def _telling(folder: QwenFolder) -> Iterator[None]:
    """What fails becomes an ExtensionError that holds on to no weights; Transformers says nothing and shows no bars."""
    verbosity, shows_progress = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    except torch.OutOfMemoryError as error:
        traceback.clear_frames(error.__traceback__)
        raise ExtensionError(
            f"the memory is too small for the model '{folder.name}'", "Give a smaller model, or memory.device=cpu"
        ) from None
    except Exception as error:  # damaged weights can make a loader raise anything
        traceback.clear_frames(error.__traceback__)
        reason = flatten(str(error)).rstrip(".") or type(error).__name__
        raise ExtensionError(
            f"the model '{folder.path}' cannot be loaded or run ({reason})", "Fetch its folder again, or give another"
        ) from None
    finally:
        logging.set_verbosity(verbosity)
        if shows_progress:
            logging.enable_progress_bar()

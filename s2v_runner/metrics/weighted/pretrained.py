"""Folders in the layout of Transformers → networks and their preprocessing, strictly and from the disk alone."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from transformers import AutoImageProcessor, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging

from s2v_runner.metrics.weighted.files import refuse

Network = TypeVar("Network", bound=PreTrainedModel)

Preprocessing = Callable[[np.ndarray], torch.Tensor]
"""A picture of 8 bits, [rows, columns, 3], as a network wants it: [1, 3, rows, columns]."""


def load_network(key: str, folder: Path, kind: type[Network], device: torch.device, **options: Any) -> Network:
    """The network in float32, ready to judge. `options` are those of its constructor.

    Names that Transformers itself passes over, such as position numbers of old files, are passed over. Raises
    InputError where the folder lacks weights, has others, or has them in other shapes.
    """
    with _quiet(key, folder):
        loaded: Any = kind.from_pretrained(
            folder,
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            dtype=torch.float32,
            **options,
        )
    network, info = loaded
    for found, problem in (
        (info["missing_keys"], "it lacks"),
        (info["unexpected_keys"], "the network has no"),
        (info["mismatched_keys"], "another shape than config.json says has"),
    ):
        names = sorted(name if isinstance(name, str) else name[0] for name in found)
        if names:
            others = f" and {len(names) - 1} more" if names[1:] else ""
            raise refuse(key, folder, f"{problem} '{names[0]}'{others}")
    return network.to(device).eval().requires_grad_(False)


def load_preprocessing(key: str, folder: Path, size: int | Sequence[int] | None) -> Preprocessing:
    """What `preprocessor_config.json` says.

    `size` is what the network takes: a square's side, or rows and columns; None for any. Raises
    InputError where it cannot be read or makes something else.
    """
    with _quiet(key, folder):
        processor = AutoImageProcessor.from_pretrained(folder, local_files_only=True, backend="pil")

    def preprocess(rgb: np.ndarray) -> torch.Tensor:
        return processor(images=rgb, input_data_format="channels_last", return_tensors="pt")["pixel_values"]

    with _quiet(key, folder):
        shape = list(preprocess(np.zeros((60, 80, 3), np.uint8)).shape)
    if size is not None:
        wanted = [1, 3, *([size, size] if isinstance(size, int) else size)]
        if shape != wanted:
            raise refuse(key, folder, f"its preprocessor_config.json makes {shape}, and its config.json wants {wanted}")
    return preprocess


def load_tokenizer(key: str, folder: Path) -> PreTrainedTokenizerBase:
    """Raises InputError where its files cannot be read."""
    with _quiet(key, folder):
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)


@contextmanager
def _quiet(key: str, folder: Path) -> Iterator[None]:
    """What goes wrong is said in one line, and nothing else is."""
    verbosity = logging.get_verbosity()
    shows_progress = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    except Exception as error:  # a damaged folder can make a parser raise anything
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise refuse(key, folder, f"Transformers cannot load it ({reason})") from error
    finally:
        logging.set_verbosity(verbosity)
        if shows_progress:
            logging.enable_progress_bar()

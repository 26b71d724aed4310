"""How far apart two videos are before they are decoded."""

import math
from itertools import count
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from s2v_runner.metrics.measures import Measure, known, unknown

UNKEPT = unknown("its latents were not kept")
_BASELINE_UNKEPT = unknown("those of its baseline were not kept")
_TENSOR = "latents"


def measure_latent_distance(folder: Path | None, baseline: Path | None) -> Measure:
    """The root mean square difference of the latents, as a share of that of the baseline's.

    Each folder holds a file a clip; clips that only one of them has do not count.
    """
    if folder is None or baseline is None:
        return UNKEPT if folder is None else _BASELINE_UNKEPT
    difference = size = 0.0
    for clip in count():
        paths = [each / f"{clip:04}.safetensors" for each in (folder, baseline)]
        if not all(path.is_file() for path in paths):
            break
        try:
            own, other = (load_file(path)[_TENSOR].astype(np.float32).ravel() for path in paths)
        except (OSError, SafetensorError, KeyError) as error:
            return unknown(f"the latents of clip {clip + 1} cannot be read ({error})")
        if own.shape != other.shape:
            return unknown(f"the latents of clip {clip + 1} are of another size")
        difference += float(np.square(own - other).sum())
        size += float(other @ other)
    return known(math.sqrt(difference / size)) if size > 0 else UNKEPT

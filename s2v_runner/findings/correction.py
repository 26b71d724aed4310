"""Many questions asked of the same data."""

from collections.abc import Sequence

import numpy as np


def correct_holm(probabilities: Sequence[float]) -> list[float]:
    """Each probability corrected for all of them (Holm 1979).

    Taking what is at most α for shown errs anywhere among them with a probability of at most α, however they depend
    on each other.
    """
    values = np.asarray(probabilities, dtype=float)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)) if len(values) else values
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in corrected]

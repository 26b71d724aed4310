"""What a GPU cannot compute is refused before anything is loaded."""

from dataclasses import replace

import pytest
import torch

from benchmarks.models import RELEASED
from s2v_runner.errors import InputError
from s2v_runner.transformer import check_widths
from tests.conftest import CPU

GPU = torch.device("cuda")


@pytest.mark.parametrize("name", ["model_dim", "feed_forward_dim"])
def test_widths_that_no_gpu_multiplies_in_eight_bits_are_refused(name: str):
    check_widths("float8", GPU, RELEASED)
    odd = replace(RELEASED, **{name: 1032})
    with pytest.raises(InputError, match=r"multiples of 16, and this model's .*width is 1032.*float8_weights"):
        check_widths("float8", GPU, odd)
    check_widths("float8_weights", GPU, odd)
    check_widths("float8", CPU, odd)

"""How tokens are divided."""

import pytest

from s2v_runner.transformer.audio import FrameRows
from s2v_runner.transformer.sequence import divide_tokens


@pytest.mark.parametrize(("noisy", "context"), [(56320, 7040), (7, 5), (1, 6), (6, 1), (3, 0)])
@pytest.mark.parametrize("processes", [1, 2, 3])
def test_every_token_is_one_process_s(noisy: int, context: int, processes: int):
    shares = [divide_tokens(noisy, context, processes, rank) for rank in range(processes)]
    assert [token for share in shares for token in share.noisy] == list(range(noisy))
    assert [token for share in shares for token in share.context] == list(range(context))
    counts = tuple(len(share.noisy) + len(share.context) for share in shares)
    assert max(counts) - min(counts) <= 1
    for share in shares:
        assert share.counts == counts
        assert share.noisy_counts == tuple(len(other.noisy) for other in shares)


def test_more_processes_than_tokens_are_a_mistake_of_ours():
    with pytest.raises(AssertionError):
        divide_tokens(1, 1, 3, 0)


@pytest.mark.parametrize(
    ("tokens", "frames", "missing"),
    [
        (range(12), (0, 3), (0, 0)),
        (range(3, 5), (0, 2), (3, 3)),
        (range(5, 7), (1, 2), (1, 1)),
        (range(4, 8), (1, 2), (0, 0)),
    ],
)
def test_tokens_are_filled_up_to_whole_frames(tokens: range, frames: tuple[int, int], missing: tuple[int, int]):
    rows = FrameRows(tokens, frame_tokens=4)
    assert (rows.frames.start, rows.frames.stop) == frames
    assert rows.missing == missing
    assert rows.count + sum(missing) == 4 * (frames[1] - frames[0])

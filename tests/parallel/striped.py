"""What each process does with its strip of a video, without the imports that drawing an autoencoder takes."""

import torch

from s2v_runner.autoencoder import Autoencoder, decode_video, encode_video
from s2v_runner.parallel.strips import SharedStrips
from tests.parallel.ranks import Group

Halos = dict[str, torch.Tensor]


def write(hidden_TCHW: torch.Tensor, target_TCHW: torch.Tensor) -> None:
    """As a copy, for which memory must be as a kernel needs it."""
    assert hidden_TCHW.permute(0, 2, 3, 1).is_contiguous()
    assert target_TCHW.permute(0, 2, 3, 1).is_contiguous()
    target_TCHW.copy_(hidden_TCHW)


def ask_for_halos(group: Group, whole_TCHW: torch.Tensor, latent_rows: int) -> Halos:
    """What a process has of the chunk, with and without what is beside it."""
    strip = SharedStrips(group.everyone).of(latent_rows)
    own_TCHW = strip.own(whole_TCHW).contiguous(memory_format=torch.channels_last)
    frames, channels, rows, columns = own_TCHW.shape
    laid_out = torch.full((frames, rows + 2, columns, channels), torch.nan, dtype=own_TCHW.dtype).permute(0, 3, 1, 2)
    strip.lay(own_TCHW, laid_out, write)
    return {
        "own": own_TCHW,
        "laid out": laid_out,
        "both": strip.extend(own_TCHW, above=1, below=1),
        "below": strip.extend(own_TCHW, above=0, below=1),
        "whole": strip.whole(own_TCHW),
        "pixels": strip.whole(own_TCHW.permute(0, 2, 3, 1).flatten(1, 2)),
    }


@torch.no_grad()
def encode_and_decode(
    group: Group, autoencoder: Autoencoder, video_BCVHW: torch.Tensor, latents_BCFHW: torch.Tensor
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Latents of the video, and the chunks of the other latents."""
    strips = SharedStrips(group.everyone)
    return encode_video(autoencoder, video_BCVHW, strips), list(decode_video(autoencoder, latents_BCFHW, strips))


@torch.no_grad()
def decode_in_turn(group: Group, autoencoder: Autoencoder, latents_NBCFHW: torch.Tensor) -> list[torch.Tensor]:
    """Two videos of different heights, a chunk of one after a chunk of the other."""
    strips = SharedStrips(group.everyone)
    low, high = latents_NBCFHW[0, ..., :3, :], latents_NBCFHW[1]
    pairs = zip(decode_video(autoencoder, low, strips), decode_video(autoencoder, high, strips), strict=True)
    return [torch.cat(chunks, dim=2) for chunks in zip(*pairs, strict=True)]

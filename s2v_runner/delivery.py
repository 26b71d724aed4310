"""Finished frames on their way: into the files, past the gauges, and into what a stopped run is taken up from."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import torch

from s2v_runner.conveyor import Conveyor
from s2v_runner.errors import OutputError
from s2v_runner.measurement import Meter, crop_to_output
from s2v_runner.prepare import PreparedRun
from s2v_runner.sampling.clips import ClipEnd, ClipState, Frames
from s2v_runner.sampling.states import write_latents, write_state
from s2v_runner.video.pixels import to_eight_bit
from s2v_runner.video.store import ClipStore
from s2v_runner.video.tee import FrameTee

LATENTS_FOLDER = "latents"
STATE = "state.safetensors"


# More than the parts of a clip of 80 frames, so that all of it can wait while the next one is begun.
_MOST_WAITING = 64


class Delivery:
    """Takes the parts of a video as they are made, and has them written and measured beside the model.

    In one thread the files are encoded and the gauges are shown, in another the clips are kept: a run that is stopped
    can be taken up after a clip that is kept, and keeping is quick, so it waits for no encoder. What comes from a
    device is copied in the thread that drives it; the others see main memory alone, but for networks among the gauges,
    whose work queues up behind the model's on the device's one stream.
    """

    def __init__(self, run: PreparedRun, folder: Path, resume_folder: Path, tee: FrameTee, meter: Meter) -> None:
        self._run = run
        self._folder = folder
        self._resume_folder = resume_folder
        self._tee = tee
        self._meter = meter
        self._showing, self._keeping = Conveyor(_MOST_WAITING), Conveyor(_MOST_WAITING)
        self._store = ClipStore(resume_folder, run.plan.output_height, run.plan.output_width)
        self.busy: dict[str, float] = {}
        """Seconds that the other threads were at work, by what they did. Each has its own words."""

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """For as long as there is something to deliver. Afterwards nothing is written any more.

        What an error ends is kept as far as it was made; what an interruption ends, as far as it was kept.
        """
        with self._showing, self._keeping:
            try:
                yield
            except Exception:
                # Whatever ended the run matters more than that this cannot be done either.
                with suppress(Exception):
                    self._keeping.finish()
                raise

    def replay(self, clips: int) -> None:
        """Hand on the frames of clips that an earlier attempt has left."""
        for clip in range(clips):
            for pixels in self._store.read(clip):
                self._hand_on(pixels, [True] * len(pixels))

    def take_frames(self, part: Frames) -> None:
        """Hand frames on, and keep them while there are clips to come. Raises what an earlier part came to."""
        finite = torch.isfinite(part.video_BCVHW[0]).all(dim=0).flatten(1).all(dim=1).tolist()
        pixels = crop_to_output(to_eight_bit(part.video_BCVHW, self._run.request.compat), self._run.plan)
        self._hand_on(pixels, finite)
        if part.clip < self._run.plan.num_clips - 1:
            self._keeping.hand_over(lambda: self._store_frames(part.clip, pixels))

    def take_clip_end(self, part: ClipEnd, after: Callable[[], object]) -> None:
        """Keep what the next clip needs, and do something once that is on disk. Raises as `take_frames` does.

        Waited for: whoever is stopped in a clip, however soon, has the one before.
        """
        latents = part.latents_BCFHW.to("cpu", torch.float16) if self._run.config.output.latents else None
        self._keeping.hand_over(lambda: self._keep_clip(part.clip, latents, part.state), after)
        self._keeping.finish()

    def look(self) -> None:
        """Do what is to be done after clips that are kept. Raises as `take_frames` does."""
        self._keeping.look()
        self._showing.look()

    def finish(self) -> None:
        """Wait until all is delivered. Raises as `take_frames` does."""
        self._keeping.finish()
        self._showing.finish()

    def discard(self) -> None:
        """Let go of the clip that is being kept. Only after the work."""
        self._store.discard()

    def _hand_on(self, pixels: np.ndarray, finite: Sequence[bool]) -> None:
        self._showing.hand_over(lambda: self._write(pixels, finite))

    def _write(self, pixels: np.ndarray, finite: Sequence[bool]) -> None:
        with self._busy("write video"):
            self._tee.write(pixels)
        with self._busy("measure"):
            self._meter.take(pixels, finite)

    def _store_frames(self, clip: int, pixels: np.ndarray) -> None:
        with self._busy("keep clips"):
            self._store.write(clip, pixels)

    def _keep_clip(self, clip: int, latents_BCFHW: torch.Tensor | None, state: ClipState | None) -> None:
        with self._busy("keep clips"):
            if latents_BCFHW is not None:
                write_latents(_latents_path(self._folder, clip), latents_BCFHW)
            if state is not None:
                self._store.finish(clip)
                write_state(self._resume_folder / STATE, state)

    @contextmanager
    def _busy(self, stage: str) -> Iterator[None]:
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.busy[stage] = self.busy.get(stage, 0.0) + time.perf_counter() - begin


def _latents_path(folder: Path, clip: int) -> Path:
    path = folder / LATENTS_FOLDER / f"{clip:04}.safetensors"
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(path.parent, error) from error
    return path

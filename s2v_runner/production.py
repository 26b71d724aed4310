"""The making of a video: the model at work on one side, files on the other, the state between clips kept."""

import gc
import shutil
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from s2v_runner.checkpoint.layout import locate_checkpoint
from s2v_runner.checkpoint.load import Progress
from s2v_runner.checkpoint.random import write_random_checkpoint
from s2v_runner.conditioning.cache import ConditioningCache
from s2v_runner.conditioning.scope import scope_of
from s2v_runner.config.schema import OutputConfig
from s2v_runner.delivery import LATENTS_FOLDER, STATE, Delivery
from s2v_runner.division import Division
from s2v_runner.engine import Engine, EngineSettings
from s2v_runner.errors import DeviceMemoryError, InputError, OutputError
from s2v_runner.estimate import Memory
from s2v_runner.generation import Watch, generate
from s2v_runner.measurement import open_meter
from s2v_runner.metrics.measures import Reading
from s2v_runner.placement.choice import Placement, next_mode
from s2v_runner.prepare import PreparedRun, cache_folder
from s2v_runner.sampling.clips import ClipState, Frames
from s2v_runner.sampling.states import read_state
from s2v_runner.timing import Stopwatch
from s2v_runner.video.lossless import LosslessWriter
from s2v_runner.video.sinks import FrameSink
from s2v_runner.video.stills import PngFolder, write_thumbnail
from s2v_runner.video.store import ClipStore
from s2v_runner.video.tee import FrameSummary, FrameTee
from s2v_runner.video.writer import VideoWriter

VIDEO, THUMBNAIL, LOSSLESS, STILLS = "video.mp4", "thumbnail.png", "frames.mkv", "frames"
_CONDITIONING = "conditioning"
_THUMBNAIL_SIDE = 512
_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}


def unwatched(_name: str, _done: int, _all: int) -> None:
    """Nobody is told how the loading of weights goes on."""


class Engines:
    """The engine of the last run, kept for the next one that wants the same."""

    def __init__(self, division: Division, progress: Progress) -> None:
        self.division = division
        self._progress = progress
        self._engine: Engine | None = None

    def release(self) -> None:
        """Let go of the engine, and of the memory that PyTorch keeps for it."""
        self._engine = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def engine_for(self, run: PreparedRun, placement: Placement) -> Engine:
        """The engine a run needs, its parts not loaded yet unless an earlier run did."""
        seed = run.config.model.random_seed
        if seed is not None:
            write_random_checkpoint(run.checkpoint_path, seed)
        settings = EngineSettings(
            folder=locate_checkpoint(run.checkpoint_path),
            digest=run.checkpoint_digest,
            device=torch.device(placement.device),
            dtype=_DTYPES[placement.dtype],
            autoencoder_dtype=_DTYPES[placement.autoencoder_dtype],
            attention=placement.attention,
            kernels=placement.kernels,
            matrices=placement.matrices,
            text_device=torch.device(placement.text_device),
            memory=placement.memory,
            loras=run.loras,
            dit_fsdp=run.config.parallel.dit_fsdp,
            t5_fsdp=run.config.parallel.t5_fsdp,
        )
        return self.engine_of(settings)

    def engine_of(self, settings: EngineSettings) -> Engine:
        """The engine of these settings, its parts not loaded yet unless they have been."""
        if self._engine is None or self._engine.settings != settings:
            # The old one goes before the new one comes: there may not be room for both.
            self.release()
            self._engine = Engine(settings, self._progress, self.division)
        return self._engine


@dataclass(frozen=True)
class Workplace:
    """What the making of one video is given beside the run itself."""

    folder: Path
    resume_folder: Path
    metadata: dict[str, str]
    stopwatch: Stopwatch
    on_step: Callable[[int, int, int], None]
    """Told the clip, its steps done, and how many there are."""
    on_taken_up: Callable[[int], None]
    """Told how many clips an earlier attempt has left, when it has left any."""
    on_clip: Callable[[int, Mapping[str, float]], None]
    """Told each clip that is finished, once it can be taken up from, and the seconds by stage when it was made."""


@dataclass(frozen=True)
class MadeVideo:
    """What came of it."""

    frames: FrameSummary
    files: dict[str, str]
    """By kind, relative to the folder of the run."""
    reading: Reading
    """What was measured of it."""
    busy: Mapping[str, float]
    """Seconds that other threads were at work beside the model, by what they did."""


def make_video(run: PreparedRun, engine: Engine, workplace: Workplace) -> MadeVideo:
    """Make the video and put its files into the folder, each under its name only once it is whole.

    Frames are written and measured beside the model. Raises InputError, GenerationError and OutputError;
    what clips were finished before stays to be taken up.
    """
    assert run.is_settled
    stage = workplace.stopwatch.stage
    _clear_leftovers(workplace)
    state = _read_state(run, workplace.resume_folder)
    with stage("measure"):
        meter = open_meter(run, engine.settings.device)
    sinks, names = _open_sinks(run, run.config.output, workplace)
    tee = FrameTee(list(sinks.values()), run.plan.num_frames)
    delivery = Delivery(run, workplace.folder, workplace.resume_folder, tee, meter)
    try:
        with delivery.at_work():
            _make_frames(run, engine, workplace, state, delivery)
        with stage("write video"):
            summary = tee.close()
            write_thumbnail(workplace.folder / THUMBNAIL, tee.middle, _THUMBNAIL_SIDE)
        with stage("measure"):
            reading = meter.read()
        for name in names.values():
            _reveal(workplace.folder / name)
    except BaseException:
        tee.discard()
        delivery.discard()
        # What was closed already is of no use without the rest.
        with suppress(OutputError):
            _clear_leftovers(workplace)
        raise
    latents = {"latents": LATENTS_FOLDER} if run.config.output.latents else {}
    return MadeVideo(summary, {**names, **latents, "thumbnail": THUMBNAIL}, reading, delivery.busy)


def _make_frames(
    run: PreparedRun,
    engine: Engine,
    workplace: Workplace,
    state: ClipState | None,
    delivery: Delivery,
) -> None:
    """Have the frames made, and delivered to the last."""
    stage = workplace.stopwatch.stage
    cache = ConditioningCache(
        cache_folder(run.config) / _CONDITIONING, scope_of(engine.settings, run.checkpoint_digest)
    )

    def step(clip: int, done: int, steps: int) -> None:
        workplace.on_step(clip, done, steps)
        delivery.look()

    if state is not None:
        workplace.on_taken_up(state.next_clip)
        with stage("write video"):
            delivery.replay(state.next_clip)
    with _out_of_memory_explained(engine.settings.memory):
        for part in generate(run.request, engine, Watch(stage, step), state, cache):
            with stage("write video"):
                if isinstance(part, Frames):
                    delivery.take_frames(part)
                    continue
                delivery.take_clip_end(part, partial(workplace.on_clip, part.clip, workplace.stopwatch.seconds))
    with stage("write video"):
        delivery.finish()


def _reveal(path: Path) -> None:
    """Give what was written under a hidden name its own. Raises OutputError."""
    # Frames of an attempt before, which a file takes the place of without.
    shutil.rmtree(path, ignore_errors=True)
    try:
        path.with_name(f".{path.name}").replace(path)
    except OSError as error:
        raise OutputError(path, error) from error


def _clear_leftovers(workplace: Workplace) -> None:
    """Remove what an attempt was writing when it ended, whatever frames it kept. Raises OutputError."""
    hidden = [workplace.folder / f".{name}" for name in (VIDEO, LOSSLESS, STILLS)]
    for place in (workplace.resume_folder, workplace.folder / LATENTS_FOLDER):
        if place.is_dir():
            hidden += place.glob(".*")
    for path in hidden:
        try:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(path, error) from error


def _open_sinks(
    run: PreparedRun, output: OutputConfig, workplace: Workplace
) -> tuple[dict[str, FrameSink], dict[str, str]]:
    """The sinks by kind, each writing under a hidden name, and the names they will have."""
    plan, fps = run.plan, run.request.sample_fps
    names = {"video": VIDEO} | {"png": {"frames": STILLS}, "lossless": {"frames": LOSSLESS}}.get(output.frames, {})
    hidden = {kind: workplace.folder / f".{name}" for kind, name in names.items()}
    sinks: dict[str, FrameSink] = {
        "video": VideoWriter(
            path=hidden["video"],
            height=plan.output_height,
            width=plan.output_width,
            fps=fps,
            num_frames=plan.num_frames,
            audio=run.request.audio,
            crf=output.crf,
            audio_kbps=output.audio_kbps,
            metadata=workplace.metadata,
        )
    }
    if output.frames == "png":
        sinks["frames"] = PngFolder(hidden["frames"])
    elif output.frames == "lossless":
        size: dict[str, Any] = {"height": plan.output_height, "width": plan.output_width}
        sinks["frames"] = LosslessWriter(path=hidden["frames"], fps=fps, **size)
    return sinks, names


def _read_state(run: PreparedRun, resume_folder: Path) -> ClipState | None:
    """The state an earlier attempt left, if it is whole and every clip before it is there."""
    path = resume_folder / STATE
    if not path.is_file():
        return None
    try:
        state = read_state(path, torch.device("cpu"))
    except InputError:
        return None
    store = ClipStore(resume_folder, run.plan.output_height, run.plan.output_width)
    wanted = [run.plan.frames_before(clip + 1) - run.plan.frames_before(clip) for clip in range(state.next_clip)]
    if [store.count(clip) for clip in range(state.next_clip)] != wanted:
        return None
    return state


@contextmanager
def _out_of_memory_explained(memory: Memory):
    try:
        yield
    except torch.OutOfMemoryError as error:
        following = next_mode(memory)
        less = f"memory={following}, a" if following else "a"
        raise DeviceMemoryError(
            f"the device has too little memory for memory={memory} ({str(error).splitlines()[0]}). Try {less} smaller "
            "size or fewer infer_frames"
        ) from error

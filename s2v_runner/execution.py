"""The making of a settled run on this machine: where it is placed, who is told, what follows when memory runs out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from s2v_runner.console.outline import place_lines, plan_lines, plan_numbers
from s2v_runner.console.words import Words
from s2v_runner.describe import placement_request, resolve_settings, video_metadata
from s2v_runner.errors import DeviceMemoryError
from s2v_runner.placement.choice import AUTO, Placement, choose_placement, next_mode
from s2v_runner.prepare import PreparedRun
from s2v_runner.timing import Stopwatch
from s2v_runner.tracking.environment import describe_environment
from s2v_runner.tracking.folder import RunFolder
from s2v_runner.tracking.recorder import Recorder

if TYPE_CHECKING:
    # Late where it is used: it brings PyTorch, and half of what can go wrong is found without.
    from s2v_runner.production import Engines, MadeVideo


class Session:
    """What the runs of one process share: the loaded model, and what is known of the machine."""

    @cached_property
    def engines(self) -> "Engines":
        from s2v_runner.division import UNDIVIDED
        from s2v_runner.production import Engines, unwatched

        return Engines(UNDIVIDED, unwatched)

    @property
    def is_whole(self) -> bool:
        """Whether its model can make another video: of several processes none may be left at an unfinished one."""
        return True

    @cached_property
    def environment(self) -> dict[str, Any]:
        return describe_environment()


@dataclass(frozen=True)
class Post:
    """Where a run is made, and who is told of it."""

    folder: RunFolder
    recorder: Recorder
    words: Words
    stopwatch: Stopwatch


def execute(run: PreparedRun, post: Post, session: Session) -> "MadeVideo":
    """Make the video where there is room for it. Under memory=auto, a device that runs out of memory is tried once more
    with less of the model on it; clips that were finished stay.

    Raises what `make_video` raises.
    """
    words, stopwatch = post.words, post.stopwatch
    for line in plan_lines(run):
        words.say(line)
    with stopwatch.stage("import libraries"):
        from s2v_runner.placement import devices

        engines = session.engines
    device = devices.choose_device(run.config.memory.device)
    stopwatch.settle = lambda: devices.wait_for(device)
    devices.reset_peak_memory(device)
    placement = choose_placement(placement_request(run), devices.look_at(device), run.estimate_cost)
    try:
        return _make(run, placement, post, engines)
    except DeviceMemoryError as error:
        following = next_mode(placement.memory)
        if run.config.memory.mode != AUTO or following is None or not session.is_whole:
            raise
        words.warn(f"{error}. It goes on with memory={following}")
        reason = f"{placement.memory} ran out of memory"
    # Only here, since the error holds what was being computed.
    engines.release()
    return _make(run, replace(placement, memory=following, reason=reason), post, engines)


def _make(run: PreparedRun, placement: Placement, post: Post, engines: "Engines") -> "MadeVideo":
    from s2v_runner import production
    from s2v_runner.placement import devices

    _announce(run, placement, post, devices.describe_device(placement.device))
    told = _Teller(run.plan.num_clips, post)
    workplace = production.Workplace(
        folder=post.folder.path,
        resume_folder=post.folder.resume,
        metadata=video_metadata(run, post.recorder.record),
        stopwatch=post.stopwatch,
        on_step=told.step,
        on_taken_up=told.taken_up,
        on_clip=told.clip,
    )
    made = production.make_video(run, engines.engine_for(run, placement), workplace)
    post.words.beside(made.busy)
    return made


def _announce(run: PreparedRun, placement: Placement, post: Post, device: Mapping[str, object]) -> None:
    """Say and write down what was chosen."""
    cost = run.estimate_cost(placement.form)
    for line in place_lines(run, placement, cost):
        post.words.say(line)
    recorder = post.recorder
    recorder.update(
        resolved=resolve_settings(run, placement),
        plan=plan_numbers(run, placement, cost),
        environment={**recorder.record.environment, "device": device},
    )
    recorder.announce()


class _Teller:
    """Tells the record and the person how the clips go on."""

    def __init__(self, num_clips: int, post: Post) -> None:
        self._num_clips = num_clips
        self._recorder = post.recorder
        self._words = post.words
        self._stopwatch = post.stopwatch
        self._before: Mapping[str, float] = {}

    def step(self, clip: int, done: int, steps: int) -> None:
        seconds = self._stopwatch.lap()
        self._recorder.step(clip, done, seconds)
        self._words.step(clip, self._num_clips, done, steps, seconds)

    def taken_up(self, clips: int) -> None:
        self._words.say(f"{clips} of {self._num_clips} clips are there from an earlier attempt")

    def clip(self, clip: int, now: Mapping[str, float]) -> None:
        self._words.clip(clip, self._num_clips, {name: now[name] - self._before.get(name, 0.0) for name in now})
        self._before = now

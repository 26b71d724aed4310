"""Sweeps with a stub for an engine, which are made in a fraction of a second, and what must hold of them afterwards."""

import gc
import hashlib
import io
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any
from unittest.mock import patch

import av
import torch
from PIL import Image

from s2v_runner import delivery, production
from s2v_runner.cli import guarded
from s2v_runner.commands import sweep as command
from s2v_runner.conditioning.cache import Cache
from s2v_runner.config.asked import Asked, read_asked
from s2v_runner.config.compose import PROJECT
from s2v_runner.digests import digest_file
from s2v_runner.engine import Engine
from s2v_runner.execution import Session
from s2v_runner.generation import Watch
from s2v_runner.inputs.probe import probe_picture, probe_sound
from s2v_runner.parallel.starting import starter_here
from s2v_runner.plan import SPEECH_RATE, plan_run
from s2v_runner.prepare import PreparedRun
from s2v_runner.records import Request
from s2v_runner.sampling.clips import ClipEnd, ClipState, Frames
from s2v_runner.sampling.states import write_state
from s2v_runner.sweep import work
from s2v_runner.sweep.preparation import PreparedSweep, prepare_sweep
from s2v_runner.tracking.definition import POINTS, read_definition
from s2v_runner.tracking.folder import LOCK_NAME, RESUME_NAME
from s2v_runner.tracking.record import RECORD_NAME, Record, read_record
from s2v_runner.video.pixels import to_eight_bit
from tests.runs import Child, fork, workshop_settings

_CODE = 8


def nothing() -> None:
    pass


def no_trouble(request: Request, clip: int) -> None:
    pass


Trouble = Callable[[Request, int], None]
"""Told the request and the clip before each clip; may raise or wait."""


@dataclass(frozen=True)
class LogLine:
    """A word of the stub about its work."""

    process: int
    point: int
    """The steps of its sampler, which tell the points of these sweeps apart."""
    seed: int
    clip: int
    word: str
    """`begin` before a clip is made; `kept` once it is certain that it need not be made again."""


class Stub:
    """Stands for `generate`: frames that depend on the seed, the settings and the clips before, in no time."""

    def __init__(self, log: Path, trouble: Trouble) -> None:
        self._log = log
        self._trouble = trouble
        self._request: Request | None = None

    def __call__(
        self, request: Request, engine: Engine, watch: Watch, resume: ClipState | None, cache: Cache
    ) -> Iterator[Frames | ClipEnd]:
        self._request = request
        with engine.division.at_work():
            yield from self.generate(request, watch, resume)

    def write_state(self, path: Path, state: ClipState) -> None:
        """Stands for the function of that name: with the state, the clip before it is kept."""
        write_state(path, state)
        assert self._request is not None
        self._note(self._request, state.next_clip - 1, "kept")

    def generate(self, request: Request, watch: Watch, resume: ClipState | None) -> Iterator[Frames | ClipEnd]:
        size = probe_picture(request.image, request.compat)
        plan = plan_run(request, size, probe_sound(request.audio).speech_samples, SPEECH_RATE)
        state = ClipState(0, torch.zeros(1, 3, 1, _CODE, _CODE)) if resume is None else resume
        for clip in range(state.next_clip, plan.num_clips):
            self._note(request, clip, "begin")
            self._trouble(request, clip)
            random = torch.Generator().manual_seed(1000 * plan.clip_seeds[clip] + request.steps)
            past = 0.5 * state.past_BCVHW + 0.5 * torch.rand(1, 3, 1, _CODE, _CODE, generator=random) - 0.25
            watch.step(clip, request.steps, request.steps)
            picture = torch.nn.functional.interpolate(past[:, :, 0], size=(plan.height, plan.width))
            frames = plan.frames_before(clip + 1) - plan.frames_before(clip)
            # In pieces, as a decoder gives them.
            for count in (frames // 2, frames - frames // 2):
                yield Frames(clip, picture.unsqueeze(2).expand(-1, -1, count, -1, -1))
            state = ClipState(clip + 1, past)
            yield ClipEnd(clip, past, None if clip == plan.num_clips - 1 else state)
        # Not the last word of the run, but of the stub.
        self._note(request, plan.num_clips - 1, "kept")

    def _note(self, request: Request, clip: int, word: str) -> None:
        line = f"{os.getpid()} {request.steps} {request.base_seed} {clip} {word}\n"
        log = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(log, line.encode())
        os.close(log)


def read_log(path: Path) -> list[LogLine]:
    return [_parse(line) for line in path.read_text().splitlines()] if path.exists() else []


def _parse(line: str) -> LogLine:
    *numbers, word = line.split()
    process, point, seed, clip = map(int, numbers)
    return LogLine(process, point, seed, clip, word)


@dataclass(frozen=True)
class Planned:
    """A sweep that was composed once, and can be started again and again."""

    asked: Asked
    sweep: PreparedSweep

    @property
    def steps(self) -> list[int]:
        """What tells the points apart, by their numbers."""
        return [point.run.request.steps for point in self.sweep.points]


def prepared_session() -> Session:
    """A session for processes that are forked, so that none of them has to find out or to import anything."""
    session = Session()
    assert session.engines
    # Short, whatever was changed since the last commit: records are written many times.
    session.environment["code"]["diff"] = "a difference"
    session.environment["packages"] = {}
    import_module("s2v_runner.comparison.compare")
    Image.init()
    return session


def rig_settings(picture: Path, speech: Path, outputs: Path) -> tuple[str, ...]:
    """Of half a second of speech there are three clips, of one frame, four and three."""
    return (*workshop_settings(picture, speech, outputs), "infer_frames=4")


@dataclass(frozen=True)
class Rig:
    """A folder to make sweeps in."""

    folder: Path
    settings: tuple[str, ...]
    session: Session

    @property
    def outputs(self) -> Path:
        return self.folder / "outputs"

    @property
    def log(self) -> Path:
        """What the stubs of all processes have noted. Not where sweeps write."""
        return self.folder / "log"

    def plan(self, *words: str) -> Planned:
        asked = read_asked([*self.settings, *words], PROJECT, multirun=True)
        return Planned(asked, prepare_sweep(asked))

    def start(self, planned: Planned, trouble: Trouble = no_trouble, prepare: Callable[[], None] = nothing) -> Child:
        """The command in a process of its own, a fork of this one."""

        def act() -> int:
            # It would touch, and thereby copy, all that this process has.
            gc.disable()
            return self._carry_out(planned, trouble, prepare)

        return fork(lambda: guarded(act))

    def run(self, planned: Planned) -> str:
        """The command to its end, which must be a good one; what it printed."""
        said = io.StringIO()
        with redirect_stdout(said):
            assert self._carry_out(planned, no_trouble, nothing) == 0
        return said.getvalue()

    def start_group(self, planned: Planned, processes: int, trouble: Trouble) -> list[Child]:
        """The command in several processes at once, which form a group; the first one's number is the group's."""
        children: list[Child] = []
        for _ in range(processes):
            children.append(self.start(planned, trouble))
            os.setpgid(children[-1].pid, children[0].pid)
        return children

    def clear(self) -> None:
        """As if nothing had ever been made."""
        shutil.rmtree(self.outputs, ignore_errors=True)
        self.log.unlink(missing_ok=True)

    def _carry_out(self, planned: Planned, trouble: Trouble, prepare: Callable[[], None]) -> int:
        composed = patch.object(command, "prepare_sweep", lambda _: planned.sweep)
        # Of use when the power fails, and half of the time that these sweeps take.
        unsynchronised = patch.object(os, "fsync", lambda _: None)
        impatient = patch.object(work, "_SECONDS_BETWEEN_LOOKS", 0.05)
        with self._in_place_of_the_engine(trouble), composed, unsynchronised, impatient:
            prepare()
            return command.carry_out_sweep(planned.asked, ("sweep",), starter_here)

    @contextmanager
    def _in_place_of_the_engine(self, trouble: Trouble) -> Iterator[None]:
        stub = Stub(self.log, trouble)
        with (
            patch.object(production, "generate", stub),
            patch.object(delivery, "write_state", stub.write_state),
            patch.object(production, "scope_of", lambda *_: {}),
            patch.object(command, "Session", lambda: self.session),
        ):
            yield


def records_of(planned: Planned) -> list[Record]:
    """The records of the points that have one, in the order of the points."""
    folders = [planned.sweep.folder_of(point) for point in planned.sweep.points]
    return [read_record(folder) for folder in folders if (folder / RECORD_NAME).exists()]


def expected_frames(run: PreparedRun) -> str:
    """SHA-256 of the frames that a run is to have, whatever happens to it."""
    digest = hashlib.sha256()
    watch = Watch(lambda _: nullcontext(), lambda *_: None)
    for part in Stub(Path(os.devnull), no_trouble).generate(run.request, watch, None):
        if isinstance(part, Frames):
            digest.update(to_eight_bit(part.video_BCVHW, run.request.compat).tobytes())
    return digest.hexdigest()


def decoded(video: Path) -> str:
    """SHA-256 of what there is to see in a video."""
    digest = hashlib.sha256()
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            digest.update(frame.to_ndarray(format="rgb24").tobytes())
    return digest.hexdigest()


def made(planned: Planned) -> dict[str, tuple[Mapping[str, Any] | None, str]]:
    """What came of each point, by its identity: its frames, and the SHA-256 of its video's file."""
    return {
        record.identity: (record.frames, digest_file(planned.sweep.folder_of(point) / record.files["video"]))
        for point, record in zip(planned.sweep.points, records_of(planned), strict=True)
    }


def check_whole(planned: Planned) -> None:
    """That every point is there once and finished, and that nothing else is there."""
    folder, points = planned.sweep.folder, planned.sweep.points
    definition = read_definition(folder)
    assert [point.identity for point in definition.points] == [point.definition.identity for point in points]
    assert {path.name for path in (folder / POINTS).iterdir()} == {point.folder_name for point in definition.points}
    records = records_of(planned)
    assert [record.identity for record in records] == [point.identity for point in definition.points]
    for record in (*records, read_record(folder)):
        ends = [attempt.status for attempt in record.attempts]
        assert (record.status, ends[-1]) == ("FINISHED", "FINISHED"), (record.kind, record.identity, ends)
        assert "RUNNING" not in ends, (record.kind, record.identity, ends)
        assert definition.base_seed in (None, record.base_seed)
        for given in record.inputs.values():
            assert digest_file(Path(given["copy"])) == given["sha256"], given
    files = [folder / name for name in read_record(folder).files.values()]
    assert [path for path in files if not path.is_file()] == []
    assert strays(planned.sweep.outputs) == []


def strays(outputs: Path) -> list[str]:
    """What should not have outlived the processes of a sweep that is whole."""
    allowed = (".gitignore", LOCK_NAME, ".published.lock", ".mlflow.db.lock")
    hidden = [path for path in outputs.rglob(".*") if path.name not in allowed]
    return [str(path.relative_to(outputs)) for path in (*hidden, *outputs.rglob(RESUME_NAME))]


def check_made_once(planned: Planned, lines: Sequence[LogLine]) -> None:
    """That no point was made again once it was finished, no clip once it was kept, and none by two processes at once.

    The last clip of a point is kept by the record, which comes after the stub's last word.
    """
    for record in records_of(planned):
        assert [attempt.status for attempt in record.attempts].count("FINISHED") == 1, record.identity
    for point in planned.sweep.points:
        steps, last = point.run.request.steps, point.run.plan.num_clips - 1
        own = [line for line in lines if line.point == steps]
        processes = [process for process, _ in groupby(line.process for line in own)]
        assert len(processes) == len(set(processes)), own
        kept: set[int] = set()
        for line in own:
            assert line.clip == last or line.word == "kept" or line.clip not in kept, own
            kept |= {line.clip} if line.word == "kept" else set()

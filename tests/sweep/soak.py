"""Sweeps that are killed at random, again and again, and must come out whole.

`python -m tests.sweep.soak --kills 1000`: the exit status is 0 when all of them did.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType

import numpy as np
import soundfile
import torch
from PIL import Image

from s2v_runner.console.words import clock_text
from s2v_runner.errors import GenerationError
from s2v_runner.records import Request
from tests.runs import Child
from tests.sweep.stub import (
    Planned,
    Rig,
    Trouble,
    check_made_once,
    check_whole,
    decoded,
    expected_frames,
    prepared_session,
    read_log,
    records_of,
    rig_settings,
)

POLICIES = ("retry", "retry", "skip", "force")
SHAPES = (
    ("sampler.steps=1,2", "num_clip=3", "base_seed=7"),
    ("sampler.steps=1,2,3", "num_clip=1", "base_seed=7"),
    ("sampler.steps=1,2,3", "num_clip=2", "base_seed=-1"),
    ("sampler.steps=1,2", "num_clip=2", "base_seed=7", "output=png"),
)
_PROCESSES = (1, 1, 2, 2, 3)
_MOST_KILLS_A_SWEEP = 15
_SECONDS_BETWEEN_LINES = 15.0
# Far more than a sweep takes: it hangs.
_PATIENCE = 300


@dataclass(frozen=True)
class Case:
    """One sweep of the soak."""

    shape: tuple[str, ...]
    policy: str
    processes: int
    failing: frozenset[int]
    """The points that fail when they are tried first, by their steps."""


class Soak:
    """Makes sweeps, and kills what makes them."""

    def __init__(self, rig: Rig, random: Random) -> None:
        self._rig = rig
        self._random = random
        self._plans: dict[tuple[str, ...], Planned] = {}
        self._seen: dict[tuple[str, int], str] = {}
        """What there was to see in the video of an identity and a seed: it is always the same."""
        self._seconds = 1.0
        """What a sweep takes that nobody kills."""
        self.kills = 0
        """Those that found a process alive."""

    def make_undisturbed(self) -> None:
        """Sweeps of all shapes that nobody kills, for the others to be like them."""
        for shape in SHAPES:
            self.survive(Case(shape=shape, policy="retry", processes=1, failing=frozenset()), 0)

    def draw(self) -> Case:
        shape = self._random.choice(SHAPES)
        failing = [steps for steps in (1, 2, 3) if self._random.random() < 0.25]
        return Case(
            shape=shape,
            policy=self._random.choice(POLICIES),
            processes=self._random.choice(_PROCESSES),
            failing=frozenset(failing),
        )

    def survive(self, case: Case, most_kills: int) -> None:
        """A sweep that is killed so often, at most, and then left alone: it must be whole then."""
        self._clear()
        planned = self._plan(case, case.policy)
        until = self.kills + self._random.randint(min(1, most_kills), most_kills)
        while self.kills < until and not self._end_early(planned, case):
            pass
        self._finish(planned, case)
        check_whole(planned)
        for point, record in zip(planned.sweep.points, records_of(planned), strict=True):
            assert record.frames is not None
            assert record.frames["sha256"] == expected_frames(point.run.with_seed(record.base_seed))
            seen = decoded(planned.sweep.folder_of(point) / record.files["video"])
            assert seen == self._seen.setdefault((record.identity, record.base_seed), seen)
        if case.policy != "force":
            check_made_once(planned, read_log(self._rig.log))

    def _end_early(self, planned: Planned, case: Case) -> bool:
        """Start it and kill it; whether it ended well before."""
        children = self._rig.start_group(planned, case.processes, self._trouble(case))
        group = children[0].pid
        self._wait_a_while()
        if self._random.random() < 0.2:
            self._random.choice(children).kill(signal.SIGKILL)
            self._wait_a_while()
        os.killpg(group, signal.SIGKILL)
        ends = _wait(children)
        assert _is_gone(group)
        self.kills += -signal.SIGKILL in ends
        return 0 in ends

    def _wait_a_while(self) -> None:
        # Mostly for a part of what a sweep takes: one that ends is not killed any more.
        time.sleep(self._seconds * self._random.random() ** 2)

    def _finish(self, planned: Planned, case: Case) -> None:
        begun = time.monotonic()
        children = self._rig.start_group(planned, case.processes, self._trouble(case))
        ends = _wait(children)
        self._seconds = 0.8 * self._seconds + 0.2 * (time.monotonic() - begun)
        assert set(ends) <= {0, 1}, ends
        if case.policy == "force":
            last = {record.attempts[-1].process for record in records_of(planned)}
            assert last <= {child.pid for child in children}, "a point was not made anew"
        if 0 in ends:
            return
        failed = [record for record in records_of(planned) if record.status == "FAILED"]
        assert failed
        if case.policy == "skip":
            assert set(_wait(self._rig.start_group(planned, case.processes, self._trouble(case)))) == {1}
            assert [record for record in records_of(planned) if record.status == "FAILED"] == failed
        again = self._plan(case, "retry")
        assert _wait(self._rig.start_group(again, case.processes, self._trouble(case))) == [0] * case.processes

    def _plan(self, case: Case, policy: str) -> Planned:
        words = (*case.shape, f"resume={policy}")
        if words not in self._plans:
            self._plans[words] = self._rig.plan(*words)
        return self._plans[words]

    def _trouble(self, case: Case) -> Trouble:
        def fail_at_first(request: Request, clip: int) -> None:
            mark = self._rig.folder / f"failed_{request.steps}"
            if request.steps in case.failing and clip == request.steps % 2 and not mark.exists():
                mark.touch()
                raise GenerationError("it fails at first") if request.steps % 2 else ZeroDivisionError("a defect")

        return fail_at_first

    def _clear(self) -> None:
        self._rig.clear()
        for mark in self._rig.folder.glob("failed_*"):
            mark.unlink()


def _wait(children: Sequence[Child]) -> list[int]:
    """How they ended. None may have printed a traceback."""
    ends = []
    for child in children:
        status, said = child.wait()
        assert "Traceback" not in said, said
        assert status in (0, 1, -signal.SIGKILL), (status, said)
        ends.append(status)
    return ends


def _is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def _make_rig(folder: Path) -> Rig:
    picture, speech = folder / "picture.png", folder / "speech.wav"
    Image.fromarray(np.full((80, 96, 3), 128, np.uint8)).save(picture)
    soundfile.write(speech, np.random.default_rng(0).normal(0, 0.1, 8000), 16000)
    return Rig(folder, rig_settings(picture, speech, folder / "outputs"), prepared_session())


def _hang(_number: int, _frame: FrameType | None) -> None:
    raise AssertionError(f"it has not ended in {_PATIENCE} s")


def _soak(soak: Soak, kills: int) -> int:
    """As many sweeps as it takes; how many there were."""
    begun = spoken = time.monotonic()
    sweeps = 0
    while soak.kills < kills:
        case = soak.draw()
        signal.alarm(_PATIENCE)
        try:
            soak.survive(case, min(_MOST_KILLS_A_SWEEP, kills - soak.kills))
        except BaseException:
            print(f"sweep {sweeps + 1} did not survive: {case}", file=sys.stderr)
            raise
        sweeps += 1
        if time.monotonic() - spoken > _SECONDS_BETWEEN_LINES:
            spoken = time.monotonic()
            print(f"{soak.kills} of {kills} kills, {sweeps} sweeps whole, {clock_text(spoken - begun)}", flush=True)
    return sweeps


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, required=True)
    parser.add_argument("--seed", type=int, help="of what is drawn; the moments of the kills are never quite the same")
    options = parser.parse_args()
    seed = Random().randrange(2**31) if options.seed is None else options.seed
    torch.set_num_threads(1)
    signal.signal(signal.SIGALRM, _hang)
    folder = Path(tempfile.mkdtemp(prefix="soak_"))
    print(f"{options.kills} kills, seed {seed}, in {folder}", flush=True)
    begun = time.monotonic()
    soak = Soak(_make_rig(folder), Random(seed))
    try:
        soak.make_undisturbed()
        sweeps = _soak(soak, options.kills)
    except BaseException:
        traceback.print_exc()
        print(f"after {soak.kills} kills with --seed {seed}; what is left is in {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    print(f"{soak.kills} kills survived in {sweeps} sweeps, {clock_text(time.monotonic() - begun)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Points by jobs of Slurm: with submitit's executor for this machine, and with a Slurm that is four small programs."""

import os
import signal
import stat
from pathlib import Path

import pytest

from s2v_runner.cli import main
from s2v_runner.parallel import driving, slurm
from s2v_runner.tracking.liveness import is_there
from tests.parallel.test_points import SHORT, records_in
from tests.runs import Child, Workshop, fork

# Job 1 and its like are groups of processes, whose numbers are kept in files.
SBATCH = """\
number=$(( $(ls "$JOBS" | wc -l) + 1 ))
cp "$1" "$JOBS/$number"
export SLURM_JOB_ID=$number SLURM_NTASKS=1 SLURM_JOB_NUM_NODES=1 SLURM_NODEID=0 SLURM_PROCID=0 SLURM_LOCALID=0
export SLURM_JOB_NODELIST=here
setsid bash "$1" > /dev/null 2>&1 < /dev/null &
echo $! > "$PIDS/$number"
echo "Submitted batch job $number"
"""
SRUN = """\
while [[ "$1" == -* ]]; do
  [[ "$1" == --output || "$1" == --error ]] && shift
  shift
done
exec "$@"
"""
SACCT = """\
echo "JobID|State|NodeList"
for file in "$PIDS"/*; do
  if kill -0 -- -$(cat "$file") 2> /dev/null; then state=RUNNING; else state=NODE_FAIL; fi
  echo "$(basename "$file")|$state|here"
done
"""
SCANCEL = """\
for number in "$@"; do kill -TERM -- -$(cat "$PIDS/$number") 2> /dev/null; done
exit 0
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The numbers of the groups of jobs, in files by the number of the job."""
    programs, jobs, pids = (tmp_path / name for name in ("programs", "jobs", "pids"))
    for folder in (programs, jobs, pids):
        folder.mkdir()
    for name, text in (("sbatch", SBATCH), ("srun", SRUN), ("sacct", SACCT), ("scancel", SCANCEL)):
        program = programs / name
        program.write_text(f"#!/bin/bash\n{text}")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("JOBS", str(jobs))
    monkeypatch.setenv("PIDS", str(pids))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return pids


def start(workshop: Workshop, *words: str) -> Child:
    """The command in a fork of this process, which asks after its jobs often."""

    def act() -> int:
        setattr(driving, "_SECONDS_BETWEEN_LOOKS", 0.1)  # noqa: B010
        setattr(slurm, "_SECONDS_BETWEEN_QUERIES", 0.5)  # noqa: B010
        return main(["-m", *workshop.settings, *SHORT, "parallel=slurm", *words])

    return fork(act)


def test_each_job_makes_its_chunk(workshop: Workshop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    words = ("sampler.steps=1,2,3", "parallel.points_per_job=2", "parallel.slurm_executor=local")
    status, output = start(workshop, *words).wait()
    assert status == 0, output
    makers: dict[int, set[int]] = {}
    for record in records_in(workshop.outputs):
        assert [attempt.status for attempt in record.attempts] == ["FINISHED"]
        steps = record.resolved["sampler"]["steps"]
        makers.setdefault(record.attempts[0].process, set()).add(steps)
    assert sorted(map(sorted, makers.values())) == [[1, 2], [3]]
    assert "3 of 3 points finished" in output
    assert "(job " in output


def test_what_a_lost_job_was_at_is_made_by_another(workshop: Workshop, cluster: Path):
    words = ("sampler.steps=200,1", "parallel.points_per_job=1", "parallel.slurm_partition=small")
    child = start(workshop, *words, "parallel.slurm_minutes=7", "parallel.slurm_more=qos=high account=me")
    output = child.lines_until("sampler.steps=200 (job")
    (number,) = (line.rpartition("job ")[2].strip(")\n") for line in output if "sampler.steps=200 (job" in line)
    os.killpg(int((cluster / number).read_text()), signal.SIGKILL)
    status, rest = child.wait()
    assert status == 0, rest
    assert "NODE_FAIL" in rest
    (record,) = (record for record in records_in(workshop.outputs) if len(record.attempts) == 2)
    assert [attempt.status for attempt in record.attempts] == ["KILLED", "FINISHED"]
    assert len(list(cluster.iterdir())) == 3
    script = (cluster.parent / "jobs" / number).read_text()
    for option in ("partition=small", "time=7", "qos=high", "account=me", "nodes=1"):
        assert f"#SBATCH --{option}\n" in script
    assert "gpus" not in script


def test_asked_to_stop_it_cancels_its_jobs(workshop: Workshop, cluster: Path):
    child = start(workshop, "sampler.steps=2000,2001", "parallel.points_per_job=2")
    child.lines_until("[1 of 2]")
    child.kill(signal.SIGTERM)
    status, output = child.wait()
    assert status == 128 + signal.SIGTERM, output
    (record,) = records_in(workshop.outputs)
    assert record.status == "KILLED"
    assert not is_there(record.attempts[-1].process)

"""Points by actors of a Ray on this machine."""

import os
import signal
from pathlib import Path

from tests.parallel.processes import is_there, runner, started
from tests.parallel.test_points import SHORT, at_work, records_in
from tests.runs import Workshop


def test_an_actor_that_dies_costs_only_its_point(workshop: Workshop, tmp_path: Path):
    words = runner("-m", *workshop.settings, *SHORT, "parallel=ray", "sampler.steps=150,151,152")
    with started(tmp_path, *words) as command:
        first, _ = at_work(command, workshop.outputs, 2)
        actor = int(Path(f"/proc/{first}/stat").read_text().rpartition(")")[2].split()[1])
        assert "Station" in Path(f"/proc/{actor}/cmdline").read_text()
        os.kill(actor, signal.SIGKILL)
        status, output = command.end()
    assert status == 0, output
    assert "Ray has lost it" in output
    records = records_in(workshop.outputs)
    assert [record.status for record in records] == ["FINISHED"] * 3
    (lost,) = (record for record in records if len(record.attempts) > 1)
    assert [attempt.status for attempt in lost.attempts] == ["KILLED", "FINISHED"]
    assert lost.attempts[0].process == first
    assert not is_there(first)
    assert "Traceback" not in output


def test_more_workers_than_ray_has_room_for_are_refused(workshop: Workshop, tmp_path: Path):
    words = ("parallel=ray", "sampler.steps=1,2", "parallel.workers=9999")
    with started(tmp_path, *runner("-m", *workshop.settings, *SHORT, *words)) as command:
        status, output = command.end()
    assert status == 2, output
    assert "s2v-runner: parallel.workers=9999: each needs 1 CPUs of Ray's, which has" in output
    assert records_in(workshop.outputs) == []

"""What the user is told of a published run."""

import shlex
import subprocess
from pathlib import Path

from s2v_runner.tracking.destination import Destination, describe_published


def test_the_command_that_shows_a_database_runs_as_it_stands(tmp_path: Path):
    published = describe_published(Destination(None, "e", None, tmp_path, 1.0), "run", "1", complete=True)
    assert published.page_command is not None
    program, *rest = shlex.split(published.page_command)
    assert rest == ["ui", "--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db"]
    assert "mlflow" in subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout


def test_a_server_has_a_page_of_its_own_and_no_password_in_it(tmp_path: Path):
    destination = Destination("https://me:secret@tracking.example/", "e", None, tmp_path, 1.0)
    published = describe_published(destination, "run", "1", complete=True)
    assert published.page == "https://tracking.example/#/experiments/1/runs/run"
    assert published.page_command is None

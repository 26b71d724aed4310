"""The installed package: its configuration and its sample inputs are in it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_a_wheel_brings_what_a_run_needs(tmp_path: Path):
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    subprocess.run(
        [*pip, "install", "--no-deps", "--target", str(installed), str(wheel)], check=True, capture_output=True
    )
    code = (
        "import s2v_runner, sys; assert s2v_runner.__file__.startswith(sys.argv.pop(1)); "
        "from s2v_runner.cli import main; raise SystemExit(main())"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(installed), "dry_run=true", "sampler=dpmpp", "size=480p"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    study = subprocess.run(
        [sys.executable, "-c", code, str(installed), "+sweeps=guidance", "dry_run=true"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert study.returncode == 0, study.stderr
    assert "7: 7 to make" in study.stdout
    assert (installed / "s2v_runner" / "comparison" / "page" / "page.html").exists()
    assert (installed / "s2v_runner" / "assets" / "demo_model" / "config.json").exists()
    assert "dpmpp, " in result.stdout
    assert "picture 512x512" in result.stdout
    assert (installed / "bin" / "s2v-runner").exists()

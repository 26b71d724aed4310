import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.forward", "--tiny", "--device", "cpu", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_the_benchmark_writes_a_report(tmp_path: Path):
    out = tmp_path / "forward.json"
    result = run("--size", "128*64", "--frames", "8", "--attention", "sdpa", "sdpa_math", "--out", str(out))
    assert result.returncode == 0, result.stderr
    report = json.loads(out.read_text())
    assert [(row["attention"], row["tokens"]) for row in report["results"]] == [
        ("sdpa", 96),
        ("sdpa", 144),
        ("sdpa_math", 96),
        ("sdpa_math", 144),
    ]
    assert all(row["forward_seconds"] > 0 for row in report["results"])


def test_a_size_that_cannot_be_is_refused():
    result = run("--size", "100*64")
    assert result.returncode != 0
    assert "multiples of 64" in result.stderr
    assert "Traceback" not in result.stderr

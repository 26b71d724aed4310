"""The layers stay apart: read from the imports, not run."""

import ast
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "s2v_runner"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Libraries that only some folders may import.
HOMES = {
    "mlflow": {"tracking"},
    "soxr": {"inputs"},
    "soundfile": {"inputs", "video", "sound_file.py"},
    "av": {"inputs", "video"},
    "imageio": {"inputs", "video"},
    "accelerate": {"placement"},
    "torch.distributed": {"parallel"},
    "ray": {"parallel"},
    "submitit": {"parallel"},
    "hydra": {"config"},
    "omegaconf": {"config"},
    "pydantic": {"config"},
    "yaml": {"config"},
    "rich": {"console"},
    "filelock": {"tracking", "parallel"},
    "cv2": {"inputs", "metrics"},
    "onnxruntime": {"inputs", "metrics"},
    "espeakng_loader": {"inputs"},
    "dashscope": {"inputs"},
    "optuna": {"search"},
    "scipy": {"findings"},
    "argcomplete": {"cli.py", "commands"},
}
# Stages hand on values; none of them knows another.
STAGES = {"inputs", "conditioning", "sampling", "video", "metrics", "tracking"}
# What is planned must be planned without waiting for these.
LIGHT = [
    "s2v_runner.cli",
    "s2v_runner.generate",
    "s2v_runner.commands.run",
    "s2v_runner.commands.compare",
    "s2v_runner.comparison.compare",
    "s2v_runner.run",
    "s2v_runner.prepare",
    "s2v_runner.plan",
    "s2v_runner.geometry",
    "s2v_runner.checkpoint.layout",
]
HEAVY = {
    "torch",
    "diffusers",
    "transformers",
    "mlflow",
    "cv2",
    "onnxruntime",
    "optuna",
    "scipy",
    "dashscope",
    "ray",
    "submitit",
}


def imports(path: Path) -> Iterator[str]:
    """Modules that a file imports, and what it takes from them, which may be modules too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def place(path: Path) -> str:
    """The folder of the package that a module is in, or its own name at the top."""
    return path.relative_to(PACKAGE).parts[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_libraries_stay_at_home(path: Path):
    for name in imports(path):
        for library, homes in HOMES.items():
            if name == library or name.startswith(f"{library}."):
                assert place(path) in homes, f"{path} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_stages_do_not_import_each_other(path: Path):
    stage = place(path)
    if stage in STAGES:
        foreign = {name.split(".")[1] for name in imports(path) if name.startswith("s2v_runner.")} & STAGES
        assert foreign <= {stage}, f"{path} imports {foreign - {stage}}"


def loaded_by(modules: list[str]) -> set[str]:
    """The packages that a fresh process has loaded after importing these."""
    code = f"import sys, {', '.join(modules)}; print(*{{name.split('.')[0] for name in sys.modules}})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_light_modules_load_nothing_heavy():
    assert not loaded_by(LIGHT) & HEAVY


def test_a_dry_run_loads_nothing_heavy_writes_nothing_and_takes_less_than_three_seconds(tmp_path: Path):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-X", "importtime", "-m", "s2v_runner", "dry_run=true"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in result.stderr.splitlines()}
    assert "s2v_runner" in imported
    assert not imported & HEAVY
    assert list(tmp_path.iterdir()) == []
    # Of its own: on a busy machine it waits for others as well.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 3
    assert result.stdout.startswith("plan (nothing is loaded or written)")


def test_the_transformer_needs_only_torch():
    foreign = {
        "diffusers",
        "transformers",
        "soundfile",
        "soxr",
        "av",
        "safetensors",
        "tokenizers",
        "accelerate",
        "einops",
    }
    assert not loaded_by(["s2v_runner.transformer"]) & foreign


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_stay_short(path: Path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300

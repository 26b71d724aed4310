"""The layers stay apart: read from the imports, not run."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "s2v_runner"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Libraries that only some folders may import.
HOMES = {
    "mlflow": {"tracking"},
    "librosa": {"inputs", "video"},
    "soundfile": {"inputs", "video"},
    "av": {"inputs", "video"},
    "imageio": {"inputs", "video"},
    "accelerate": {"placement"},
    "torch.distributed": {"placement"},
    "hydra": {"cli.py", "config"},
    "omegaconf": {"cli.py", "config"},
}
# Stages hand on values; none of them knows another.
STAGES = {"inputs", "conditioning", "sampling", "video", "metrics", "tracking"}
# What is planned must be planned without waiting for these.
LIGHT = {
    "__init__.py",
    "__main__.py",
    "checkpoint/__init__.py",
    "checkpoint/layout.py",
    "cli.py",
    "errors.py",
    "geometry.py",
    "plan.py",
    "records.py",
}
HEAVY = ("torch", "diffusers", "transformers", "librosa", "mlflow")


def imports(path: Path, at_top_only: bool = False) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body if at_top_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module is not None
            yield node.module


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


@pytest.mark.parametrize(
    "path", [PACKAGE / name for name in sorted(LIGHT)], ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_light_modules_import_nothing_heavy(path: Path):
    assert not [name for name in imports(path, at_top_only=True) if name.split(".")[0] in HEAVY]


def test_the_transformer_needs_only_torch():
    for path in (PACKAGE / "transformer").glob("*.py"):
        heavy = {name.split(".")[0] for name in imports(path, at_top_only=True)} & {"diffusers", "transformers"}
        assert not heavy, f"{path} imports {heavy}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_stay_short(path: Path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import open_browser
from tests.comparison.looks import TINY
from tests.comparison.sweeps import make_sweep


@pytest.fixture(scope="session")
def made_sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six finished points, not to be changed."""
    swept = {"sampler.steps": [10, 20, 40], "sampler.guide_scale": [3.0, 4.5]}
    return make_sweep(tmp_path_factory.mktemp("outputs"), swept, TINY, title="Steps and guidance")


@pytest.fixture
def sweep(made_sweep: Path, tmp_path: Path) -> Path:
    """The same to do as one likes with, in an output folder of its own."""
    outputs = tmp_path / "outputs"
    shutil.copytree(made_sweep.parents[1], outputs)
    return outputs / "sweeps" / made_sweep.name


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for the tests of a file."""
    with open_browser() as browser:
        yield browser

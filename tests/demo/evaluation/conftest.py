import pytest

from demo.evaluation.cases import Case
from tests.demo.evaluation.shown import cases_of


@pytest.fixture(scope="session")
def plain_cases() -> list[Case]:
    return cases_of("plain", 6)


@pytest.fixture(scope="session")
def acted_cases() -> list[Case]:
    return cases_of("acted", 10)

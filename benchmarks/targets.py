"""What is aimed at, beside what is measured."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.report import Label


@dataclass(frozen=True)
class Target:
    benchmark: str
    labels: Mapping[str, Label]
    """Of the rows that it is for."""
    figure: str
    at_most: float


TARGETS = (
    Target("forward", {"size": "1024*704", "frames": 80, "clip": "first"}, "forward_seconds", 7.2),
    Target("forward", {"size": "1024*704", "frames": 80, "clip": "later"}, "forward_seconds", 8.2),
    Target("forward", {"size": "832*448", "frames": 80, "clip": "later"}, "forward_seconds", 2.85),
)


def find_target(benchmark: str, labels: Mapping[str, Label], figure: str) -> float | None:
    for target in TARGETS:
        aimed_at = target.benchmark == benchmark and target.figure == figure
        if aimed_at and dict(labels) == dict(target.labels):
            return target.at_most
    return None

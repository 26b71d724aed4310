"""Where the tests' material lies."""

from pathlib import Path

TINY_CHECKPOINT = Path(__file__).parent / "golden" / "checkpoint"

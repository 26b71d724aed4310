"""Checkpoints on disk: their layouts, the names in them, what is wrong with them, and how they are loaded."""

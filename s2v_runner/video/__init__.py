"""Frames → files."""

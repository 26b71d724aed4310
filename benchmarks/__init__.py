"""Measurements of this project, on any machine, with random weights of any size."""

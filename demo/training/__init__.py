"""The training of every part of the demo model on the procedural world."""

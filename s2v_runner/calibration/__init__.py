"""Which steps of a schedule can be left out with one checkpoint: measured, chosen, and kept in a file."""

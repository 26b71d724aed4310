"""Settings that are asked for one after the other, each from how the others did; a sweep that grows."""

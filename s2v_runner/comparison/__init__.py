"""The points of a sweep beside each other: what was measured of them, and a page to look at."""

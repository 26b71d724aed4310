"""Metrics of networks whose weights the user brings. Nothing is fetched; docs/metrics.md says which files are meant."""

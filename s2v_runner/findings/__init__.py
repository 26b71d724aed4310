"""What a sweep shows and what it does not, from its numbers alone. docs/metrics.md has the methods and their rates."""

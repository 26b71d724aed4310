"""A prompt → a longer one that shows the same."""

"""Text → speech."""

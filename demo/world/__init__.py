"""The world of the demo model: drawn people who speak, and what they say."""

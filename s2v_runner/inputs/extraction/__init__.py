"""An ordinary video → a video of drawn poses."""

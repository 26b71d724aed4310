"""Speech in a voice cloned by CosyVoice, which runs in its own environment."""

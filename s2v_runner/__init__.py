"""A declarative experiment runner for Wan2.2-S2V, the model that makes a picture speak."""

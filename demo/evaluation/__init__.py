"""How well a checkpoint makes drawn heads speak, measured where the truth is known."""

"""The configuration: files and command line → one typed, frozen value. Hydra and pydantic stay in here."""

"""What a run leaves behind: its folder, its record, and what MLflow is told."""

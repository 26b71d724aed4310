"""What the user sees: the plan, the progress, the words at the end."""

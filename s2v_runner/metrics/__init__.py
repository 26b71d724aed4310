"""What can be said of a video in numbers, while its frames go by."""

"""What a run makes of its inputs before its video: speech, the part that is heard, a longer prompt, poses."""

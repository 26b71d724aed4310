"""Whether metrics find what they are for: defects of known size, put into videos that have none."""

"""The directory of a run, which is the truth about it."""

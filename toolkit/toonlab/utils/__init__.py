"""Helpers that know nothing of cartoonization: text, signals, YAML, keyed random numbers, processes, paths."""

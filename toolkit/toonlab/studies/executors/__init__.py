"""Execution of a study's cells: processes, progress and its display."""

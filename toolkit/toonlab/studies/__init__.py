"""Many trainings: comparisons and searches, their cells, statistics and stores."""

"""Results of a study: cells, tables and pictures."""

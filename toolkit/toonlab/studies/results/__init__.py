"""What a study found: cells, tables and pictures."""

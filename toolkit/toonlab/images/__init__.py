"""Picture files and sheets."""

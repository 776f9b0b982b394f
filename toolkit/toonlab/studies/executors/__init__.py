"""How a study's cells are run: processes, and what is shown of them."""

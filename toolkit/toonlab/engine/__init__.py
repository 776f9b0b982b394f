"""Build a recipe, train it, evaluate it, save it."""

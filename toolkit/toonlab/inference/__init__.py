"""Use trained weights: cartoonize pictures, inspect samplers."""

"""Tensor functions that several methods share. Public: plugins may import them."""

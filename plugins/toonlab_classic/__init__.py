"""Baselines that do not learn: smoothing, colour quantisation and edge overlay, and the untouched photo."""

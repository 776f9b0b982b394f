"""Cartoons of pictures too large for the memory: the network runs over strips of rows, with the result of the whole.

The network is recorded once for the picture's size as a graph of operators (`torch.export`), without computing. Then
rows go through it from top to bottom, and of each map only those rows are kept that are still needed, so that strips
don't overlap, nothing is computed twice, and borders are padded at the borders of the picture only.

A norm over the image needs statistics of a whole map before its first row. So the graph is cut into stages: each
streams the maps that the next norms are applied to, gathers their statistics, and stores them, in memory or on disk;
the next stage starts from there. What later stages need besides, such as a skip connection, is stored too.
"""

from .graph import NeedsWholeError
from .run import cartoonize_in_strips

__all__ = ["NeedsWholeError", "cartoonize_in_strips"]

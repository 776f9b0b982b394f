"""Statistics of a map that is seen strip by strip."""

import torch
from torch import Tensor


class Moments:
    """The mean and the variance of each channel of a map, gathered strip by strip in float64 (Chan's algorithm)."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = self.squares = torch.zeros(())  # (C,): the mean, and the sum of the squared distances from it

    def add(self, rows: Tensor) -> None:
        """Count rows, `(1, C, h, W)`."""
        values = rows[0].flatten(1)
        count = values.shape[1]
        rough = values.mean(1, keepdim=True)
        centred = values - rough
        rest = centred.mean(1).cpu().double()  # what float32 left of the mean
        squares = torch.linalg.vector_norm(centred, dim=1).cpu().double().square() - count * rest.square()
        mean = rough[:, 0].cpu().double() + rest
        total, step = self.count + count, mean - self.mean
        self.squares = self.squares + squares + step.square() * (self.count * count / total)
        self.mean = self.mean + step * (count / total)
        self.count = total

    def shifted(self, by: Tensor) -> "Moments":
        """Those of the map less a number for each channel."""
        other = Moments()
        other.count, other.mean, other.squares = self.count, self.mean - by.flatten().cpu().double(), self.squares
        return other

    def of_groups(self, groups: int) -> tuple[Tensor, Tensor]:
        """The mean and the variance of each channel's group, `(C,)` float64."""
        means, variances = self.mean.view(groups, -1), (self.squares / self.count).view(groups, -1)
        mean = means.mean(1, keepdim=True)
        variance = (variances + (means - mean).square()).mean(1, keepdim=True)
        return mean.expand_as(means).flatten(), variance.expand_as(means).flatten()

"""The unmodified photo as a baseline."""

from __future__ import annotations

from torch import Tensor, nn


class Identity(nn.Module):
    """The unmodified photo: the floor of every comparison.

    `(B, 3, H, W)` in [-1, 1] -> the same tensor. A metric that ranks it first does not measure cartoonization.
    """

    def __init__(self) -> None:  # nn.Module's takes any arguments, and the signature is the schema
        super().__init__()

    def forward(self, photo: Tensor) -> Tensor:
        return photo

"""The metric `example`: how many colours a picture needs."""

from collections.abc import Mapping

import torch
from torch import Tensor

from toonlab import MetricFactory, Sample, hookimpl


class ExampleMetric:
    """The effective number of colours of the fakes, mean over pictures: cartoons have few, photos have many.

    2 to the power of the entropy, in bits, of colours in 8 levels for each channel: 1 for a picture of one colour, 512
    at most. It needs no truth. It says nothing of whether they are the right ones, so it should not lead a table.
    """

    needs: frozenset[str] = frozenset()
    higher_is_better = False
    leads = False
    caveat = "a picture of one colour has the best score"

    def __init__(self) -> None:
        self.numbers: list[float] = []

    def update(self, fake: Tensor, sample: Sample) -> None:
        level = ((fake + 1) * 4).long().clamp(0, 7)  # (3, H, W), 0 … 7
        color = level[0] * 64 + level[1] * 8 + level[2]
        share = torch.bincount(color.flatten(), minlength=512).double() / color.numel()
        self.numbers.append(float(torch.exp2(torch.special.entr(share).sum() / torch.log(torch.tensor(2.0)))))

    def compute(self) -> Mapping[str, float]:
        return {"example": sum(self.numbers) / len(self.numbers)}


@hookimpl
def register_metrics() -> Mapping[str, MetricFactory]:
    return {"example": ExampleMetric}

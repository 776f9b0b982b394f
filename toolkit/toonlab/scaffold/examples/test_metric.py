import pytest
import torch

from toonlab import Sample
from toonlab.scaffold.examples.metric import ExampleMetric
from toonlab.testing import MetricTests


class TestExampleMetric(MetricTests):
    factory = ExampleMetric


def test_four_colours_of_equal_areas_count_as_four() -> None:
    fake = torch.full((3, 8, 8), -1.0)
    fake[0, :4] = fake[1, :, :4] = 1
    metric = ExampleMetric()
    metric.update(fake, Sample("four", fake))
    assert metric.compute() == {"example": pytest.approx(4)}

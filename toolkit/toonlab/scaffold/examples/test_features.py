import torch

from toonlab.scaffold.examples.features import ExampleFeatures
from toonlab.testing import FeaturesTests


class TestExampleFeatures(FeaturesTests):
    factory = ExampleFeatures


def test_filters_answer_to_stripes_across_them_and_not_along_them() -> None:
    stripes = torch.tensor([1.0, 1.0, -1.0, -1.0]).repeat(8).expand(1, 3, 32, 32)  # upright
    answers = ExampleFeatures(directions=2)(stripes).square().mean(dim=(0, 2, 3))
    assert answers[0] > 100 * answers[1]

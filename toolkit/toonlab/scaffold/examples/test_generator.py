import torch

from toonlab.scaffold.examples.generator import ExampleGenerator
from toonlab.testing import GeneratorTests


class TestExampleGenerator(GeneratorTests):
    factory = ExampleGenerator
    parameters = {"width": 8, "blocks": 1}


def test_it_begins_near_the_photo() -> None:
    photo = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert (ExampleGenerator(width=8)(photo) - photo).abs().mean() < 0.15

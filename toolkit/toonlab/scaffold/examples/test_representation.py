import torch

from toonlab import Views
from toonlab.scaffold.examples.representation import ExampleRepresentation
from toonlab.testing import RepresentationTests


class TestExampleRepresentation(RepresentationTests):
    factory = ExampleRepresentation


def test_a_border_is_seen_and_colours_are_not() -> None:
    image = torch.zeros(1, 3, 16, 16)
    image[..., 8:] = 1
    seen = ExampleRepresentation()(Views(image, -image)).real
    assert seen[..., 7].min() > 0.9
    assert seen[..., 8:].max() < 0.01

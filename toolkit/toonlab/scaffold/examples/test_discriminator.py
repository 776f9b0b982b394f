import torch

from toonlab.scaffold.examples.discriminator import ExampleDiscriminator
from toonlab.testing import DiscriminatorTests


class TestExampleDiscriminator(DiscriminatorTests):
    factory = ExampleDiscriminator
    parameters = {"width": 8}


def test_there_is_an_answer_for_every_fourth_pixel() -> None:
    assert ExampleDiscriminator(in_channels=1, width=4)(torch.zeros(2, 1, 16, 24)).shape == (2, 1, 4, 6)

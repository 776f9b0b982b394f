import torch

from toonlab import Views
from toonlab.scaffold.examples.sampler import ExampleSampler
from toonlab.testing import SamplerTests


class TestExampleSampler(SamplerTests):
    factory = ExampleSampler
    parameters = {"patch_size": 16, "k": 2}


def test_the_corner_where_something_is_to_be_seen_is_chosen() -> None:
    image = torch.zeros(1, 3, 64, 64)
    image[..., 32:, 32:] = torch.rand(32, 32, generator=torch.Generator().manual_seed(0))
    chosen = ExampleSampler(patch_size=32, stride=1, k=1)(Views(image, image))
    assert chosen.real_boxes is not None
    assert chosen.real_boxes.tolist() == [[0, 32, 32, 32, 32]]

"""Non-learned generators: each picture by itself, in whole levels, of any size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from toonlab import Catalogue, RecipeError
from toonlab_classic.drawing import Drawing, Pixels, scale_of

NAMES = ["classic", "mean_shift", "superpixel"]


@pytest.fixture(scope="module")
def photos(images: Tensor) -> Tensor:
    return images[:2, :, 40:104, 60:140].contiguous()


@pytest.mark.parametrize("name", NAMES)
def test_there_is_nothing_to_learn_and_no_gradient(catalogue: Catalogue, photos: Tensor, name: str) -> None:
    generator = catalogue.make("generators", name)
    assert not list(generator.parameters())
    assert not generator(photos.clone().requires_grad_()).requires_grad


@pytest.mark.parametrize("name", NAMES)
def test_each_picture_is_drawn_by_itself_and_always_the_same(catalogue: Catalogue, photos: Tensor, name: str):
    generator = catalogue.make("generators", name)
    together = generator(photos)
    assert (together.shape, together.dtype) == (photos.shape, torch.float32)
    assert together.abs().max() <= 1
    alone = torch.cat([generator(photo[None]) for photo in photos])
    assert torch.equal(together, alone)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", [(1, 1), (1, 9), (5, 3)])
def test_any_size_will_do(catalogue: Catalogue, name: str, side: tuple[int, int]):
    photo = torch.linspace(-1, 1, 3 * side[0] * side[1]).reshape(1, 3, *side)
    assert catalogue.make("generators", name)(photo).shape == photo.shape


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_in_whole_levels(catalogue: Catalogue, photos: Tensor, name: str):
    levels = (catalogue.make("generators", name)(photos) + 1) * 127.5
    assert (levels - levels.round()).abs().max() < 1e-3


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("classic", {"colors": 1}),
        ("classic", {"smoothing": 0}),
        ("classic", {"line_threshold": 0}),
        ("mean_shift", {"radius": 0}),
        ("mean_shift", {"levels": 9}),
        ("superpixel", {"method": "watershed"}),
        ("superpixel", {"count": 0}),
    ],
)
def test_constraints(catalogue: Catalogue, name: str, parameters: dict[str, object]):
    with pytest.raises(RecipeError):
        catalogue.make("generators", name, **parameters)


class Negative(Drawing):
    """Inverts the levels that it is given."""

    def draw(self, photo: Pixels) -> Pixels:
        assert (photo.dtype, photo.shape[2]) == (np.uint8, 3)
        return 255 - photo


def test_draw_gets_the_photo_in_whole_levels(photos: Tensor) -> None:
    levels = ((photos + 1) * 127.5).round()
    torch.testing.assert_close(Negative()(photos), (255 - levels) / 127.5 - 1, rtol=0, atol=1e-6)
    beyond = torch.tensor([-7.0, 7.0]).view(1, 1, 1, 2).expand(1, 3, 1, 2)
    assert Negative()(beyond)[0, 0, 0].tolist() == [1, -1]


def test_the_output_has_the_dtype_of_the_photo(photos: Tensor) -> None:
    assert Negative()(photos.bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize(("shape", "scale"), [((256, 256, 3), 1), ((512, 1000, 3), 2), ((300, 64, 3), 0.25)])
def test_the_shorter_side_sets_the_scale(shape: tuple[int, ...], scale: float) -> None:
    assert scale_of(np.zeros(shape, np.uint8)) == scale

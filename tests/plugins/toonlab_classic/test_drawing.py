"""Non-learned generators: the photo to the bit; drawings of each picture alone, in whole levels, of any size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from toonlab import Catalogue, RecipeError
from toonlab_classic.drawing import (
    CannyInk,
    Dots,
    Drawing,
    Identity,
    MeanShift,
    Pixels,
    Superpixel,
    mean_colors,
    scale_of,
)

NAMES = ["classic", "mean_shift", "superpixel", "canny", "dots"]


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
def test_drawings_are_of_any_size(catalogue: Catalogue, name: str, side: tuple[int, int]):
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


def test_identity_changes_nothing(images: Tensor) -> None:
    assert torch.equal(Identity()(images), images)


def test_gradients_pass(images: Tensor) -> None:
    photo = images[:1].clone().requires_grad_()
    Identity()(photo).sum().backward()
    assert torch.equal(photo.grad, torch.ones_like(photo))


@pytest.mark.parametrize("side", [(1, 1), (1, 9), (5, 3)])
def test_identity_takes_any_size(side: tuple[int, int]) -> None:
    assert Identity()(torch.zeros(1, 3, *side)).shape == (1, 3, *side)


def test_it_has_no_parameters(catalogue: Catalogue) -> None:
    assert not list(catalogue.make("generators", "identity").parameters())
    with pytest.raises(RecipeError):
        catalogue.make("generators", "identity", strength=1)


def test_noise_goes_and_borders_stay():
    pixels = np.full((64, 64, 3), 60, np.int16)
    pixels[:, 32:] = 180
    noisy = (pixels + np.random.default_rng(0).integers(-8, 9, pixels.shape, dtype=np.int16)).astype(np.uint8)
    drawn = MeanShift(radius=24).draw(noisy).astype(int)
    assert drawn[:, :30].std() < 0.4 * noisy[:, :30].std()
    assert (drawn[:, 33] - drawn[:, 30]).min() > 80


def test_a_larger_color_radius_joins_more(golden):
    photo = golden("inputs")["images_u8"][0, :96, :96]
    steps = [np.abs(np.diff(MeanShift(color_radius=r).draw(photo).astype(int), axis=1)).mean() for r in (10, 30, 60)]
    assert steps == sorted(steps, reverse=True)
    assert steps[2] < 0.9 * steps[0]


def test_each_segment_has_its_mean_colour():
    photo = np.array([[[0, 10, 255], [3, 20, 255]], [[9, 0, 0], [9, 9, 9]]], np.uint8)
    segments = np.array([[0, 0], [2, 3]])  # 1 is left out
    assert mean_colors(photo, segments).tolist() == [[[2, 15, 255], [2, 15, 255]], [[9, 0, 0], [9, 9, 9]]]


@pytest.mark.parametrize("method", ["felzenszwalb", "slic"])
def test_two_surfaces_are_told_apart(method: str):
    photo = np.full((48, 48, 3), 40, np.uint8)
    photo[:, 24:] = 200
    drawn = Superpixel(method, count=16).draw(photo)
    assert np.abs(drawn.astype(int) - photo).max() <= 1


def test_parameters_say_how_many_there_are(golden):
    photo = golden("inputs")["images_u8"][0, :128, :128]

    def count(**parameters: object) -> int:
        return len(np.unique(Superpixel(**parameters).segments(photo)))

    assert count(smallest=100) < count(smallest=5)
    assert count(scale=300) < count(scale=30)
    assert 20 < count(method="slic", count=40) < count(method="slic", count=200) < 260


def test_canny_paints_edges_alone():
    photo = np.full((32, 32, 3), 60, np.uint8)
    photo[:, 16:] = 200
    drawn = CannyInk().draw(photo)
    black = (drawn == 0).all(axis=2)
    assert black[:, 14:18].any(axis=1).all()
    assert not black[:, [*range(14), *range(18, 32)]].any()
    assert (drawn[~black] == photo[~black]).all()
    assert not (CannyInk(low=500).draw(photo) == 0).any()


def test_dots_are_where_the_period_says(golden):
    photo = golden("inputs")["images_u8"][0, :32, :32] | 1
    assert np.argwhere((Dots(5).draw(photo) == 0).all(axis=2)).tolist() == [
        [y, x] for y in range(0, 32, 5) for x in range(0, 32, 5)
    ]

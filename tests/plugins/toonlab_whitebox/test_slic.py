from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import rgb2lab
from torch import Tensor

from toonlab_whitebox.labels import paint
from toonlab_whitebox.slic import cells, rgb_to_lab, scikit_slic, slic
from toonlab_world.data.dataset import ToonWorld


def by_scikit_image(images: Tensor, segments: int = 200) -> Tensor:
    return torch.stack([torch.from_numpy(scikit_slic(image.movedim(0, -1).numpy(), segments)) for image in images])


def test_superpixels_of_scikit_image_match(golden, images):
    """Labels exactly, and their mean colours; the arrays are of BGR pictures."""
    arrays = golden("whitebox_superpixel_skimage026")
    for name, index in (("astronaut", 0), ("cartoon11", 4)):
        picture = images[index : index + 1].flip(1)
        labels = by_scikit_image(picture)
        assert np.array_equal(labels[0].numpy(), arrays[f"slic26_labels_{name}"])
        painted = paint(picture, labels)[0].movedim(0, -1).numpy()
        np.testing.assert_allclose(painted, arrays[f"slic26_img_{name}_bgr"], rtol=0, atol=5e-5)


@pytest.fixture(scope="module")
def world() -> tuple[Tensor, Tensor, Tensor]:
    """Photos, cartoons and true regions of ToonWorld."""
    samples = ToonWorld(size=128, scenes=1, evaluation_scenes=5, difficulty=0).evaluation()
    truths = [sample.truth for sample in samples]
    photos = torch.stack([sample.photo for sample in samples])
    return photos, torch.stack([t.cartoon for t in truths]), torch.stack([t.regions for t in truths])


def borders(labels: Tensor) -> Tensor:
    found = torch.zeros_like(labels, dtype=torch.bool)
    found[:, :, 1:] |= labels[:, :, 1:] != labels[:, :, :-1]
    found[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    return found


def boundary_recall(labels: Tensor, truth: Tensor, tolerance: int = 2) -> float:
    """The share of true borders that a border of a superpixel comes near."""
    side = 2 * tolerance + 1
    near = F.max_pool2d(borders(labels).float()[:, None], side, 1, tolerance)[:, 0] > 0
    return (near & borders(truth)).sum().item() / borders(truth).sum().item()


def under_segmentation(labels: Tensor, truth: Tensor) -> float:
    """Of each superpixel and true region that meet, the smaller of what is in and what is out (Neubert and Protzel)."""
    wrong = 0.0
    for image, regions in zip(labels, truth, strict=True):
        _, superpixel = image.unique(return_inverse=True)
        _, region = regions.unique(return_inverse=True)
        common = torch.zeros(int(superpixel.max()) + 1, int(region.max()) + 1)
        common.index_put_((superpixel.flatten(), region.flatten()), torch.tensor(1.0), accumulate=True)
        wrong += torch.minimum(common, common.sum(1, keepdim=True) - common).sum().item()
    return wrong / labels.numel()


@pytest.mark.parametrize("which", ["photos", "cartoons"])
@pytest.mark.parametrize("segments", [60, 200])
def test_as_good_as_scikit_image(world, which: str, segments: int):
    """With as many superpixels, so that neither has it easier."""
    photos, cartoons, truth = world
    pictures = photos if which == "photos" else cartoons
    ours, theirs = slic(pictures, segments), by_scikit_image(pictures, segments)
    counts = [sum(len(one.unique()) for one in labels) for labels in (ours, theirs)]
    assert counts[0] <= 1.05 * counts[1]
    assert boundary_recall(ours, truth) >= 0.95 * boundary_recall(theirs, truth)
    assert boundary_recall(ours, truth, 1) >= 0.95 * boundary_recall(theirs, truth, 1)
    assert under_segmentation(ours, truth) <= 1.05 * under_segmentation(theirs, truth)


def test_the_measures_know_good_from_bad(world):
    _, _, truth = world
    squares = (torch.arange(128)[:, None] // 9 * 15 + torch.arange(128) // 9).expand_as(truth)
    assert boundary_recall(truth, truth, 0) == 1
    assert under_segmentation(truth, truth) == 0
    assert boundary_recall(squares, truth) < 0.9 * boundary_recall(slic(world[0]), truth)
    assert under_segmentation(squares, truth) > 1.2 * under_segmentation(slic(world[0]), truth)


@pytest.mark.parametrize("compactness", [1.0, 10.0])
def test_borders_of_flat_areas_are_found(compactness: float):
    """Of colours far apart, wherever the borders lie in the grid; to a pixel, since pictures are smoothed."""
    areas = torch.arange(64)[:, None] // 23 * 2 + torch.arange(64) // 37
    colours = torch.tensor([[1, -1, -1], [-1, 1, -1], [-1, -1, 1], [1, 1, -1], [-1, -1, -1], [1, 1, 1]]).float()
    labels = slic(colours[areas].movedim(2, 0)[None], segments=40, compactness=compactness)
    assert boundary_recall(labels, areas[None], 1) == 1


@pytest.mark.usefixtures("two_threads")
def test_reruns_have_the_same_bits_with_two_threads(images):
    assert torch.get_num_threads() == 2
    first = slic(images[:2])
    assert all(torch.equal(slic(images[:2]), first) for _ in range(3))


def test_images_of_a_batch_do_not_matter_to_each_other(images):
    batch = slic(images[[0, 4, 8]])
    for index, labels in zip((0, 4, 8), batch, strict=True):
        assert (slic(images[index : index + 1])[0] == labels).float().mean() > 0.999  # up to rounding


def test_compactness_makes_round(images):
    """Long borders mean ragged superpixels."""
    ragged, round_ = (borders(slic(images[:2], compactness=value)).sum() for value in (2.0, 40.0))
    assert round_ < 0.8 * ragged


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (33, 20)])
def test_small_odd_and_flat_pictures(size: tuple[int, int]):
    flat = torch.full((2, 3, *size), 0.3)
    for labels in (slic(flat), by_scikit_image(flat)):
        assert labels.shape == (2, *size)
        assert 0 <= labels.min() <= labels.max() < size[0] * size[1]


def test_half_precision_and_autocast_change_nothing(images):
    pictures = images[:1, :, :64, :64]
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(slic(pictures), slic(pictures))
        inside = slic(pictures)
    assert torch.equal(inside, slic(pictures))
    assert torch.equal(slic(pictures.bfloat16()), slic(pictures.bfloat16().float()))


def test_equals_scikit_image(images):
    rgb = (images[:3].double() + 1) / 2
    expected = torch.from_numpy(rgb2lab(rgb.movedim(1, -1).numpy())).movedim(-1, 1)
    torch.testing.assert_close(rgb_to_lab(rgb), expected, rtol=0, atol=2e-3)


def test_black_and_white():
    black_and_white = torch.stack([torch.zeros(3, 1, 1), torch.ones(3, 1, 1)])
    lab = rgb_to_lab(black_and_white)
    assert lab[0].tolist() == [[[0]], [[0]], [[0]]]
    torch.testing.assert_close(lab[1].flatten(), torch.tensor([100.0, 0.0, 0.0]), rtol=0, atol=1e-2)


CPU = torch.device("cpu")


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 300))
def test_every_pixel_lies_in_one_cell(height: int, width: int, segments: int):
    grid = cells(height, width, segments, CPU)
    assert sorted(grid.pixels[grid.own].tolist()) == list(range(height * width))
    assert torch.equal(grid.pixels.flatten()[grid.home], torch.arange(height * width))
    assert grid.own.flatten()[grid.home].all()
    assert grid.own.any(1).all()  # none is empty


def test_as_many_cells_as_asked_for_about_and_as_square_as_can_be():
    assert len(cells(256, 256, 200, CPU).pixels) == 14 * 14
    assert len(cells(100, 400, 100, CPU).pixels) == 5 * 20
    assert len(cells(3, 3, 200, CPU).pixels) == 9


def test_neighbours_and_the_way_back():
    """A cell's nine, and what is said of it by each of them."""
    grid = cells(3, 4, 12, CPU)  # one pixel a cell
    assert grid.near[0].tolist() == [12, 12, 12, 12, 0, 1, 12, 4, 5]
    assert grid.near[5].tolist() == [0, 1, 2, 4, 5, 6, 8, 9, 10]
    said = torch.cat([grid.near.flatten(), torch.tensor([-1])])  # of whom each of the nine speaks
    for cell, back in enumerate(grid.back.tolist()):
        assert {said[at].item() for at in back} - {-1} == {cell}
        assert sum(at < 9 * 12 for at in back) == (grid.near[cell] < 12).sum()

"""Any kind of picture, of any size, becomes the cartoon that `toonlab cartoonize` makes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import toonlab
from toonlab.engine.evaluator import cartoonize
from toonlab.images.files import plan_tasks
from toonlab.inference.cartoonize import cartoonize_pictures
from toonlab.inference.cartoonizer import Cartoonizer
from toonlab.ops.levels import to_float
from toonlab.registry.catalogue import Catalogue

CPU = torch.device("cpu")


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    channels = {"L": (), "RGBA": (4,)}.get(mode, (3,))
    return Image.fromarray(
        np.random.default_rng(width).integers(0, 256, (height, width, *channels), np.uint8), mode=None
    )


@pytest.fixture
def typed(run: toonlab.TrainedRun, tmp_path: Path) -> Callable[..., np.ndarray]:
    """The pixels that the command writes for a picture file."""

    def make(path: Path, max_side: int | None = None, postprocess: Any = None) -> np.ndarray:
        tasks = plan_tasks([path], tmp_path / "out", overwrite=True)
        (done,) = cartoonize_pictures(run.generator, tasks, CPU, max_side=max_side, postprocess=postprocess)
        return np.asarray(Image.open(done.task.target))

    return make


@pytest.mark.parametrize(("width", "height"), [(47, 33), (9, 5), (64, 32)])
def test_every_kind_of_picture_gives_what_the_command_writes(
    width: int, height: int, run: toonlab.TrainedRun, tmp_path: Path, typed: Callable[..., np.ndarray]
) -> None:
    picture = noise(width, height)
    picture.save(tmp_path / "photo.png")
    expected = typed(tmp_path / "photo.png")
    assert expected.shape == (height, width, 3)
    for image in (tmp_path / "photo.png", str(tmp_path / "photo.png"), picture, np.asarray(picture)):
        cartoon = run.cartoonize(image)
        assert isinstance(cartoon, Image.Image)
        assert np.array_equal(np.asarray(cartoon), expected)


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_gray_and_transparent_pictures_are_read_like_files(
    mode: str, run: toonlab.TrainedRun, tmp_path: Path, typed: Callable[..., np.ndarray]
) -> None:
    noise(21, 30, mode).save(tmp_path / "photo.png")
    assert np.array_equal(np.asarray(run.cartoonize(noise(21, 30, mode))), typed(tmp_path / "photo.png"))


def test_a_turned_picture_comes_upright(run: toonlab.TrainedRun, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    noise(40, 20).save(tmp_path / "photo.jpg", exif=exif)
    assert run.cartoonize(tmp_path / "photo.jpg").size == (20, 40)
    assert run.cartoonize(Image.open(tmp_path / "photo.jpg")).size == (20, 40)


@pytest.mark.parametrize("shape", [(3, 33, 47), (1, 3, 16, 16), (3, 3, 20, 31)])
def test_tensors_give_tensors_of_their_shape(shape: tuple[int, ...], run: toonlab.TrainedRun) -> None:
    photos = torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    before = photos.clone()
    fakes = run.cartoonize(photos)
    assert fakes.shape == photos.shape
    assert not fakes.requires_grad
    assert fakes.abs().max() <= 1
    assert torch.equal(photos, before)
    assert torch.equal(fakes, cartoonize(run.generator, photos.reshape(-1, *shape[-3:])).reshape(shape))


def test_a_batch_that_does_not_fit_goes_in_parts_and_one_too_large_is_refused(run: toonlab.TrainedRun) -> None:
    make = Cartoonizer(run.generator, CPU)
    photos = torch.rand(3, 3, 300, 260) * 2 - 1
    make.budget.limit = int(make.budget.bytes_per_pixel * 304 * 272 * 1.5)
    assert make.budget.pictures(300, 260) == 1
    assert torch.allclose(make.tensor(photos), cartoonize(run.generator, photos), atol=1e-6)
    del make.__dict__["budget"]
    make.budget.limit = 1000
    with pytest.raises(toonlab.ToonlabError, match=r"260x300 pixels need about .*: max_side="):
        make.tensor(photos)


def test_pictures_and_tensors_that_do_not_fit_go_in_strips(run: toonlab.TrainedRun) -> None:
    make = Cartoonizer(run.generator, CPU)
    photos, picture = torch.rand(2, 3, 300, 260) * 2 - 1, noise(300, 260)
    whole = cartoonize(run.generator, photos), np.asarray(make.picture(picture, None, None)).astype(int)
    make.budget.limit = int(make.budget.bytes_per_pixel * 304 * 272 / 2)
    make.budget.__dict__.pop("free", None)
    assert make.budget.pictures(300, 260) == 0
    assert torch.allclose(make.tensor(photos), whole[0], atol=1e-4)
    assert torch.allclose(make.tensor(photos[0]), whole[0][0], atol=1e-4)
    assert np.abs(np.asarray(make.picture(picture, None, None)) - whole[1]).max() <= 1


def test_max_side_and_a_post_processor_are_the_commands(
    run: toonlab.TrainedRun, tmp_path: Path, typed: Callable[..., np.ndarray], catalogue: Catalogue
) -> None:
    noise(60, 90).save(tmp_path / "photo.png")
    assert run.cartoonize(noise(60, 90), max_side=45).size == (30, 45)
    postprocess = catalogue.make("postprocessors", "ctss", style="dragon_ball")
    expected = typed(tmp_path / "photo.png", 45, postprocess)
    for post in ({"use": "ctss", "style": "dragon_ball"}, postprocess):
        assert np.array_equal(np.asarray(run.cartoonize(noise(60, 90), max_side=45, post=post)), expected)
    assert not np.array_equal(np.asarray(run.cartoonize(noise(60, 90), max_side=45, post="ctss")), expected)


BAD = {
    "no such file": "nowhere.png",
    "is not a file": ".",
    "got list": [[0, 0, 0]],
    "got NoneType": None,
    r"an \(H, W, 3\) uint8 RGB array, got \(3, 8, 8\) uint8": np.zeros((3, 8, 8), np.uint8),
    r"got \(8, 8, 3\) float64": np.zeros((8, 8, 3)),
    r"got \(0, 8, 3\) uint8": np.zeros((0, 8, 3), np.uint8),
    r"expected \(B, 3, H, W\) float, got \(1, 1, 8, 8\)": torch.zeros(1, 8, 8),
    r"torch\.uint8": torch.zeros(3, 8, 8, dtype=torch.uint8),
    r"values from 0 to 255, expected a tensor of floats in \[-1, 1\]": torch.linspace(0, 255, 192).view(3, 8, 8),
    "values from nan": torch.full((3, 8, 8), float("nan")),
    "no pixels": torch.zeros(0, 3, 8, 8),
}


@pytest.mark.parametrize("says", BAD)
def test_what_is_no_picture_is_told(says: str, run: toonlab.TrainedRun) -> None:
    with pytest.raises(toonlab.ToonlabError, match=says):
        run.cartoonize(BAD[says])


def test_options_that_do_not_fit_are_told(run: toonlab.TrainedRun) -> None:
    for options, says in (
        ({"post": "ctsss"}, "ctsss"),
        ({"post": {"style": "x"}}, "a mapping with `use`"),
        ({"max_side": 0}, "max_side: got 0"),
        ({"device": "cuda:99"}, "not usable here"),
    ):
        with pytest.raises(toonlab.ToonlabError, match=says):
            run.cartoonize(noise(8, 8), **options)
    with pytest.raises(toonlab.ToonlabError, match="a tensor is cartoonized as it is"):
        run.cartoonize(to_float(torch.zeros(3, 8, 8, dtype=torch.uint8)), max_side=4)

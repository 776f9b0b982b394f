"""`toonlab inspect`: any sampler that gives boxes, on any picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from toonlab import Catalogue, ToonlabError, Views, discover
from toonlab.images.files import plan_tasks
from toonlab.images.patch_panels import panel_tiles, patch_tiles
from toonlab.inference.inspect import CriticView, critic_view, inspect_image, inspect_pictures


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


@pytest.fixture
def drawing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gray picture, 200x300 pixels, with lines in one place: rows 100 to 160, columns 200 to 260."""
    monkeypatch.chdir(tmp_path)
    pixels = np.full((200, 300, 3), 200, np.uint8)
    pixels += np.random.default_rng(0).integers(0, 2, pixels.shape, np.uint8)
    pixels[100:160:6, 200:260] = 0
    Image.fromarray(pixels).save("drawing.png")
    return Path("drawing.png")


def as_tensor(path: Path) -> torch.Tensor:
    return torch.from_numpy(np.asarray(Image.open(path)).copy()).movedim(-1, 0).float() / 127.5 - 1


def test_the_default_is_what_the_recipes_patch_critic_sees(catalogue: Catalogue):
    view = critic_view(catalogue)
    assert (view.sampler.patch_size, view.sampler.k) == (96, 4)
    assert type(view.representation).__name__ == "GrayMinMax"
    assert view.about == (
        "sampler ctss (patch_size 96, stride_real 0.5, stride_fake 0.75, k 4, rank batch) · representation gray_minmax"
    )


def test_parameters_change_the_sampler_and_another_sampler_has_its_own(catalogue: Catalogue):
    view = critic_view(catalogue, parameters={"k": 2})
    assert (view.sampler.patch_size, view.sampler.k) == (96, 2)
    view = critic_view(catalogue, sampler="random_patches", parameters={"patch_size": 32})
    assert (type(view.sampler).__name__, view.sampler.patch_size, view.sampler.k) == ("RandomPatches", 32, 4)
    view = critic_view(catalogue, sampler="{use: ctss, k: 3}", representation="{use: grayscale, channels: 3}")
    assert (view.sampler.k, view.representation.channels) == (3, 3)


def test_any_recipe_gives_the_view(catalogue: Catalogue, small: Path):
    assert critic_view(catalogue, str(small)).sampler.patch_size == 16
    image = critic_view(catalogue, str(small), critic="image", sampler="grid_patches")
    assert image.representation is None
    assert critic_view(catalogue, "plain", sampler="grid_patches").about == "sampler grid_patches"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"recipe": "cts"}, "cts: no such recipe; did you mean 'ctss'?"),
        ({"recipe": "plain"}, "plain: no critic of this recipe names a sampler; name one with --sampler"),
        ({"recipe": "plain", "critic": "image"}, "--critic image: sees whole images; name a sampler with --sampler"),
        ({"critic": "pach"}, "--critic pach: recipe 'ctss' has no such critic; did you mean 'patch'?"),
        ({"sampler": "ctsss"}, "'ctsss': no such sampler; did you mean 'ctss'?"),
        ({"sampler": "{k: 3"}, "--sampler, line 1: "),
        ({"sampler": "[ctss]"}, "--sampler [ctss]: expected a name, or {use: name, parameter: value}"),
        ({"representation": "gray_minmx"}, "'gray_minmx': no such representation; did you mean 'gray_minmax'?"),
        ({"representation": "{channels: 2}"}, "representation: gray_minmax.channels: unknown"),
        ({"recipe": "plain", "sampler": "{k: 2}"}, "--sampler: the critic has none to change; name one: {use: …}"),
        ({"parameters": {"k": 0}}, "sampler: ctss.k: got 0, expected int, > 0"),
        ({"parameters": {"patch": 3}}, "sampler: ctss.patch: unknown; did you mean 'patch_size'?"),
    ],
)
def test_mistakes_are_one_line(catalogue: Catalogue, given: dict, says: str):
    with pytest.raises(ToonlabError) as caught:
        critic_view(catalogue, **given)
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)


def test_patches_lie_where_the_lines_are(catalogue: Catalogue, drawing: Path):
    view = critic_view(catalogue, parameters={"patch_size": 40, "k": 2})
    shown = inspect_image(view, as_tensor(drawing), "real")
    assert [box[:2] for box in shown.boxes] == [(100, 200), (100, 220)]
    inside = shown.saliency[100:160, 200:260].mean()
    assert inside > 0.1
    assert shown.saliency[:80].max() < 0.01
    for (top, left, height, width), seen in zip(shown.boxes, shown.seen, strict=True):
        gray = as_tensor(drawing)[:, top : top + height, left : left + width].sum(0)
        assert torch.allclose(seen[0], (gray - gray.min()) / (gray.max() - gray.min()), atol=1e-5)


def test_as_fake_takes_the_samplers_other_side(catalogue: Catalogue, drawing: Path):
    view = critic_view(catalogue, parameters={"patch_size": 40, "k": 2, "stride_fake": 1.0})
    tops = {side: [box[0] for box in inspect_image(view, as_tensor(drawing), side).boxes] for side in ("real", "fake")}
    assert tops == {"real": [100, 100], "fake": [120, 80]}


def test_the_sheet_shows_every_panel_and_patch(catalogue: Catalogue, drawing: Path):
    view = critic_view(catalogue, parameters={"patch_size": 60, "k": 2, "stride_real": 0.1})
    (done,) = inspect_pictures(view, plan_tasks([drawing], Path("out")))
    sheet = np.asarray(Image.open(done.task.target))
    panels = inspect_image(view, as_tensor(drawing), "real")
    shown = [*panel_tiles(panels, "picture", 512), *patch_tiles(panels, 192)]
    assert len(shown) == 4 + 2
    places = [place_of(np.asarray(tile.picture), sheet) for tile in shown]
    assert len(set(places)) == len(shown)
    assert places[0][0] == places[1][0] < places[2][0] == places[3][0] < places[4][0] == places[5][0]


def place_of(picture: np.ndarray, sheet: np.ndarray) -> tuple[int, int]:
    """Where a sheet shows a picture: the row and the column of its corner."""
    height, width, _ = picture.shape
    rows, columns = sheet.shape[0] - height + 1, sheet.shape[1] - width + 1
    first, last = sheet[:rows, :columns] == picture[0, 0], sheet[height - 1 :, width - 1 :] == picture[-1, -1]
    for row, column in np.argwhere((first & last).all(-1)):
        if np.array_equal(sheet[row : row + height, column : column + width], picture):
            return int(row), int(column)
    raise AssertionError("the picture is not on the sheet")


def test_a_plugins_mistake_is_named_and_the_rest_goes_on(drawing: Path):
    Image.new("RGB", (50, 50)).save("small.png")

    def sampler(views: Views) -> Views:
        if views.real.shape[2] < 100:
            raise IndexError("beyond\nthe end")
        return Views(views.real, views.fake, torch.tensor([[0, 0, 0, 10, 10]]))

    done = inspect_pictures(CriticView(sampler, None, ""), plan_tasks(["small.png", drawing], Path("out")))
    assert [(d.outcome, d.reason) for d in done] == [("failed", "IndexError: beyond"), ("written", "")]


def test_the_command_inspects_a_folder_and_names_what_it_can_not_use(drawing: Path, ran: Callable[..., Any]):
    Path("set/sub").mkdir(parents=True)
    drawing.rename("set/sub/drawing.png")
    Image.new("RGB", (20, 20)).save("set/small.png")
    Path("set/broken.jpg").write_text("no picture")
    done = ran("inspect", "set", "--sampler", "random_patches", "patch_size=40", "k=6")
    assert done.returncode == 1  # the other picture is written
    assert done.stderr.splitlines() == [
        "warning: left out: 1 of 3 pictures can't be used: set/broken.jpg: not readable "
        "(cannot identify image file 'set/broken.jpg')",
        "error: set/small.png: random_patches: patch_size=40 does not fit an image of 20x20 pixels; "
        "it can be at most 20",
    ]
    assert [path.as_posix() for path in Path("inspect").rglob("*.png")] == ["inspect/sub/drawing.png"]

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from toonlab import PartError, ToonlabError
from toonlab_metrics.folders import EvaluationFolders


def write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("b", "sub/a"):
        write(tmp_path / "photos" / f"{name}.jpg", rng.integers(0, 256, (20, 30, 3), np.uint8))
        for field in ("cartoon", "flat"):
            write(tmp_path / "truth" / field / f"{name}.png", rng.integers(0, 256, (20, 30, 3), np.uint8))
        write(tmp_path / "truth" / "outline" / f"{name}.png", rng.integers(0, 2, (20, 30), np.uint8) * 255)
        write(tmp_path / "truth" / "regions" / f"{name}.png", rng.integers(0, 60_000, (20, 30), np.uint16))
    return tmp_path


def test_samples_carry_what_the_folders_know(folders: Path) -> None:
    samples = EvaluationFolders(folders / "photos", truth=folders / "truth").evaluation()
    assert [sample.name for sample in samples] == ["b.jpg", "sub/a.jpg"]
    sample = samples[1]
    assert sample.truth is not None
    assert sample.truth.cartoon is not None
    assert sample.truth.outline is not None
    assert sample.truth.regions is not None
    stored = np.array(Image.open(folders / "truth" / "cartoon" / "sub" / "a.png"))
    assert torch.equal(((sample.truth.cartoon + 1) * 127.5).round().movedim(0, -1), torch.from_numpy(stored).float())
    assert sample.truth.outline.dtype == torch.bool
    regions = np.asarray(Image.open(folders / "truth" / "regions" / "sub" / "a.png"))
    _, expected = np.unique(regions, return_inverse=True)
    _, found = np.unique(sample.truth.regions.numpy(), return_inverse=True)
    np.testing.assert_array_equal(found.ravel(), expected.ravel())
    assert len(samples[:2]) == 2


def test_regions_may_be_colours(folders: Path) -> None:
    colors = np.zeros((20, 30, 3), np.uint8)
    colors[:, 10:] = (1, 0, 0)
    colors[:, 20:] = (0, 1, 0)
    write(folders / "truth" / "regions" / "b.png", colors)
    sample = EvaluationFolders(folders / "photos", truth=folders / "truth").evaluation()[0]
    assert sample.truth is not None
    assert sample.truth.regions is not None
    assert len({int(sample.truth.regions[0, column]) for column in (0, 10, 20)}) == 3


def test_without_a_truth_there_is_none(folders: Path) -> None:
    data = EvaluationFolders(folders / "photos")
    assert data.evaluation()[0].truth is None
    assert data.evaluation_cartoons() is None


def test_pictures_whose_photos_are_unknown_stand_in_for_them(folders: Path) -> None:
    data = EvaluationFolders(pictures=folders / "photos")
    assert [(sample.name, sample.has_photo) for sample in data.evaluation()] == [("b.jpg", False), ("sub/a.jpg", False)]
    assert data.manifest().keys() == {"pictures"}
    assert EvaluationFolders(folders / "photos").evaluation()[0].has_photo


def test_the_samples_have_one_folder(folders: Path) -> None:
    with pytest.raises(PartError, match="give one of photos and pictures"):
        EvaluationFolders()
    with pytest.raises(PartError, match="give one of photos and pictures"):
        EvaluationFolders(folders / "photos", pictures=folders / "photos")
    with pytest.raises(PartError, match="truth belongs to photos"):
        EvaluationFolders(pictures=folders / "photos", truth=folders / "truth")


def test_there_is_nothing_to_train_on(folders: Path) -> None:
    with pytest.raises(PartError, match=r"^evaluation_folders: has no training data; train on the data set folder$"):
        EvaluationFolders(folders / "photos").train()


def test_the_manifest_tells_contents_not_places(folders: Path) -> None:
    before = EvaluationFolders(folders / "photos", truth=folders / "truth").manifest()
    assert json.loads(json.dumps(before)) == before
    moved = folders.rename(folders.with_name("moved"))
    data = EvaluationFolders(moved / "photos", truth=moved / "truth")
    assert data.manifest() == before
    write(moved / "truth" / "flat" / "b.png", np.zeros((20, 30, 3), np.uint8))
    assert data.manifest() != before


def test_every_unmatched_name_is_a_line(folders: Path) -> None:
    (folders / "truth" / "flat" / "b.png").rename(folders / "truth" / "flat" / "c.png")
    with pytest.raises(ToonlabError) as caught:
        EvaluationFolders(folders / "photos", truth=folders / "truth").evaluation()
    missing, extra = str(caught.value).splitlines()
    assert missing.endswith(f"b.png: missing; {folders / 'photos'} has such a photo")
    assert extra.endswith(f"c.png: {folders / 'photos'} has no such photo")

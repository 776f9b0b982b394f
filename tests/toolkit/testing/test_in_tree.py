"""Every part of toonlab's own passes the kit that is given to others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from toonlab import discover
from toonlab.registry.protocols import KINDS
from toonlab.testing import TESTS
from toonlab.testing.frame import failures, names

CATALOGUE = discover()
SMALL = {"patch_size": 16, "k": 2, "width": 4, "blocks": 1, "depth": 2}  # where a part has such parameters
PARTS = [(kind, name) for kind in KINDS for name in CATALOGUE.names(kind)]
GIVEN = {("datasets", "toonworld"): {"size": 32, "scenes": 4, "evaluation_scenes": 3}}
LEFT_OUT = {
    ("features", "vgg19"): "its weights are not here",
    ("features", "vgg16"): "its weights are not here",
    ("metrics", "fid"): "its weights are not here",
    ("metrics", "kid"): "its weights are not here",
    ("metrics", "fd_dinov2"): "its weights are not here",
    ("metrics", "kid_clip"): "its weights are not here",
    ("metrics", "precision_recall"): "its weights are not here",
    ("generators", "pictures"): "computes nothing: its fakes lie ready",
    ("generators", "onnx"): "needs a file; tests/plugins/toonlab_exchange/test_generator.py has one",
    ("datasets", "evaluation_folders"): "has nothing to train on",
    ("executors", "dask"): "tests/plugins/toonlab_executors has a scheduler for it",
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small photos and cartoons in folders."""
    found = {}
    for number, name in enumerate(("photos", "cartoons")):
        found[name] = tmp_path_factory.mktemp(name)
        for index in range(5):
            color = (20 * index, 90 * number, 50)
            picture = Image.new("RGB", (56, 48), color)
            picture.paste((255, 255, 255), (5, 5, 20 + index, 20))
            picture.save(found[name] / f"{index}.png")
    return found


@pytest.mark.filterwarnings("ignore:kid_lite0. the blocks of JPEG")  # the kit's cartoons are made of squares
@pytest.mark.parametrize(("kind", "name"), PARTS)
def test_a_part_passes_the_kit(kind: str, name: str, folders: dict[str, Path]) -> None:
    if reason := LEFT_OUT.get((kind, name)):
        pytest.skip(reason)
    entry = CATALOGUE.get(kind, name)
    small = {} if kind == "metrics" else SMALL  # there a width is that of a line, relative to the picture
    parameters: dict[str, Any] = {key: value for key, value in small.items() if key in entry.schema.parameters}
    parameters |= GIVEN.get((kind, name), {})
    parameters |= folders if name == "folder" else {}
    assert failures(TESTS[kind], entry.factory, parameters) == {}


def test_there_are_tests_for_every_kind() -> None:
    assert set(TESTS) == set(KINDS)
    for tests in TESTS.values():
        assert len(names(tests)) >= 7

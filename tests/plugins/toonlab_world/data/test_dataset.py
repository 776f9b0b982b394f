from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError

import toonlab_world
from toonlab_world.data.dataset import ToonWorld
from toonlab_world.render.render import render, scene_key
from toonlab_world.render.styles import Style

WORLD = ToonWorld(style="bold", seed=3, scenes=4, size=32, evaluation_scenes=3, difficulty=0)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOONLAB_CACHE", str(tmp_path))
    return tmp_path


def test_it_is_offered_as_toonworld():
    assert toonlab_world.register_datasets() == {"toonworld": ToonWorld}


def test_training_items_are_uint8_images_of_different_scenes():
    photos, cartoons = WORLD.train()
    assert (len(photos), len(cartoons)) == (4, 4)
    for item in (photos[0], cartoons[-1]):
        assert (item.shape, item.dtype) == ((3, 32, 32), torch.uint8)
    shown = render(scene_key(3, "train", 3), 32, ("cartoon",))["cartoon"]
    np.testing.assert_array_equal(cartoons[1].permute(1, 2, 0).numpy(), shown)
    same_scene = render(scene_key(3, "train", 2), 32, ("cartoon",))["cartoon"]
    assert (cartoons[1].permute(1, 2, 0).numpy() != same_scene).mean() > 0.3


def test_pairs_show_the_scenes_of_the_same_photos():
    photos, cartoons = WORLD.pairs()
    assert pickle.dumps(photos) == pickle.dumps(WORLD.train()[0])
    shown = render(scene_key(3, "train", 2), 32, ("cartoon",))["cartoon"]
    np.testing.assert_array_equal(cartoons[1].permute(1, 2, 0).numpy(), shown)


def test_items_are_the_callers_own():
    photos, _ = WORLD.train()
    photos[0].zero_()
    assert photos[0].float().mean() > 0


def test_an_index_beyond_the_end_raises():
    photos, _ = WORLD.train()
    with pytest.raises(IndexError):
        photos[4]


def test_photos_are_shared_by_all_styles():
    photos, cartoons = WORLD.train()
    other_photos, other_cartoons = ToonWorld(style="flat", seed=3, scenes=4, size=32, difficulty=0).train()
    assert pickle.dumps(photos) == pickle.dumps(other_photos)
    assert pickle.dumps(cartoons) != pickle.dumps(other_cartoons)


def test_pictures_travel_to_workers_as_a_path():
    photos, _ = WORLD.train()
    sent = pickle.dumps(photos)
    assert len(sent) < 1000
    assert torch.equal(pickle.loads(sent)[2], photos[2])


def test_evaluation_samples_carry_the_whole_truth():
    samples = WORLD.evaluation()
    assert len(samples) == 3
    for sample in samples:
        truth = sample.truth
        assert truth is not None
        for image in (sample.photo, truth.cartoon, truth.flat):
            assert (image.shape, image.dtype) == ((3, 32, 32), torch.float32)
            assert -1 <= image.min() < image.max() <= 1
        assert (truth.outline.shape, truth.outline.dtype) == ((32, 32), torch.bool)
        assert (truth.regions.shape, truth.regions.dtype) == ((32, 32), torch.int64)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_evaluation_shows_one_scene_both_ways(split):
    sample = replace(WORLD, evaluation_split=split).evaluation()[1]
    shown = render(scene_key(3, split, 1), 32, ("photo", "cartoon"), "bold")
    for image, name in ((sample.photo, "photo"), (sample.truth.cartoon, "cartoon")):
        np.testing.assert_array_equal(((image + 1) * 127.5).round().permute(1, 2, 0).numpy(), shown[name])


def test_samples_are_a_sequence_with_stable_names():
    samples = WORLD.evaluation()
    assert [sample.name for sample in samples] == ["toonworld-0000", "toonworld-0001", "toonworld-0002"]
    assert samples[-1].name == "toonworld-0002"
    assert [sample.name for sample in samples[1:]] == ["toonworld-0001", "toonworld-0002"]
    with pytest.raises(IndexError):
        samples[3]


def test_no_scene_is_in_two_splits_nor_both_a_photo_and_a_cartoon_to_train_on():
    photos, cartoons = WORLD.train()
    validation, test = WORLD.evaluation(), replace(WORLD, evaluation_split="test").evaluation()
    shown = [photo.numpy().tobytes() for photo in photos]
    shown += [((s.photo + 1) * 127.5).round().byte().numpy().tobytes() for s in (*validation, *test)]
    drawn = [cartoon.numpy().tobytes() for cartoon in cartoons]
    drawn += [((s.truth.cartoon + 1) * 127.5).round().byte().numpy().tobytes() for s in (*validation, *test)]
    drawn += [
        render(scene_key(3, "train", 2 * i), 32, ("cartoon",))["cartoon"].transpose(2, 0, 1).tobytes() for i in range(4)
    ]
    assert len(set(shown)) == 4 + 3 + 3
    assert len(set(drawn)) == 4 + 3 + 3 + 4


def test_evaluation_cartoons_are_of_further_scenes_of_the_split():
    cartoons = WORLD.evaluation_cartoons()
    assert len(cartoons) == 3
    for index in range(3):
        shown = render(scene_key(3, "validation", 3 + index), 32, ("cartoon",), "bold")["cartoon"]
        np.testing.assert_array_equal(cartoons[index].permute(1, 2, 0).numpy(), shown)


def test_a_style_of_ones_own():
    own = TypeAdapter(ToonWorld).validate_python({"style": {"tones": 2, "hatching": True}, "scenes": 2, "size": 32})
    assert own.style == Style(tones=2, hatching=True)
    cartoon = own.train()[1][0].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(
        cartoon, render(scene_key(0, "train", 1), 32, ("cartoon",), own.style, difficulty=1)["cartoon"]
    )


def test_difficulty_reaches_photos_and_cartoons():
    hard = replace(WORLD, line_area=0.2, texture_area=0.3, kind="street", difficulty=1.0)
    options = {"kind": "street", "line_area": 0.2, "texture_area": 0.3, "difficulty": 1.0}
    shown = render(scene_key(3, "train", 2), 32, ("photo",), **options)["photo"]
    drawn = render(scene_key(3, "train", 3), 32, ("cartoon",), **options)["cartoon"]
    photos, cartoons = hard.train()
    np.testing.assert_array_equal(photos[1].permute(1, 2, 0).numpy(), shown)
    np.testing.assert_array_equal(cartoons[1].permute(1, 2, 0).numpy(), drawn)
    assert hard.evaluation()[0].truth.outline.sum() < WORLD.evaluation()[0].truth.outline.sum()


def test_the_world_is_as_hard_as_real_pictures_where_nothing_is_said():
    shown = ToonWorld(scenes=1, size=32).train()[0][0].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(shown, render(scene_key(0, "train", 0), 32, ("photo",), difficulty=1)["photo"])


def test_the_manifest_is_json_reads_nothing_and_tells_worlds_apart(cache):
    manifests = [ToonWorld(**change).manifest() for change in CHANGES]
    assert len({json.dumps(manifest, sort_keys=True) for manifest in manifests}) == len(CHANGES)
    assert manifests[0]["version"] >= 1
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"style": "loud"},
        {"scenes": 0},
        {"size": 8},
        {"size": 5000},
        {"seed": -1},
        {"evaluation_scenes": 0},
        {"evaluation_split": "train"},
        {"kind": "space"},
        {"line_area": 0},
        {"texture_area": 1.1},
        {"difficulty": -0.1},
        {"difficulty": 2.5},
    ],
)
def test_wrong_parameters_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        TypeAdapter(ToonWorld).validate_python(wrong)


@pytest.mark.parametrize(
    ("style", "message"),
    [
        ({"tones": 9}, "tones: Input should be less than or equal to 4"),
        ({"width": 2, "ink": (0, 0, 7)}, "ink.2: Input should be .*; width: Unexpected keyword argument"),
    ],
)
def test_an_error_names_the_parameter_of_a_style(style, message):
    with pytest.raises(ValidationError, match=message):
        TypeAdapter(ToonWorld).validate_python({"style": style})


CHANGES: list[dict[str, Any]] = [
    {}, {"style": "soft"}, {"seed": 1}, {"scenes": 8}, {"size": 64}, {"evaluation_scenes": 8},
    {"style": Style(tones=2)}, {"kind": "street"}, {"line_area": 0.5}, {"texture_area": 0.5},
    {"evaluation_split": "test"}, {"difficulty": 0.5},
]  # fmt: skip

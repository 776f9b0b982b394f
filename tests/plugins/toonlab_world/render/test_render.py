from __future__ import annotations

import os
import platform
import subprocess
import sys
from hashlib import sha256
from typing import get_args

import numpy as np
import pytest

from toonlab_world.render.render import DTYPES, Split, render, scene_key

SCRIPT = """
import sys, cv2
from hashlib import sha256
from toonlab_world.render.render import DTYPES, render
cv2.setNumThreads(int(sys.argv[1]))
print(sha256(b"".join(picture.tobytes() for picture in render((5, "test", 1), 96, tuple(DTYPES)).values())).hexdigest())
assert "torch" not in sys.modules, "rendering processes must start fast"
"""


@pytest.mark.parametrize("threads", [1, 4])
def test_every_process_and_number_of_threads_gives_the_same_bytes(threads):
    command = [sys.executable, "-c", SCRIPT, str(threads)]
    elsewhere = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    here = render((5, "test", 1), 96, tuple(DTYPES))
    assert elsewhere == sha256(b"".join(picture.tobytes() for picture in here.values())).hexdigest()


def test_renderings_have_their_shapes_and_dtypes():
    pictures = render(scene_key(0, "test", 0), 40, tuple(DTYPES))
    assert set(pictures) == set(DTYPES)
    for name, picture in pictures.items():
        assert picture.dtype == DTYPES[name]
        assert picture.shape == ((40, 40) if name in {"outline", "regions"} else (40, 40, 3))


def test_only_what_is_named_is_rendered_and_it_does_not_depend_on_the_rest():
    key = scene_key(0, "test", 0)
    alone, together = render(key, 40, ("photo",)), render(key, 40, ("photo", "cartoon"), "flat")
    assert set(alone) == {"photo"}
    np.testing.assert_array_equal(alone["photo"], together["photo"])


def test_splits_and_seeds_share_no_scene():
    keys = [scene_key(seed, split, 0) for seed in (0, 1) for split in ("train", "validation", "test")]
    photos = {render(key, 32, ("photo",))["photo"].tobytes() for key in keys}
    assert len(photos) == len(keys)


PLAIN = {  # a processor without the vector extensions that OpenCV and numpy choose between at run time
    "OPENCV_CPU_DISABLE": "SSE4.1,SSE4.2,AVX,FP16,AVX2,FMA3",
    "OPENCV_IPP": "disabled",
    "OPENCV_LOG_LEVEL": "ERROR",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4",
}
SAVE = """
import sys, numpy as np
from toonlab_world.render.render import DTYPES, render
np.savez(sys.argv[1], **{f"{i}-{n}": p for i in range(4) for n, p in render((5, "test", i), 96, tuple(DTYPES)).items()})
"""


@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="turns off extensions of x86 processors")
def test_another_processor_gives_the_same_cartoons_and_nearly_the_same_photos(tmp_path):
    """The tolerance across platforms: cartoons and truth to the byte, photos within one level of 255."""
    command = [sys.executable, "-W", "ignore", "-c", SAVE, str(tmp_path / "plain.npz")]
    subprocess.run(command, env={**os.environ, **PLAIN}, check=True, capture_output=True)
    elsewhere = np.load(tmp_path / "plain.npz")
    for index in range(4):
        for name, here in render((5, "test", index), 96, tuple(DTYPES)).items():
            there = elsewhere[f"{index}-{name}"]
            if name == "photo":
                off = np.abs(here.astype(int) - there)
                assert off.max() <= 1
                assert off.mean() < 0.001
            else:
                np.testing.assert_array_equal(there, here)


@pytest.mark.parametrize("split", get_args(Split))
def test_the_first_scenes_of_each_split_are_pinned(split):
    """Another hash means another world on the same seed, which needs another `VERSION`."""
    made = [render(scene_key(0, split, index), 64, tuple(DTYPES)) for index in range(6)]
    drawn = b"".join(one[name].tobytes() for one in made for name in ("cartoon", "flat", "outline", "regions"))
    assert sha256(drawn).hexdigest()[:16] == DRAWN[split]
    assert [one["photo"].mean() for one in made] == pytest.approx(PHOTOS[split], abs=0.1)


def test_scenes_do_not_repeat_themselves():
    """No two of 150 scenes look alike: even the nearest pair of small, blurred cartoons is far apart."""
    shown = [render(scene_key(0, "train", index), 16, ("cartoon",))["cartoon"] for index in range(150)]
    small = np.stack(shown).reshape(150, -1).astype(np.float32)
    squared = (small**2).sum(axis=1)
    apart = squared[:, None] + squared - 2 * small @ small.T + np.eye(150, dtype=np.float32) * 1e9
    assert np.sqrt(apart.min() / small.shape[1]) > 12


DRAWN = {"train": "184889621a31f249", "validation": "acf99f69812b89fa", "test": "46968a2ed2f66501"}
PHOTOS = {
    'train': [123.4, 149.4, 73.9, 161.4, 141.3, 160.1],
    'validation': [157.0, 165.2, 139.7, 130.8, 146.6, 172.0],
    'test': [96.3, 130.9, 199.2, 131.0, 130.0, 108.8],
}  # fmt: skip

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256

import numpy as np
import pytest

from toonlab_world.render import DTYPES, render, scene_key

SCRIPT = """
import sys, cv2
from hashlib import sha256
from toonlab_world.render import DTYPES, render
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

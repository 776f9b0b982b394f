from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import toonlab_world
from toonlab import ToonlabError
from toonlab_world.data.shards import Shards, source_hash
from toonlab_world.render.render import render, scene_key
from toonlab_world.render.styles import Style

SHARDS = Shards("validation", ("photo", "outline"), seed=1, count=3, size=32)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOONLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_arrays_hold_the_renderings_channels_first():
    photo, outline = SHARDS.open("photo"), SHARDS.open("outline")
    assert (photo.shape, photo.dtype) == ((3, 3, 32, 32), np.uint8)
    assert (outline.shape, outline.dtype) == ((3, 32, 32), np.bool_)
    expected = render(scene_key(1, "validation", 2), 32, ("photo", "outline"))
    np.testing.assert_array_equal(photo[2], expected["photo"].transpose(2, 0, 1))
    np.testing.assert_array_equal(outline[2], expected["outline"])


def test_arrays_are_memory_mapped_and_rendered_only_once():
    first = SHARDS.open("photo")
    before = SHARDS.path("photo").stat()
    assert isinstance(first, np.memmap)
    assert not first.flags.writeable
    after = replace(SHARDS).path("photo").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2},
        {"count": 2},
        {"size": 16},
        {"style": "flat"},
        {"split": "train"},
        {"first": 1},
        {"step": 2},
        {"kind": "street"},
        {"line_area": 0.5},
        {"texture_area": 0.5},
        {"style": Style(tones=2)},
    ],
)
def test_every_parameter_has_a_folder_of_its_own(change):
    assert replace(SHARDS, **change).directory != SHARDS.directory


def test_more_scenes_begin_with_the_same():
    np.testing.assert_array_equal(SHARDS.open("photo")[:2], replace(SHARDS, count=2).open("photo"))


def test_the_folder_says_what_it_holds():
    about = json.loads((SHARDS.path("photo").parent / "about.json").read_text(encoding="utf-8"))
    assert about == {"split": "validation", "names": ["photo", "outline"], "seed": 1, "count": 3, "size": 32,
                     "first": 0, "step": 1, "kind": None, "texture_area": 1.0, "style": "bold", "line_area": 1.0,
                     "difficulty": 0.0, "version": 2}  # fmt: skip


def test_two_processes_at_once_leave_one_whole_folder(cache):
    script = (
        "from toonlab_world.data.shards import Shards\n"
        "from hashlib import sha256\n"
        "shards = Shards('validation', ('photo', 'outline'), seed=1, count=12, size=32)\n"
        "print(sha256(shards.open('photo').tobytes()).hexdigest())\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = {process.communicate(timeout=120)[0] for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert len(answers) == 1
    assert len(list((cache / "toonworld").iterdir())) == 1  # no drafts are left


def test_drafts_of_killed_processes_are_swept_and_those_of_living_ones_stay(cache):
    script = (
        "from toonlab_world.data.shards import Shards\n"
        "Shards('train', ('photo',), seed={}, count=2000, size=32).open('photo')\n"
    )
    killed, living = (subprocess.Popen([sys.executable, "-c", script.format(seed)]) for seed in (1, 2))
    try:
        drafts = wait_for(lambda: [path.parent for path in cache.glob("toonworld/*.tmp/photo.npy")], 2)
        killed.kill()
        killed.wait()
        SHARDS.open("photo")
        assert all(draft.is_dir() for draft in drafts)  # a process may have made it just now, and not locked it yet
        for draft in drafts:
            os.utime(draft, (0, 0))
        replace(SHARDS, seed=2).open("photo")
        left = [draft for draft in drafts if draft.is_dir()]
        assert len(left) == 1
        assert living.poll() is None
    finally:
        living.kill()
        living.wait()
    assert {path.name for path in SHARDS.directory.iterdir()} == {"about.json", "photo.npy", "outline.npy"}


def wait_for(found, count):
    end = time.monotonic() + 60
    while len(found()) < count:
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return found()


def test_a_failed_rendering_leaves_nothing_behind(cache):
    with pytest.raises(KeyError, match="nonsense"):
        replace(SHARDS, style="nonsense").open("photo")
    assert list((cache / "toonworld").iterdir()) == []


def test_a_cache_that_can_not_be_written_is_one_clear_line(cache):
    cache.write_text("a file where the folder should be")
    with pytest.raises(ToonlabError, match=r"can't keep pictures in .*; set TOONLAB_CACHE to") as error:
        SHARDS.open("photo")
    assert "\n" not in str(error.value)


PACKAGE = Path(toonlab_world.__file__).parent


@pytest.mark.parametrize("folder", ["scene", "scene/objects", "scene/places", "render", "data", "."])
def test_the_folder_in_the_cache_changes_with_the_code_that_decides_pixels_and_with_no_other(tmp_path, folder):
    copy = tmp_path / "copy"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = source_hash.__wrapped__(copy)
    assert before == source_hash()
    for path in sorted((copy / folder).glob("*.py")):
        text = path.read_text(encoding="utf-8")
        path.write_text(text + "# edited\n", encoding="utf-8")
        assert (source_hash.__wrapped__(copy) != before) == (folder not in ("data", ".")), path
        path.write_text(text, encoding="utf-8")

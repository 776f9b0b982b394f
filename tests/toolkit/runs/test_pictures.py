"""The pictures that a run leaves for reports."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from toonlab.errors import ToonlabError
from toonlab.runs.pictures import Made, Patches, read_pictures, write_pictures


def pictures(size: tuple[int, int], *kinds: str) -> dict[str, Image.Image]:
    return {kind: Image.effect_noise(size, 50).convert("RGB") for kind in kinds}


def test_what_was_written_is_read_bit_for_bit(tmp_path: Path) -> None:
    patches = {"patch": Patches("ctss", [(0, 1, 16, 16), (8, 8, 16, 16)])}
    with_truth, without = pictures((40, 32), "photo", "fake", "truth"), pictures((20, 10), "photo", "fake")
    write_pictures(tmp_path, [("a/b.jpg", with_truth, patches), ("c", without, {})])
    first, second = read_pictures(tmp_path)
    assert (first.name, first.width, first.height, first.patches) == ("a/b.jpg", 40, 32, patches)
    assert (second.name, second.width, second.height, second.patches) == ("c", 20, 10, {})
    for sample, made in ((first, with_truth), (second, without)):
        assert list(sample.files) == list(made)
        for kind, path in sample.files.items():
            with Image.open(path) as picture:
                assert picture.format == "PNG"
                assert picture.tobytes() == made[kind].tobytes()


def test_large_pictures_are_scaled_down_and_keep_the_originals_size(tmp_path: Path) -> None:
    write_pictures(tmp_path, [("large", pictures((800, 400), "photo", "fake"), {})])
    (sample,) = read_pictures(tmp_path)
    assert (sample.width, sample.height) == (800, 400)
    with Image.open(sample.fake) as picture:
        assert picture.size == (384, 192)


def test_pictures_count_only_when_the_index_is_written(tmp_path: Path) -> None:
    def cut_short() -> Iterator[Made]:
        yield "a", pictures((8, 8), "photo", "fake"), {}
        raise OSError("disk full")

    write_pictures(tmp_path, [("a", pictures((8, 8), "photo", "fake"), {})])
    assert len(read_pictures(tmp_path)) == 1
    with pytest.raises(OSError, match="disk full"):
        write_pictures(tmp_path, cut_short())
    assert (tmp_path / "pictures" / "00-fake.png").exists()
    assert read_pictures(tmp_path) == []
    assert read_pictures(tmp_path / "elsewhere") == []


@pytest.mark.parametrize("text", ["", "{", '[{"name": "a"}]', json.dumps([{"photo": 1}])])
def test_a_damaged_index_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "index.json").write_text(text)
    with pytest.raises(ToonlabError, match=r"pictures/index\.json: can't be read: "):
        read_pictures(tmp_path)


def test_reading_imports_no_torch() -> None:
    code = "import sys, toonlab.runs.pictures, toonlab.studies.results.gallery; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_photo_may_be_unknown(tmp_path: Path) -> None:
    write_pictures(tmp_path, [("a", pictures((8, 4), "fake"), {})])
    (sample,) = read_pictures(tmp_path)
    assert (sample.photo, list(sample.files), sample.width) == (None, ["fake"], 8)

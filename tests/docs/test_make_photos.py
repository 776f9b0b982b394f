"""The photos of the gallery are written where the page says, at the size that it tells."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).parents[2] / "docs"


def test_the_photos_of_the_gallery(tmp_path: Path) -> None:
    subprocess.run([sys.executable, DOCS / "make_photos.py", "--photos", tmp_path / "photos"], check=True)
    photos = sorted((tmp_path / "photos").iterdir())
    assert [path.stem for path in photos] == ["astronaut", "chelsea", "coffee", "rocket"]
    for path in photos:
        with Image.open(path) as picture:
            assert max(picture.size) == 256
    assert "longer side has 256 pixels" in (DOCS / "gallery.md").read_text()

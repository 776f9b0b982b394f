"""What the plugin offers, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys

import toonlab_world
from toonlab_world.data.dataset import ToonWorld


def test_it_offers_the_dataset():
    assert toonlab_world.register_datasets() == {"toonworld": ToonWorld}


def test_importing_it_imports_neither_torch_nor_opencv():
    code = "import sys, toonlab_world; sys.exit(bool({'torch', 'cv2', 'rich'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""`benchmarks/gpu.py` at toy size: every part gives rows, and an error of one leaves the others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PORT = """\
from torch import nn


def generator(*_):
    return nn.Conv2d(3, 3, 3, padding=1)


def discriminator(*_):
    return nn.Sequential(nn.Conv2d(3, 1, 3), nn.Sigmoid())


class VGG19(nn.Conv2d):
    def __init__(self, init_weights, feature_mode):
        assert init_weights is None and feature_mode
        super().__init__(3, 4, 3)
"""


def gpu(out: Path, *arguments: str) -> tuple[int, dict[str, list[dict[str, object]]], str]:
    """Exit code, record and page."""
    command = [sys.executable, "benchmarks/gpu.py", "--toy", "--out", str(out), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (out / "gpu.json").is_file(), done.stderr
    return done.returncode, json.loads((out / "gpu.json").read_text()), (out / "gpu.html").read_text()


def test_everything_at_toy_size(tmp_path: Path) -> None:
    (tmp_path / "networks.py").write_text(PORT)
    code, record, page = gpu(tmp_path, "--cartoongan", str(tmp_path))
    errors = [row for part in record.values() for row in part if isinstance(row, dict) and "error" in row]
    assert (code, errors) == (0, [])
    assert {row["variant"] for row in record["step"]} == {"fp32"}
    assert all(float(row["seconds / floor"]) > 0 for row in record["step"])
    assert record["port"][0]["seconds"] > 0
    assert {row["source"] for row in record["data"]} == {"folder", "shards"}
    assert [row["patch critic"] for row in record["resolutions"]] == ["without", "with"]
    assert all(row["s/step"] > 0 for row in (*record["resolutions"], *record["training"]))
    assert record["tests"][0]["exit code"] == 0
    assert all(f"<h2>{part}</h2>" in page for part in ("device", "step", "sampler", "data", "training", "tests"))
    assert "data:image/webp;base64" in page


def test_an_error_leaves_the_other_parts(tmp_path: Path) -> None:
    code, record, _ = gpu(tmp_path, "--cartoongan", str(tmp_path / "none"), "--parts", "port", "device")
    assert code == 1
    assert "FileNotFoundError" in str(record["port"][0]["error"])
    assert any(row["what"] == "torch" for row in record["device"])

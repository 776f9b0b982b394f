"""Where the documentation's blocks are run: pictures, a run, weights, a study; made once, and copied for each page."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

LITTLE = """\
features: {use: random, width: 4, depth: 2}
generator.network.width: 4
critics.*.discriminator.width: 4
critics.patch.sampler.patch_size: 24
critics.patch.sampler.k: 2
data.size: 48
data.scenes: 8
data.evaluation_scenes: 2
train.size: 48
train.batch: 2
train.steps: 4
evaluate.samples: 2
evaluate.grid: 1
"""
STUDY = "recipes: [identity, ctss]\nseeds: 1\n"
TRACKED, UNTRACKED = "at: [tiny, little.yaml]\n", "at: [tiny, little.yaml, untracked.yaml]\n"
SEARCH = """\
recipe: ctss
search: {critics.patch.sampler.k: {low: 1, high: 2, step: 1}}
objective: {metric: lines, direction: maximize}
trials: 2
seeds_per_trial: 1
confirm: {top: 1, seeds: 1}
"""


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory, command: Callable[..., Any]) -> Path:
    """Pictures, an experiment and a search, a run with its weights, the studies `demo` and `ctss_vs_baselines`."""
    home = tmp_path_factory.mktemp("workshop")
    _draw(home)
    (home / "little.yaml").write_text(LITTLE)
    (home / "untracked.yaml").write_text("observers.mlflow: null\n")
    (home / "demo.yaml").write_text(STUDY + TRACKED)
    (home / "mine.yaml").write_text(STUDY + UNTRACKED)
    (home / "hunt.yaml").write_text(SEARCH + UNTRACKED)
    study = command("compare", "demo.yaml", cwd=home)
    assert study.wait() == 0, study.stderr
    (run,) = (home / "runs" / "demo").glob("ctss-s0-*")
    (home / "runs" / "ctss").mkdir()
    shutil.copytree(run, home / "runs" / "ctss" / "ctss-s0-1a2b3c4d")
    (weights,) = run.glob("checkpoints/*/generator.safetensors")
    shutil.copy(weights, home)
    shutil.copytree(home / "runs" / "demo", home / "runs" / "ctss_vs_baselines")
    return home


def _draw(home: Path) -> None:
    for folder in ("photos", "cartoons", "results"):
        (home / folder).mkdir()
        for number, name in enumerate("wxyz" if folder == "cartoons" else "abcd"):
            picture = Image.effect_noise((192, 192), 40 + 10 * number + len(folder)).convert("RGB")
            picture.save(home / folder / f"{name}.png")
            if folder == "photos":
                picture.save(home / f"{name}.jpg")
                picture.save(home / folder / f"{name}.jpg") if name == "a" else None
    (home / "photos" / "a.png").unlink()
    shutil.copy(home / "a.jpg", home / "photo.jpg")
    _film(home / "film.mkv")
    _film(home / "clip.mp4")
    other = home / "other-program"
    other.write_text('#!/bin/sh\ncp -r "$1" "$3"\n')
    other.chmod(0o755)


def _film(path: Path) -> None:
    """Eight shots of noise."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=12)
        stream.width = stream.height = 96
        stream.pix_fmt, stream.bit_rate = "yuv420p", 4_000_000
        for _ in range(8):
            still = Image.effect_noise((12, 12), 90).resize((96, 96), Image.Resampling.NEAREST).convert("RGB")
            frames = [av.VideoFrame.from_image(still) for _ in range(8)]
            container.mux([packet for frame in frames for packet in stream.encode(frame)])
        container.mux(stream.encode(None))


@pytest.fixture
def workspace(workshop: Path, tmp_path: Path) -> Path:
    """A copy of the workshop for one page."""
    return shutil.copytree(workshop, tmp_path / "work")

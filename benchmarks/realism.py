"""How near ToonWorld comes to real pictures, in statistics of its photos and cartoons.

    python benchmarks/realism.py                 # four minutes on one core; prints the table of docs/toonworld.md
    python benchmarks/realism.py --real FOLDER   # the same of the pictures in FOLDER/photos and FOLDER/cartoons

A real picture is cut to its middle square and averaged down to 256 px. Exits with 1 if a statistic at difficulty 1
is more than a quarter from the real median.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from _common import RESULTS, hardware
from numpy.typing import NDArray

from toonlab_world.render.render import Split, render, scene_key

SIZE = 256
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
NEAR = 0.25
Picture = NDArray[np.uint8]  # (SIZE, SIZE, 3) RGB
Numbers = dict[str, float]


def gray(picture: Picture) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def edges(picture: Picture, low: int) -> NDArray[np.bool_]:
    return np.asarray(cv2.Canny(gray(picture), low, 2 * low) > 0)


def gradients(picture: Picture) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Half the difference of the neighbours on both sides, down and to the right."""
    down, right = np.gradient(gray(picture).astype(np.float32))
    return np.asarray(down), np.asarray(right)


def mean_gradient(picture: Picture) -> float:
    return float(np.hypot(*gradients(picture)).mean())


def kurtosis(picture: Picture) -> float:
    """Of the differences down and to the right together; 3 for a normal distribution."""
    both = np.stack(gradients(picture))
    return float((both**4).mean() / (both**2).mean() ** 2)


def slope(picture: Picture) -> float:
    """Of the logarithm of the power by that of the frequency, 2 to 127 cycles a side, under a Hann window."""
    level = gray(picture).astype(np.float64)
    window = np.hanning(SIZE)
    power = np.abs(np.fft.fftshift(np.fft.fft2((level - level.mean()) * window[:, None] * window))) ** 2
    y, x = np.indices((SIZE, SIZE)) - SIZE // 2
    ring = np.rint(np.hypot(y, x)).astype(int).ravel()
    mean = np.bincount(ring, power.ravel()) / np.bincount(ring)
    at = np.arange(2, SIZE // 2)
    return float(np.polyfit(np.log(at), np.log(mean[at] + 1e-9), 1)[0])


def densest(picture: Picture) -> float:
    """The share of the edges in the 8 of 8 x 8 blocks that have most of them."""
    blocks = np.sort(edges(picture, 100).reshape(8, SIZE // 8, 8, SIZE // 8).sum(axis=(1, 3)).ravel())
    return float(blocks[-8:].sum() / max(blocks.sum(), 1))


def flat(picture: Picture) -> float:
    """The share of pixels with a gradient below 2 levels."""
    return float((np.hypot(*gradients(picture)) < 2).mean())


def entropy(picture: Picture) -> float:
    """Of the colours, with 16 levels in each channel, in bits."""
    red, green, blue = (picture[..., channel].astype(int) >> 4 for channel in range(3))
    _, counts = np.unique((red << 8) + (green << 4) + blue, return_counts=True)
    share = counts / counts.sum()
    return float(-(share * np.log2(share)).sum())


def residual(picture: Picture) -> float:
    """The median distance from a Gaussian blur of 0.7 pixels, in levels."""
    level = gray(picture).astype(np.float32)
    return float(np.median(np.abs(level - cv2.GaussianBlur(level, (0, 0), 0.7))))


STATISTICS: dict[str, dict[str, tuple[Callable[[Picture], float], float]]] = {  # with the real median
    "photo": {
        "Canny density (100, 200)": (lambda picture: float(edges(picture, 100).mean()), 0.156),
        "mean gradient, levels": (mean_gradient, 12.6),
        "kurtosis of gradients": (kurtosis, 9),
        "slope of the spectrum": (slope, -2.36),
        "edges in the 8 densest of 64 blocks": (densest, 0.24),
    },
    "cartoon": {
        "flat pixels": (flat, 0.31),
        "entropy of colours, bits": (entropy, 6.3),
        "fine residual, levels": (residual, 1.5),
    },
}
PRECISION, AT_MOST = "best precision of Canny", 0.5


def precision(photo: Picture, outline: NDArray[np.bool_]) -> float:
    """The best of Canny(50, 100), (100, 200) and (200, 400): the share of edges within 2 pixels of a true outline."""
    grown = cv2.dilate(outline.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))) > 0
    found = (edges(photo, low) for low in (50, 100, 200))
    return max(float(grown[edge].mean()) if edge.any() else 0.0 for edge in found)


def measure(kind: str, pictures: Iterable[Picture]) -> Numbers:
    """Medians over pictures."""
    rows = [[statistic(picture) for statistic, _ in STATISTICS[kind].values()] for picture in pictures]
    return dict(zip(STATISTICS[kind], np.median(rows, axis=0).round(3).tolist(), strict=True))


def of_world(split: Split, difficulty: float, scenes: int) -> Numbers:
    keys = [scene_key(0, split, index) for index in range(scenes)]
    made = [render(key, SIZE, ("photo", "cartoon", "outline"), difficulty=difficulty) for key in keys]
    numbers = {name: value for kind in STATISTICS for name, value in measure(kind, (one[kind] for one in made)).items()}
    best = np.median([precision(one["photo"], one["outline"]) for one in made])
    return {**numbers, PRECISION: round(float(best), 3)}


def of_folder(folder: Path) -> Numbers:
    numbers: Numbers = {}
    for kind in STATISTICS:
        numbers |= measure(kind, (_square(path) for path in sorted((folder / f"{kind}s").iterdir())))
    return numbers


def _square(path: Path) -> Picture:
    picture = cv2.imread(str(path))
    if picture is None:
        sys.exit(f"{path}: not a picture; remove it from the folder")
    side = min(picture.shape[:2])
    top, left = ((length - side) // 2 for length in picture.shape[:2])
    square = np.ascontiguousarray(picture[top : top + side, left : left + side, ::-1])
    return np.asarray(cv2.resize(square, (SIZE, SIZE), interpolation=cv2.INTER_AREA), np.uint8)


def misses(numbers: Numbers) -> list[str]:
    """The statistics that are far from real."""
    real = {name: median for statistics in STATISTICS.values() for name, (_, median) in statistics.items()}
    far = [name for name, median in real.items() if abs(numbers[name] - median) > NEAR * abs(median)]
    return far + [PRECISION] * (numbers[PRECISION] > AT_MOST)


def table(columns: dict[str, Numbers]) -> str:
    rows = [f"| | {' | '.join(columns)} | real |", "|---" * (len(columns) + 2) + "|"]
    real = {**{name: median for s in STATISTICS.values() for name, (_, median) in s.items()}, PRECISION: ""}
    for name, median in real.items():
        rows.append(f"| {name} | {' | '.join(str(numbers.get(name, '')) for numbers in columns.values())} | {median} |")
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=64, help="of each split")
    parser.add_argument("--real", type=Path, help="measure the pictures of this folder, and no world")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    if options.real:
        print(table({str(options.real): of_folder(options.real)}))
        return
    cases: list[tuple[Split, float]] = [
        ("validation", 0),
        ("validation", 0.5),
        *((s, 1) for s in SPLITS),
        ("validation", 1.5),
    ]
    columns = {f"{split}, {difficulty:g}": of_world(split, difficulty, options.scenes) for split, difficulty in cases}
    print(table(columns))
    record = {"hardware": hardware(torch.device("cpu")), "options": {"scenes": options.scenes}, "medians": columns}
    (RESULTS / "world-realism.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    far = {name: misses(numbers) for name, numbers in columns.items() if name.endswith(", 1")}
    sys.exit("\n".join(f"{name}: far from real: {', '.join(of)}" for name, of in far.items() if of) or 0)


if __name__ == "__main__":
    main()

"""Draw the pictures of `docs/toonworld.md` and print its table: `python docs/make_toonworld.py` (a minute)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from toonlab_world.command import COLUMNS, encoded, row
from toonlab_world.render.pixels import Pictures
from toonlab_world.render.render import DTYPES, Split, render, scene_key
from toonlab_world.render.styles import STYLES, Style, StyleName

OUT = Path(__file__).parent / "pictures"
SIZE = 160
SPLITS: tuple[Split, ...] = ("validation", "test")
DIFFICULTIES = (0.0, 0.5, 1.0, 1.5)
OWN: Mapping[str, Style] = {
    "a pen": Style(tones=2, hatching=True, saturation=0.25, contrast=0.35, value=0.45, line_width=1.8),
    "outlines only": Style(tones=1, inner_lines=0, line_width=3.5, saturation=1.2, contrast=0),
    "a dream": Style(tones=4, hue_shift=0.12, wash=(1, 0.7, 0.9), wash_share=0.2, ink=(0.4, 0.1, 0.4), ink_tint=0.3),
}


def scenes(split: Split, numbers: Sequence[int], name: str, **how: Any) -> list[NDArray[np.uint8]]:
    return [render(scene_key(0, split, index), SIZE, (name,), **how)[name] for index in numbers]


def rows(pictures: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    return [row(pictures[first : first + COLUMNS]) for first in range(0, len(pictures), COLUMNS)]


def sheets() -> dict[str, list[NDArray[np.uint8]]]:
    """Rows of each picture."""
    made = {}
    for split in SPLITS:
        photos, cartoons = (rows(scenes(split, range(2 * COLUMNS), name)) for name in ("photo", "cartoon"))
        made[f"split-{split}"] = [photos[0], cartoons[0], photos[1], cartoons[1]]
    train = scenes("train", range(0, 4 * COLUMNS, 2), "photo") + scenes("train", range(1, 4 * COLUMNS, 2), "cartoon")
    made["split-train"] = rows(train)
    for style in STYLES:
        made[f"style-{style}"] = rows(scenes("validation", range(12, 12 + 2 * COLUMNS), "cartoon", style=style))
    shown = range(12, 12 + COLUMNS)
    own = [picture for style in OWN.values() for picture in scenes("validation", shown, "cartoon", style=style)]
    made["style-own"] = rows(scenes("validation", shown, "photo") + own)
    cases = [(index, area) for index in (12, 16) for area in (1.0, 0.6, 0.3, 0.1)]
    made["difficulty"] = [
        row([scenes("validation", [index], name, **{of: area})[0] for index, area in cases])
        for name, of in (("cartoon", "line_area"), ("photo", "texture_area"))
    ]
    for difficulty in DIFFICULTIES:
        made["hard"] = [*made.get("hard", []), *_hard(difficulty)]
    made["truth"] = [row(_truth(index)) for index in (12, 15, 16)]
    return made


def _hard(difficulty: float) -> list[NDArray[np.uint8]]:
    """Photos and cartoons of a few scenes."""
    keys = [scene_key(0, "validation", index) for index in (24, 28, 29, 31, 38)]
    made = [render(key, SIZE, ("photo", "cartoon"), difficulty=difficulty) for key in keys]
    return [row([one[name] for one in made]) for name in ("photo", "cartoon")]


def _truth(index: int) -> list[NDArray[np.uint8]]:
    made = render(scene_key(0, "validation", index), SIZE, tuple(DTYPES))
    outline = np.repeat(255 - made["outline"][..., None].astype(np.uint8) * 255, 3, axis=2)
    colors = np.random.Generator(np.random.Philox(key=0)).integers(40, 255, (2**16, 3), dtype=np.uint8)
    return [made["photo"], made["cartoon"], made["flat"], outline, colors[made["regions"]]]


def statistics(style: StyleName, count: int = 64, size: int = 256) -> dict[str, float]:
    """Means over the first scenes of the validation split."""
    made = [render(scene_key(0, "validation", index), size, tuple(DTYPES), style) for index in range(count)]
    each = [_measure(pictures) for pictures in made]
    return {name: float(np.mean([one[name] for one in each])) for name in each[0]}


def _measure(made: Pictures) -> dict[str, float]:
    flat, outline = made["flat"], made["outline"]
    hsv = cv2.cvtColor(flat, cv2.COLOR_RGB2HSV)
    thickness = cv2.distanceTransform(outline.astype(np.uint8), cv2.DIST_L2, 5)
    ridge = (thickness == cv2.dilate(thickness, np.ones((3, 3), np.uint8))) & outline
    return {
        "outline, % of pixels": 100 * outline.mean(),
        "width of a line, pixels": 2 * thickness[ridge].mean() - 1,
        "luma of a line": made["cartoon"][outline].mean() / 255,
        "colours": len(np.unique(flat.reshape(-1, 3), axis=0)),
        "regions": len(np.unique(made["regions"])),
        "saturation": hsv[..., 1].mean() / 255,
        "value": hsv[..., 2].mean() / 255,
    }


def main() -> None:
    for name, rows in sheets().items():
        (OUT / f"toonworld-{name}.webp").write_bytes(encoded(".webp", np.concatenate(rows)[..., ::-1]))
    table = {style: statistics(style) for style in STYLES}
    print("| |", " | ".join(table), "|")
    print("|---" * (len(table) + 1) + "|")
    for name in table["bold"]:
        print(f"| {name} |", " | ".join(f"{numbers[name]:.2f}" for numbers in table.values()), "|")


if __name__ == "__main__":
    main()

"""How many pictures of ToonWorld one core renders: `python benchmarks/world.py [SIZE] [SCENES] [DIFFICULTY]`.

CPU time of this process, not wall-clock time, and the best of three rounds: other work on the machine disturbs it less.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import cv2

from toonlab_world.render.render import render, scene_key

ROUNDS = 3
WHAT: dict[str, tuple[str, ...]] = {
    "photos": ("photo",),
    "cartoons": ("cartoon",),
    "both of one scene": ("photo", "cartoon"),
    "both, with the truth": ("photo", "cartoon", "flat", "outline", "regions"),
}


def seconds(names: Sequence[str], size: int, scenes: int, difficulty: float) -> float:
    """For one scene."""
    start = time.process_time()
    for index in range(scenes):
        render(scene_key(0, "train", index), size, names, difficulty=difficulty)
    return (time.process_time() - start) / scenes


def main(size: int = 256, scenes: int = 40, difficulty: float = 0) -> None:
    cv2.setNumThreads(1)
    for about, names in WHAT.items():
        best = min(seconds(names, size, scenes, difficulty) for _ in range(ROUNDS))
        speed = f"{len(names[:2]) / best:.1f} pictures a second and core at {size} px"
        print(f"{about}: {1000 * best:.1f} ms a scene, {speed}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]), *(float(argument) for argument in sys.argv[3:]))

"""What `toonlab frames` takes for long films, and how far KID spreads: `python benchmarks/own_film.py`.

The films are rendered from ToonWorld, with a cut every four seconds and slow pans.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, stdev

import av
import cv2
import numpy as np
import torch
from _common import MIB, Row, report

from toonlab import discover
from toonlab.ops.kernel import kernel_distance
from toonlab.ops.levels import to_float
from toonlab_metrics.frechet import RandomKID
from toonlab_world.render.render import render, scene_key

RATE, SHOT = 24, 4  # frames a second, seconds
FILMS = ((3, 640, 360), (24, 640, 360), (2, 1920, 1080))  # minutes, width, height
MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
"""  # in a small process, since a child's peak begins with what its parent has
COUNTS, POOL, DRAWS = (25, 50, 100, 200, 400), 1600, 40


def frames(minutes: float, width: int, height: int) -> Iterator[np.ndarray]:
    """Shots of scenes of their own, each a pan of one pixel a frame."""
    for number in range(round(minutes * 60 / SHOT)):
        still = render(scene_key(3, "train", number), 320, ("cartoon",))["cartoon"]
        side = width + RATE * SHOT
        still = cv2.resize(still, (side, side), interpolation=cv2.INTER_CUBIC)
        for at in range(RATE * SHOT):
            yield np.ascontiguousarray(still[(side - height) // 2 :][:height, at : at + width])


def film(path: Path, minutes: float, width: int, height: int) -> int:
    """Encode a film, and return its number of frames."""
    count = round(minutes * 60 / SHOT) * RATE * SHOT
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames(minutes, width, height):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return count


def films(folder: Path, scale: float) -> Iterator[Row]:
    """Frames, shots, pictures, CPU seconds and peak memory of the command for each film, `scale` times as long."""
    for minutes, width, height in FILMS:
        path = folder / f"{minutes}-{width}.mp4"
        count = film(path, minutes * scale, width, height)
        command = [sys.executable, "-m", "toonlab", "frames", str(path), "--out", str(folder / path.stem)]
        used = subprocess.run([sys.executable, "-c", MEASURED, *command], check=True, stdout=subprocess.PIPE, text=True)
        seconds, memory = map(float, used.stdout.split()[-2:])
        yield {
            "film": f"{minutes * scale:g} minutes, {width}x{height}",
            "frames": count,
            "shots": round(minutes * scale * 60 / SHOT),
            "pictures": len(list((folder / path.stem).glob("*/*.png"))),
            "CPU seconds": round(seconds, 1),
            "peak memory, MiB": round(memory * 1024 / MIB),
        }


def spread(pool: int, draws: int) -> Iterator[Row]:
    """Standard errors of `kid_random` over draws from pools of photos and cartoons, relative to the pools' distance."""
    made, metric = (
        discover().make("datasets", "toonworld", size=64, scenes=3 * pool, difficulty=0.25).train(),
        RandomKID(),
    )
    photos, cartoons = (
        metric.features([metric.gather(to_float(images[i]), i) for i in range(count)])
        for images, count in zip(made, (pool, 2 * pool), strict=True)
    )
    distance = kernel_distance(photos, cartoons[:pool])
    draw = random.Random(0)
    for count in (count for count in COUNTS if 2 * count <= pool):
        row: dict[str, float] = {"pictures of each set": count}
        for what, one, other in (("cartoons", cartoons[pool:], cartoons[:pool]), ("photos", photos, cartoons[:pool])):
            values = [
                kernel_distance(*(features[draw.sample(range(pool), count)] for features in (one, other)))
                for _ in range(draws)
            ]
            row[f"{what}: mean"] = round(fmean(values) / distance, 3)
            row[f"{what}: standard error"] = round(stdev(values) / distance, 3)
        yield row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1, help="of the films' lengths")
    parser.add_argument("--pool", type=int, default=POOL, help="pictures to draw from")
    parser.add_argument("--draws", type=int, default=DRAWS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        rows = list(films(Path(folder), options.scale))
    report("own_film", torch.device("cpu"), [*rows, *spread(options.pool, options.draws)], vars(options))


if __name__ == "__main__":
    main()

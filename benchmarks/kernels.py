"""How many kernels a training step starts on a GPU, counted without one.

    python benchmarks/kernels.py [--before FILE]

The step of a method's last stage at full width, 256 px and batch 8, on the pretended device of the tests
(`tests/pretended_cuda/pretended.py`): tensors without data, each operation counted by the kernels that CUDA carries it
out with. A small step is as slow as its kernels are many. `--before` takes an earlier record into the table.

Writes `benchmarks/results/kernels-cpu.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from _common import device, full, report

from toonlab import discover

sys.path.append(str(Path(__file__).parents[1] / "tests" / "pretended_cuda"))
from pretended import Watch, batch_of, training

METHODS = ("plain", "ctss", "cartoongan", "animegan", "whitebox")
BUILT = 64  # pixels: the probe of a build computes with numbers; the number of kernels does not depend on it


def count(method: str, *overrides: str) -> Watch:
    """What the second step of a method's last stage does; the first one makes tables that are kept."""
    with training(full(method, BUILT, 2, *overrides), discover()) as (gan, stages):
        (stage,) = stages
        for number in range(2):
            with Watch() as watch:
                gan.step(stage, batch_of(8, 256), number)
    return watch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="an earlier record")
    options = parser.parse_args()
    rows = json.loads(options.before.read_text())["rows"] if options.before else []
    before = {row["method"]: {"before": row["kernels"]} for row in rows}
    counted = {method: count(method) for method in METHODS}
    found = [
        {"method": method, **before.get(method, {}), "kernels": watch.kernels.total(), "waits": watch.waits.total()}
        for method, watch in counted.items()
    ]
    report("kernels", device(), found, {"size": 256, "batch": 8})


if __name__ == "__main__":
    main()

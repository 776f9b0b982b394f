"""How often a study says a false word: simulated studies through the functions that real ones use.

    python benchmarks/calibration.py [--studies 2000]      # about half an hour

Two methods have scores of seeds (in units of their deviation), of scenes, and noise of both. The typical difference is
zero, so `better`, `worse` and `trade-off` are false for any variant; a study is wrong if it says one of any. In rows
"a margin apart" it is a margin of one deviation, and `equivalent` is false. Sequential studies look at 9, 13, 18 and 24
seeds and stop as soon as nothing is open. Writes
`benchmarks/results/calibration-cpu.json`; exits with 1 if a rate is above 6 %.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from itertools import product

import numpy as np
from _common import device, report
from numpy.typing import NDArray

from toonlab.stats.verdicts import LOOKS, Word, level_of, typical_difference, word

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]
ARMS: dict[str, Draw] = {
    "normal": lambda chance, n: chance.normal(size=n),
    "three times as wide": lambda chance, n: 3 * chance.normal(size=n),
    "heavy tails (t, 3 df)": lambda chance, n: chance.standard_t(3, size=n),
    "skewed (exponential)": lambda chance, n: chance.exponential(size=n),
    "10 % diverged": lambda chance, n: chance.normal(size=n) - 12 * (chance.random(n) < 0.1),
    "deterministic": lambda chance, n: np.zeros(n),
}
PAIRS = [
    ("normal", "normal"),
    ("three times as wide", "normal"),
    ("heavy tails (t, 3 df)", "heavy tails (t, 3 df)"),
    ("skewed (exponential)", "skewed (exponential)"),
    ("skewed (exponential)", "normal"),
    ("skewed (exponential)", "deterministic"),
    ("10 % diverged", "normal"),
    ("10 % diverged", "10 % diverged"),
    ("10 % diverged", "deterministic"),
    ("normal", "deterministic"),
    ("deterministic", "deterministic"),
]
SCENES, NOISE = 24, 0.3
FALSE = {"equal": ("better", "worse", "trade-off"), "a margin apart": ("equivalent",)}
CASES = (("equal", 1), ("equal", 3), ("equal", 12), ("a margin apart", 1), ("a margin apart", 3))
MARGIN = {"equal": 0.03, "a margin apart": 1.0}


def rate(pair: tuple[str, str], truth: str, seeds: int | None, variants: int, spread: float, studies: int) -> float:
    """The share of studies with a false word; `seeds` None for sequential ones."""
    chance, most = np.random.default_rng(0), seeds or max(LOOKS)
    own, other = (ARMS[name] for name in pair)
    center = np.median(own(chance, 400_000) - other(chance, 400_000)) - (truth != "equal") * MARGIN[truth]
    wrong = 0
    for _ in range(studies):
        base = scores(other(chance, most), chance, 0.0 if pair[1] == "deterministic" else NOISE, 0.0)
        arms = [
            scores(own(chance, most) - center, chance, 0.0 if pair[0] == "deterministic" else NOISE, spread)
            for _ in range(variants)
        ]
        looks = [seeds] if seeds else list(LOOKS)
        said = (one for arm in arms for one in sequence(arm, base, looks, variants, seeds is None, MARGIN[truth]))
        wrong += any(one in FALSE[truth] for one in said)
    return wrong / studies


def scores(seeds: NDArray[np.float64], chance: np.random.Generator, noise: float, spread: float) -> NDArray[np.float64]:
    """(seeds, scenes); scenes differ in what a method gains there, by `spread`."""
    scenes = spread * chance.normal(size=SCENES)
    return seeds[:, None] + scenes + noise * chance.normal(size=(len(seeds), SCENES))


def sequence(
    arm: NDArray[np.float64],
    base: NDArray[np.float64],
    looks: list[int],
    variants: int,
    sequential: bool,
    margin: float,
) -> list[Word]:
    said: list[Word] = []
    for look in looks:
        mine, theirs = (dict(enumerate(table[:look].tolist())) for table in (arm, base))
        found = typical_difference(mine, theirs, level_of(variants, look if sequential else None))
        assert found is not None
        said.append(word(found.interval, {}, margin))
        if said[-1] != "undecided":
            break
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=2000)
    options = parser.parse_args()
    rows = []
    for pair, (truth, variants) in product(PAIRS, CASES):
        row: dict[str, object] = {"variant": pair[0], "baseline": pair[1], "truth": truth, "variants": variants}
        for spread, seeds in product((0.2, 1.0), (3, 6, 9, 24, None)):
            studies = options.studies // (1 if variants < 12 else 4)
            found = rate(pair, truth, seeds, variants, spread, studies)
            row[f"{seeds or 'sequential'} seeds, scenes {spread:g}"] = round(100 * found, 1)
        rows.append(row)
        print(row, file=sys.stderr, flush=True)
    report("calibration", device(), rows, vars(options))
    sys.exit(any(value > 6 for row in rows for name, value in row.items() if "seeds," in name))


if __name__ == "__main__":
    main()

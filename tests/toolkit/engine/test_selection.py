"""The weights that count: the best by a metric, in its direction, or the last."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from toonlab import Catalogue, discover
from toonlab.engine.checkpoint import keep_best
from toonlab.engine.selection import best_generator, is_best
from toonlab.recipes.load import load


@pytest.mark.parametrize(
    ("value", "earlier", "higher", "expected"),
    [
        (2.0, [], True, True),
        (2.0, [1.0, 1.5], True, True),
        (2.0, [1.0, 3.0], True, False),
        (2.0, [3.0, 2.5], False, True),
        (2.0, [1.0, 3.0], False, False),
        (2.0, [2.0], True, False),
        (2.0, [2.0], False, False),
        (None, [], True, False),
    ],
)
def test_the_best_is_better_than_all_before(
    value: float | None, earlier: list[float], higher: bool, expected: bool
) -> None:
    assert is_best(value, [{"psnr": v} for v in earlier], "psnr", higher_is_better=higher) == expected


def test_the_kept_weights_are_loaded_if_the_recipe_selects_by_a_metric(small: Path, tmp_path: Path) -> None:
    catalogue: Catalogue = discover()
    last, best = load(small, catalogue), load(small, catalogue, ["train.select=psnr"])
    generator = best.generator.network.make(catalogue)
    assert best_generator(best, tmp_path, catalogue) is None, "nothing was kept"
    keep_best(tmp_path / "best", 3, generator, best.tree)
    assert best_generator(last, tmp_path, catalogue) is None
    loaded = best_generator(best, tmp_path, catalogue)
    assert loaded is not None
    assert not loaded.training
    assert all(torch.equal(tensor, generator.state_dict()[name]) for name, tensor in loaded.state_dict().items())

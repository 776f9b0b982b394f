"""Style losses against the papers' formulas, written out with loops, in value and gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from toonlab import Batch, Features, Step
from toonlab_styles import register_generator_losses
from toonlab_styles.losses import MMD, MRF, Contextual, Gatys, RelaxedEMD

Rows = NDArray[np.float64]  # (positions, channels) of one image


class Maps(nn.Module):
    """Two layers of features of images: the images themselves, and every other pixel of their products."""

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return images, (images * images.roll(1, 1))[:, :2, ::2, ::2]


class OneLayer(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images


def images(seed: int, size: tuple[int, int] = (5, 4)) -> Tensor:
    return torch.rand(2, 3, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def step(fake: Tensor, cartoon: Tensor, extractor: nn.Module) -> Step:
    return Step(Batch(torch.zeros_like(cartoon), cartoon), fake, {}, {}, Features(extractor), torch.Generator())


def gatys(x: Rows, y: Rows) -> float:
    (n, c), m = x.shape, len(y)
    gram, other = x.T @ x / n, y.T @ y / m
    return sum((gram[i, j] - other[i, j]) ** 2 for i, j in product(range(c), range(c))) / (4 * c**2)


def mmd(kernel: str) -> Callable[[Rows, Rows], float]:
    def of(x: Rows, y: Rows) -> float:
        spread = np.mean([((a - b) ** 2).sum() for a, b in product(y, y)])
        kernels = {
            "linear": lambda a, b: a @ b / len(a),
            "polynomial": lambda a, b: (a @ b) ** 2 / len(a) ** 2,
            "gaussian": lambda a, b: math.exp(-((a - b) ** 2).sum() / (2 * spread)),
        }
        mean = [np.mean([kernels[kernel](a, b) for a, b in product(*pair)]) for pair in ((x, x), (y, y), (x, y))]
        return float(mean[0] + mean[1] - 2 * mean[2])

    return of


def cosine(a: Rows, b: Rows) -> float:
    return float(1 - a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def contextual(x: Rows, y: Rows) -> float:
    similar = []
    for a in x - y.mean(0):
        away = np.array([cosine(a, b) for b in y - y.mean(0)])
        weights = np.exp((1 - away / (away.min() + 1e-5)) / 0.5)
        similar.append(weights / weights.sum())
    return -math.log(np.mean(np.max(similar, axis=0)))


def relaxed_emd(x: Rows, y: Rows) -> float:
    away = np.array([[cosine(a, b) for b in y] for a in x])
    return float(max(away.min(1).mean(), away.min(0).mean()))


EXPECTED = {
    "gatys": (Gatys(), gatys),
    "mmd linear": (MMD("linear"), mmd("linear")),
    "mmd polynomial": (MMD(), mmd("polynomial")),
    "mmd gaussian": (MMD("gaussian"), mmd("gaussian")),
    "contextual": (Contextual(), contextual),
    "relaxed_emd": (RelaxedEMD(), relaxed_emd),
    "mrf of single positions": (MRF(size=1), lambda x, y: _mrf(x, y)),
}


def _mrf(x: Rows, y: Rows) -> float:
    best = [min(y, key=lambda b: cosine(a, b)) for a in x]
    return float(np.mean([(a - b) ** 2 for a, b in zip(x, best, strict=True)]))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_loss_is_its_papers_formula_over_images_and_layers(name: str) -> None:
    loss, expected = EXPECTED[name]
    fake, cartoon = images(0), images(1, (4, 6))
    found = []
    for of_fake, of_cartoon in zip(Maps()(fake), Maps()(cartoon), strict=True):
        pairs = zip(of_fake.flatten(2).mT.numpy(), of_cartoon.flatten(2).mT.numpy(), strict=True)
        found.append(np.mean([expected(x, y) for x, y in pairs]))
    assert float(loss(step(fake, cartoon, Maps()))) == pytest.approx(np.mean(found), rel=1e-6)


def test_mrf_compares_whole_patches() -> None:
    fake, cartoon = images(0), images(1, (4, 6))
    found = []
    for x, y in zip(fake.numpy(), cartoon.numpy(), strict=True):
        of_y = [y[:, i : i + 3, j : j + 3].ravel() for i in range(2) for j in range(4)]
        of_x = [x[:, i : i + 3, j : j + 3].ravel() for i in range(3) for j in range(2)]
        found.append(_mrf(np.array(of_x), np.array(of_y)))
    assert float(MRF()(step(fake, cartoon, OneLayer()))) == pytest.approx(np.mean(found))


def test_mrf_of_maps_smaller_than_a_patch() -> None:
    assert float(MRF(size=4)(step(images(0, (2, 3)), images(0, (2, 3)), OneLayer()))) == 0


@pytest.mark.parametrize("name", [*EXPECTED, "mrf"])
def test_gradients(name: str) -> None:
    loss = EXPECTED[name][0] if name in EXPECTED else MRF()
    cartoon = images(1)
    assert torch.autograd.gradcheck(lambda fake: loss(step(fake, cartoon, Maps())), images(0).requires_grad_())


@pytest.mark.parametrize("name", EXPECTED)
def test_the_same_style_costs_nothing_wherever_it_is(name: str) -> None:
    loss, cartoon = EXPECTED[name][0], images(1)
    same = float(loss(step(cartoon.flip(2), cartoon, OneLayer())))
    assert same == pytest.approx(0, abs=0.35 if name == "contextual" else 1e-9)  # the bandwidth is not 0
    assert same < float(loss(step(images(0), cartoon, OneLayer())))


def test_half_precision_is_left_for_the_loss() -> None:
    large = 300 * images(0).half()
    assert large.square().isinf().any()
    found = Gatys()(step(large.float(), 2 * large.float(), OneLayer()))
    with torch.autocast("cpu", torch.bfloat16):
        inside = Gatys()(step(large, 2 * large, OneLayer()))
    torch.testing.assert_close(inside, found)


def test_all_are_offered() -> None:
    assert set(register_generator_losses()) == {"gatys", "mmd", "mrf", "contextual", "relaxed_emd"}

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from toonlab import Sample, ToonlabError, Truth
from toonlab_metrics.degrade import DEGRADATIONS, degraded

SIDE = 128


def sample(name: str = "a drawing") -> Sample:
    """A disc on a ground, outlined."""
    row, column = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    away = torch.hypot(row - SIDE / 2, column - SIDE / 2)
    flat = torch.where(
        away < 40, torch.tensor([0.6, 0.1, -0.3])[:, None, None], torch.tensor([-0.1, 0.2, 0.5])[:, None, None]
    )
    outline = (away - 40).abs() < 1.5
    return Sample(name, flat, Truth(torch.where(outline, -0.9, flat), outline, flat=flat))


def cartoon(of: Sample) -> Tensor:
    assert of.truth is not None
    assert of.truth.cartoon is not None
    return of.truth.cartoon


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_more_is_worse_and_the_same_each_time(name: str) -> None:
    amounts = DEGRADATIONS[name].amounts
    assert list(amounts) == sorted(set(amounts))
    assert len(amounts) >= 5
    errors = [float((degraded(sample(), name, amount) - cartoon(sample())).square().mean()) for amount in amounts]
    assert errors == sorted(errors)
    assert errors[0] > 0
    assert torch.equal(degraded(sample(), name, amounts[2]), degraded(sample(), name, amounts[2]))


@pytest.mark.parametrize("name", ["noise", "texture", "outline_removal"])
def test_what_is_drawn_depends_on_the_sample(name: str) -> None:
    amount = DEGRADATIONS[name].amounts[2]
    assert not torch.equal(degraded(sample("one"), name, amount), degraded(sample("another"), name, amount))


def test_all_outlines_removed_are_the_flat_colours() -> None:
    torch.testing.assert_close(degraded(sample(), "outline_removal", 1.0), sample().photo, atol=1e-5, rtol=0)


def test_a_share_of_the_outlines_is_removed_and_the_rest_is_left() -> None:
    one = sample()
    assert one.truth is not None
    assert one.truth.outline is not None
    left = degraded(one, "outline_removal", 0.3)
    gone = ((left - one.photo).abs().amax(0) < 0.01)[one.truth.outline]
    assert float(gone.float().mean()) == pytest.approx(0.3, abs=0.1)
    kept = ((left - cartoon(one)).abs().amax(0) < 0.01)[one.truth.outline]
    assert bool((gone ^ kept).all())


def test_shifted_lines_leave_the_colours_where_they_are() -> None:
    one = sample()
    shifted = degraded(one, "outline_shift", 6)
    lines = lambda image: float(((image - one.photo).amax(0) < -0.2).float().mean())
    assert lines(shifted) == pytest.approx(lines(cartoon(one)), rel=0.1)
    torch.testing.assert_close(shifted[:, 64, 64], one.photo[:, 64, 64])


def test_the_cast_keeps_lightness() -> None:
    from toonlab_metrics.regions import lab

    one = sample()
    before, after = (lab(image)[64, 64] for image in (cartoon(one), degraded(one, "color", 10)))
    assert abs(after[0] - before[0]) < 0.5
    assert float(((after - before)[1:] ** 2).sum() ** 0.5) == pytest.approx(10, abs=0.5)


def test_a_sample_that_lacks_what_is_needed_is_an_error() -> None:
    with pytest.raises(ToonlabError, match=r"^sample 'bare': needs the truth's cartoon, flat and outline"):
        degraded(Sample("bare", torch.zeros(3, 32, 32)), "blur", 1)

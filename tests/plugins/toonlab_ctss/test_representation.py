from __future__ import annotations

import numpy as np
import pytest
import torch

from toonlab import PartError, Views, crop
from toonlab_ctss.representation import GrayMinMax


def gray(patches: torch.Tensor) -> torch.Tensor:
    return GrayMinMax()(Views(real=patches, fake=patches[:0])).real


@pytest.mark.parametrize(("run", "batch"), [("cartoon_s48", "cartoon"), ("photo_s72", "photo")])
def test_gray_patches_match_ctss(golden, inputs, run: str, batch: str):
    arrays = golden("ctss_sampler")
    corners = torch.from_numpy(arrays[f"{run}_batch_row_col"]).long()
    patches = crop(inputs[batch], torch.cat([corners, torch.full((16, 2), 96)], dim=1))
    total = patches.sum(dim=1)
    np.testing.assert_allclose(total.amin((1, 2)), arrays[f"{run}_gray_min"], rtol=1e-6)
    np.testing.assert_allclose(total.amax((1, 2)), arrays[f"{run}_gray_max"], rtol=1e-6)
    normalised = gray(patches)
    np.testing.assert_allclose(normalised[:4, 0], arrays[f"{run}_norm_gray_first4"][..., 0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(normalised.double().sum((1, 2, 3)), arrays[f"{run}_norm_gray_sum"], rtol=1e-6)


def test_one_channel_that_fills_the_unit_interval():
    patches = torch.rand(5, 3, 7, 9, generator=torch.Generator().manual_seed(0)) * 0.2 - 0.9
    views = GrayMinMax()(Views(real=patches, fake=patches[:2]))
    assert views.value_range == (0.0, 1.0)
    assert views.real.shape == (5, 1, 7, 9)
    assert views.fake.shape == (2, 1, 7, 9)
    assert torch.equal(views.real.amin((1, 2, 3)), torch.zeros(5))
    torch.testing.assert_close(views.real.amax((1, 2, 3)), torch.ones(5))


def test_contrast_and_brightness_of_a_patch_do_not_show():
    patches = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(gray(0.3 * patches - 0.5), gray(patches))


def test_an_even_patch_is_0_with_a_finite_gradient():
    patches = torch.full((1, 3, 4, 4), 0.3, requires_grad=True)
    normalised = gray(patches)
    assert torch.equal(normalised, torch.zeros(1, 1, 4, 4))
    normalised[0, 0, 0, 0].backward()
    assert patches.grad.isfinite().all()


def test_boxes_are_carried_along():
    boxes = torch.tensor([[0, 1, 2, 4, 4]])
    patches = torch.zeros(1, 3, 4, 4)
    assert GrayMinMax()(Views(real=patches, fake=patches, real_boxes=boxes)).real_boxes is boxes


def test_patches_without_colour_are_an_error():
    with pytest.raises(PartError, match="gray_minmax: expected"):
        gray(torch.zeros(1, 1, 4, 4))

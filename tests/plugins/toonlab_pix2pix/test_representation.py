"""What a conditional critic sees."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from toonlab import PartError, crop
from toonlab.testing import RepresentationTests, inputs
from toonlab.testing.frame import failures
from toonlab_pix2pix import register_representations
from toonlab_pix2pix.representation import WithPhoto


def test_the_photo_comes_first_and_regions_are_those_of_the_views() -> None:
    views = inputs.views(2)
    context = replace(views.context, real_photo=views.context.photo.flip(0))
    seen = WithPhoto()(replace(views, context=context))
    assert torch.equal(seen.real, torch.cat([context.real_photo, views.real], 1))
    assert torch.equal(seen.fake, torch.cat([context.photo, views.fake], 1))
    views = replace(inputs.patches(4), context=context)
    seen = WithPhoto()(views)
    for side, photo in (("real", context.real_photo), ("fake", context.photo)):
        patches, boxes = getattr(views, side), getattr(views, f"{side}_boxes")
        assert torch.equal(getattr(seen, side), torch.cat([crop(photo, boxes), patches], 1))


def test_views_without_their_photos_are_refused() -> None:
    views, patches = inputs.views(2), inputs.patches(4)
    resized = replace(patches, real=patches.real[..., ::2, ::2])
    for wrong, says in (
        (replace(views, context=None), r"needs pairs, .*give train\.supervised=true"),
        (replace(views, context=replace(views.context, real_photo=None)), "needs pairs"),
        (
            replace(patches, real_boxes=None),
            r"photos are \(2, 3, 64, 64\), views \(4, 3, 16, 16\): no boxes tell where",
        ),
        (resized, "needs regions in the size of their boxes; this sampler resizes them"),
    ):
        with pytest.raises(PartError, match=f"^with_photo: {says}"):
            WithPhoto()(wrong)


def test_it_is_a_representation_as_the_kit_wants_it() -> None:
    assert register_representations() == {"with_photo": WithPhoto}
    assert failures(RepresentationTests, WithPhoto, {}) == {}

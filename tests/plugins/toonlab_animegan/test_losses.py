from __future__ import annotations

import torch
from torch import Tensor, nn

from toonlab import Batch, Features, Step
from toonlab.ops.filters import luminance
from toonlab_animegan.losses import Gram
from toonlab_basics import Content, RandomFeatures


class Given(nn.Module):
    """Stands for VGG: gives the fake's map for the fake and the cartoon's for anything else, and keeps what it saw."""

    def __init__(self, fake: Tensor, of_fake: Tensor, of_cartoon: Tensor) -> None:
        super().__init__()
        self.fake, self.of_fake, self.of_cartoon = fake, of_fake, of_cartoon
        self.seen: list[Tensor] = []

    def forward(self, images: Tensor) -> Tensor:
        self.seen.append(images)
        return self.of_fake if images is self.fake else self.of_cartoon


def step(fake: Tensor, cartoon: Tensor, extractor: nn.Module) -> Step:
    batch = Batch(photo=torch.zeros_like(cartoon), cartoon=cartoon)
    return Step(batch, fake, views={}, fake_logits={}, features=Features(extractor), rng=torch.Generator())


def noise(seed: int) -> Tensor:
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_gram_matches_animegan(golden):
    arrays = golden("animegan_losses")
    maps = {name: torch.from_numpy(arrays[f"feat_{name}"]).movedim(-1, 1) for name in ("anime", "fake")}
    fake, of_fake = noise(0).requires_grad_(), maps["fake"].requires_grad_()
    loss = Gram()(step(fake, noise(1), Given(fake, of_fake, maps["anime"])))
    loss.backward()
    torch.testing.assert_close(loss.detach(), torch.tensor(arrays["sty_loss"]))
    torch.testing.assert_close(
        of_fake.grad.movedim(1, -1), torch.from_numpy(arrays["dsty_dfake"]), rtol=1e-5, atol=1e-9
    )


def test_gram_looks_at_the_gray_cartoon_without_a_graph():
    fake, cartoon = noise(0).requires_grad_(), noise(1)
    extractor = Given(fake, torch.ones(2, 1, 2, 2, requires_grad=True), torch.zeros(2, 1, 2, 2))
    extractor.register_forward_hook(lambda module, inputs, output: graphs.append(torch.is_grad_enabled()))
    graphs: list[bool] = []
    Gram()(step(fake, cartoon, extractor))
    assert extractor.seen[0] is fake
    assert torch.equal(extractor.seen[1], luminance(cartoon).expand(-1, 3, -1, -1))
    assert graphs == [True, False]


def test_features_of_the_fake_are_shared_with_the_content_loss():
    fake = noise(0).requires_grad_()
    extractor = Given(fake, torch.ones(2, 1, 2, 2), torch.zeros(2, 1, 2, 2))
    here = step(fake, noise(1), extractor)
    Content()(here)
    Gram()(here)
    assert sum(seen is fake for seen in extractor.seen) == 1
    assert len(extractor.seen) == 3  # fake, photo, gray cartoon


def test_gram_ignores_colour_and_place_but_not_texture():
    features, cartoon = RandomFeatures(width=4, depth=1), noise(1)
    gray = luminance(cartoon).expand(-1, 3, -1, -1)
    assert Gram()(step(gray, cartoon, features)) == 0
    moved = Gram()(step(gray.roll(16, dims=3), cartoon, features))
    flat = Gram()(step(gray.mean((2, 3), keepdim=True).expand_as(gray), cartoon, features))
    assert moved < 0.2 * flat


def test_gradient_reaches_the_fake():
    fake = noise(0).requires_grad_()
    Gram()(step(fake, noise(1), RandomFeatures(width=4))).backward()
    assert fake.grad.isfinite().all()
    assert fake.grad.abs().amax((1, 2, 3)).min() > 0

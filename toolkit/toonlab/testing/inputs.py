"""What parts are tried with: small pictures with borders, lines and texture, and the contexts that the engine gives."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toonlab.ops.crop import crop
from toonlab.types import Context, Views
from toonlab.utils.rng import rng

SIZE = 64  # of square pictures: small enough to be quick, large enough for the usual networks
CPU = torch.device("cpu")


class Critic(nn.Module):
    """A small critic: patches' logits at a quarter of the size; any number of channels, any size."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, view: Tensor) -> Tensor:
        return self.scale * F.adaptive_avg_pool2d(view.mean(1, keepdim=True), max(1, view.shape[-1] // 4))


def photos(count: int = 2, height: int = SIZE, width: int = SIZE, seed: int = 0) -> Tensor:
    """Smooth, noisy pictures: `(count, 3, height, width)` in [-1, 1]."""
    draws = rng(seed, "photos")
    low = torch.rand(count, 3, 5, 5, generator=draws) * 1.6 - 0.8
    smooth = F.interpolate(low, size=(height, width), mode="bilinear", align_corners=False)
    return (smooth + 0.05 * torch.randn(smooth.shape, generator=draws)).clamp(-1, 1)


def cartoons(count: int = 2, height: int = SIZE, width: int = SIZE, seed: int = 0) -> Tensor:
    """Flat areas with dark lines: `(count, 3, height, width)` in [-1, 1]."""
    draws = rng(seed, "cartoons")
    low = (torch.rand(count, 3, 4, 4, generator=draws) * 4).round() / 2 - 1
    flat = F.interpolate(low, size=(height, width), mode="nearest")
    flat[..., height // 3 : height // 3 + 2, :] = -0.9
    flat[..., width // 2 : width // 2 + 2] = -0.9
    return flat


def views(count: int = 2, height: int = SIZE, width: int = SIZE, step: int = 3, device: torch.device = CPU) -> Views:
    """Cartoons and fakes as a sampler gets them, with a context whose generators are functions of the step."""
    photo, critic = photos(count, height, width).to(device), Critic().to(device)
    context = Context(
        photo=photo,
        critic=critic,
        rng=rng(0, "view", "patch", step, 0),
        step=step,
        logits=critic,
        scoring_rng=lambda: rng(0, "ask", "patch", step, 0),
        real_photo=photo,
    )
    return Views(cartoons(count, height, width).to(device), photo * 0.9, context=context)


def noisy(seen: Views) -> Views:
    """The same images with noise: no two regions are alike, so that scores have no ties."""
    draws = rng(0, "noise")
    real, fake = (
        (images + 0.05 * torch.randn(images.shape, generator=draws).to(images.device)).clamp(-1, 1)
        for images in (seen.real, seen.fake)
    )
    return replace(seen, real=real, fake=fake)


def patches(count: int = 4, size: int = 16, step: int = 3, device: torch.device = CPU) -> Views:
    """Patches as a representation gets them, with the boxes that they were cut by."""
    whole = views(max(1, count // 2), step=step, device=device)
    number = torch.arange(count)
    side = torch.full_like(number, size)
    boxes = torch.stack([number % len(whole.real), number * 5 % 40, number * 7 % 40, side, side], dim=1).to(device)
    real, fake = (crop(images, boxes, (size, size)) for images in (whole.real, whole.fake))
    return replace(whole, real=real, fake=fake, real_boxes=boxes, fake_boxes=boxes.clone())

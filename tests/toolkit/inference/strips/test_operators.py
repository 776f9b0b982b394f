"""Operators by rows: each alone gives what it gives for the whole picture, or says that it needs it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toonlab.inference.strips import NeedsWholeError, cartoonize_in_strips


class Of(nn.Module):
    """A function of the photo, with a few parameters to use."""

    def __init__(self, function: Callable[[Tensor, nn.ModuleDict], Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.function = function
        self.parts = nn.ModuleDict(
            {
                "same": nn.Conv2d(3, 3, 5, padding="same", dilation=2),
                "strided": nn.Conv2d(3, 3, 4, stride=2, padding=1),
                "back": nn.ConvTranspose2d(3, 3, 3, stride=2, padding=1, output_padding=1),
                "back4": nn.ConvTranspose2d(3, 3, 4, stride=2, padding=1, bias=False),
                "instance": nn.InstanceNorm2d(3, affine=True),
                "batch": nn.BatchNorm2d(3),
                "four": nn.Conv2d(3, 12, 1),
                "linear": nn.Linear(3, 3),
                "prelu": nn.PReLU(3),
            }
        )

    def forward(self, photo: Tensor) -> Tensor:
        return self.function(photo, self.parts)


BY_ROW: dict[str, Callable[[Tensor, nn.ModuleDict], Tensor]] = {
    "padding same, dilation": lambda x, m: m["same"](x),
    "there and back": lambda x, m: m["back"](m["strided"](x)),
    "there and back, 4": lambda x, m: m["back4"](m["strided"](x)),
    "reflected borders": lambda x, m: F.conv2d(F.pad(x, (3, 3, 3, 3), "reflect"), torch.ones(3, 1, 7, 7), groups=3),
    "replicated borders": lambda x, m: F.pad(x, (0, 0, 5, 3), "replicate")[:, :, 4:-4],
    "borders of ones": lambda x, m: F.pad(x, (0, 0, 2, 4), value=1.0)[:, :, 6:] + x,
    "columns only": lambda x, m: F.pad(x, (2, 0, 0, 0), "reflect")[..., 1:-1],
    "nearest": lambda x, m: F.interpolate(m["strided"](x), scale_factor=2),
    "bilinear": lambda x, m: F.interpolate(m["strided"](x), scale_factor=2, mode="bilinear"),
    "bicubic": lambda x, m: F.interpolate(x[:, :, ::4, ::4], scale_factor=4, mode="bicubic"),
    "pixel shuffle": lambda x, m: F.pixel_shuffle(m["four"](m["strided"](x)), 2),
    "pooling": lambda x, m: F.interpolate(F.max_pool2d(x, 2) + F.avg_pool2d(x, 2), scale_factor=2),
    "rows joined": lambda x, m: torch.cat([x[:, :, 1:], x[:, :, -1:]], 2),
    "norms": lambda x, m: m["batch"](m["instance"](m["prelu"](x))),
    "a norm by hand": lambda x, m: (
        (x - x.mean((2, 3), keepdim=True))
        / (((x - x.mean((2, 3), keepdim=True)) ** 2).mean((-1, -2), keepdim=True) + 1e-5).sqrt()
    ),
    "attention to channels": lambda x, m: (
        x * m["linear"](F.adaptive_avg_pool2d(m["strided"](x), 1).flatten(1)).sigmoid()[..., None, None]
    ),
    "a mean over channels": lambda x, m: x - x.mean(1, keepdim=True),
    "a weight for every row": lambda x, m: x * torch.linspace(0, 1, x.shape[2])[:, None],
    "activations": lambda x, m: F.hardswish(x) + F.gelu(x) + F.dropout(x, training=False).clamp(-0.5, 0.5),
}
WHOLE: dict[str, Callable[[Tensor, nn.ModuleDict], Tensor]] = {
    "upside down": lambda x, m: x.flip(2),
    "turned": lambda x, m: x.transpose(2, 3),
    "sorted rows": lambda x, m: x.sort(2).values,
    "sums from the top": lambda x, m: x.cumsum(2),
    "wrapped borders": lambda x, m: F.pad(x, (1, 1, 1, 1), "circular")[:, :, 1:-1, 1:-1],
    "aligned corners": lambda x, m: F.interpolate(
        x[..., ::2, ::2], scale_factor=2, mode="bilinear", align_corners=True
    ),
    "one mean of all": lambda x, m: x - x.mean(),
    "the largest value": lambda x, m: x / x.amax((2, 3), keepdim=True),
    "a smaller picture": lambda x, m: m["strided"](x),
    "a value looked at": lambda x, m: x if x.mean() > 0 else -x,
}


@pytest.mark.parametrize("name", BY_ROW)
def test_an_operator_in_strips_equals_it_on_the_whole_picture(name: str) -> None:
    generator = Of(BY_ROW[name]).eval()
    photo = torch.rand(3, 24, 20, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        whole = generator(photo[None])[0].clamp(-1, 1)
    for memory in (60_000, 1e9):  # narrow strips, and one
        assert torch.allclose(cartoonize_in_strips(generator, photo, memory), whole, atol=1e-5)


@pytest.mark.parametrize("name", WHOLE)
def test_what_needs_the_whole_picture_is_refused(name: str) -> None:
    with pytest.raises(NeedsWholeError):
        cartoonize_in_strips(Of(WHOLE[name]).eval(), torch.zeros(3, 24, 24), 1e9)

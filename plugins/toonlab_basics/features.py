"""Feature extractors: VGG16 and VGG19 up to one of their layers, and a random network where there are no weights."""

from __future__ import annotations

import math
from collections import OrderedDict
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, Self

import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from toonlab import PartError, check_images, nearest

from .vgg_weights import load_weights, missing_weights

Layers = str | Annotated[tuple[str, ...], Field(min_length=1)]  # one by its name, or several
_WIDTHS = (64, 128, 256, 512, 512)  # channels of VGG's blocks
_MEAN = {"caffe": (103.939, 116.779, 123.68), "torchvision": (0.485, 0.456, 0.406)}  # BGR of 0..255; RGB of 0..1
_STD = {"caffe": (1.0, 1.0, 1.0), "torchvision": (0.229, 0.224, 0.225)}
_SLOPE = 0.2  # of the random network's LeakyReLU


class VGG(nn.Module):
    """Base of VGG16 and VGG19: `(B, 3, H, W)` in [-1, 1] -> `(B, C, h, w)`, or a tuple of such for several layers.

    Attributes:
        network: torchvision's name.
        depths: the number of convolutions of each block.
    """

    network: ClassVar[str]
    depths: ClassVar[tuple[int, ...]]
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        weights: str = "imagenet",
        convention: Literal["caffe", "torchvision"] = "torchvision",
        layer: Layers = "conv4_3",
    ) -> None:
        super().__init__()
        self.wanted = {layer} if isinstance(layer, str) else set(layer)
        layers = self._layers()
        if wrong := next((name for name in self.wanted if name not in layers), None):
            raise PartError(f"{self.network}: there is no layer {wrong!r}; {nearest(wrong, layers)}")
        names = list(layers)
        needed = names[: max(map(names.index, self.wanted)) + 1]
        self.convention = convention
        self.layers = nn.Sequential(OrderedDict((name, layers[name]) for name in needed))
        shapes = {name: value.shape for name, value in self.layers.state_dict().items()}
        self.layers.load_state_dict(load_weights(weights, shapes, names, self.network), assign=True)
        self.register_buffer("mean", torch.tensor(_MEAN[convention]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD[convention]).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)
        self.train(False)

    def _layers(self) -> OrderedDict[str, nn.Module]:
        """All layers by name, in the order of torchvision's `features`; their tensors have no storage yet.

        No ReLU overwrites a wanted layer.
        """
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        channels = 3
        for block, (width, depth) in enumerate(zip(_WIDTHS, self.depths, strict=True), 1):
            for index in range(1, depth + 1):
                name = f"conv{block}_{index}"
                layers[name] = nn.Conv2d(channels, width, 3, padding=1, device="meta")
                layers[f"relu{block}_{index}"] = nn.ReLU(inplace=name not in self.wanted)
                channels = width
            layers[f"pool{block}"] = nn.MaxPool2d(2, ceil_mode=True)
        return layers

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        check_images(images, self.network, channels=3)
        unit = (images + 1) / 2
        pixels = 255 * unit.flip(1) if self.convention == "caffe" else unit
        values, found = (pixels - self.mean) / self.std, []
        for name, layer in self.layers.named_children():
            values = layer(values)
            if name in self.wanted:
                found.append(values)
        return tuple(found) if len(found) > 1 else found[0]

    @classmethod
    def missing(cls, weights: str, **_: object) -> dict[str, str]:
        """The file of the weights, if it is not on this machine."""
        return missing_weights(weights, cls.network)

    def train(self, mode: bool = True) -> Self:
        """Stay in eval mode: a fixed extractor has no other."""
        return super().train(False)


class VGG19(VGG):
    """Features of a VGG19 pretrained on ImageNet: `(B, 3, H, W)` in [-1, 1] -> `(B, C, h, w)`, computed up to `layer`.

    Several layers give a tuple of such tensors, in the network's order.

    The convention has to match the weights. `caffe` (BGR in 0..255 minus the mean) is that of the VGG authors' weights:
    of tensorflow-vgg's `vgg19.npy`, which CTSS, AnimeGAN and White-box use, and of conversions such as
    `vgg19-d01eb7cb.pth`. `torchvision` (RGB in 0..1, normalised by mean and deviation) is that of `imagenet`. Other
    combinations run, but with red and blue swapped and on a scale that the network was not trained on. The size of the
    features depends on weights and convention, and so does a suitable weight of the content loss.

    Frozen, always in eval mode. Pooling rounds odd sides up, as TensorFlow's SAME.

    Args:
        weights: `imagenet` (torchvision's `VGG19_Weights.IMAGENET1K_V1`, downloaded once into torch hub's cache),
            `random` (He et al., 2015, always the same: for benchmarks and tests), or the path of a file: a state dict
            (`.pt`, `.pth`) or `.safetensors`, with names as in torchvision or as `conv1_1.weight`, or a `.npy` as the
            originals use.
        convention: the conversion of images in [-1, 1] to the input that the weights expect, as above.
        layer: `conv1_1` to `conv5_4` (before ReLU), `relu1_1` to `relu5_4`, or `pool1` to `pool5`, or a list of such.
            The originals use `conv4_4`: 512 channels at 1/8 of the size.

    Raises:
        PartError: for a layer that VGG19 does not have.
        ToonlabError: if the weights are not available or do not fit.
    """

    network = "vgg19"
    depths = (2, 2, 4, 4, 4)

    def __init__(
        self,
        weights: str = "imagenet",
        convention: Literal["caffe", "torchvision"] = "torchvision",
        layer: Layers = "conv4_4",
    ) -> None:
        super().__init__(weights, convention, layer)


class VGG16(VGG):
    """Features of a VGG16 pretrained on ImageNet: as `vgg19`, with three convolutions in each of blocks 3, 4 and 5.

    Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015. Perceptual
    losses since Johnson, Alahi and Fei-Fei, ECCV 2016, use it.

    Args:
        weights: as for `vgg19`: `imagenet` (torchvision's `VGG16_Weights.IMAGENET1K_V1`), `random`, or a file's path.
        convention: as for `vgg19`: `caffe` for the VGG authors' weights, `torchvision` for `imagenet`.
        layer: `conv1_1` to `conv5_3` (before ReLU), `relu1_1` to `relu5_3`, or `pool1` to `pool5`, or a list of such.

    Raises:
        PartError: for a layer that VGG16 does not have.
        ToonlabError: if the weights are not available or do not fit.
    """

    network = "vgg16"
    depths = (2, 2, 3, 3, 3)


class RandomFeatures(nn.Module):
    """Features of a small random network: fast and without a download, but not trained on any picture.

    `(B, 3, H, W)` -> `(B, width * 2**(depth-1), h, w)` with h = H / 2**depth, rounded up: at the defaults 128
    channels at 1/8 of the size, as far down as VGG19's conv4_4.

    For demonstrations, tests, and machines without internet: random filters preserve positions, and suffice to
    reconstruct a picture and to match its texture (He, Wang and Hopcroft, "A Powerful Generative Model Using Random
    Weights for the Deep Image Representation", NeurIPS 2016; Ustyuzhaninov et al., "Texture Synthesis Using Shallow
    Convolutional Networks with Random Filters", 2016). Not for published comparisons: random networks agree much less
    with human judgements of similarity than trained ones (Zhang et al., "The Unreasonable Effectiveness of Deep
    Features as a Perceptual Metric", CVPR 2018), and the loss is closer to a loss on pixels.

    Features are of the order of 1, and so is the L1 distance of unrelated pictures (0.6 to 0.9 over seeds and depths).
    VGG19's in the caffe convention are larger (46 with random weights), so a weight of the content loss for VGG19 is
    too small here.

    Frozen; He initialisation from torch's CPU generator, a function of the parameters only.

    Args:
        width: channels of the first layer; each further layer has twice as many.
        depth: number of layers, each a 3x3 convolution with stride 2, with LeakyReLU between them.
        seed: of the weights, equal in all runs of a method; not the run's seed.
    """

    def __init__(
        self,
        width: PositiveInt = 32,
        depth: Annotated[int, Field(ge=1, le=6)] = 3,
        seed: NonNegativeInt = 0,
    ) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(seed)
        channels = [3, *(width * 2**index for index in range(depth))]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(channels):
            layers += [_random_convolution(inputs, outputs, rng), nn.LeakyReLU(_SLOPE, inplace=True)]
        self.layers = nn.Sequential(*layers[:-1])  # like VGG's conv4_4, before the activation
        self.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        check_images(images, "random", channels=3)
        return self.layers(images)


def _random_convolution(inputs: int, outputs: int, rng: torch.Generator) -> nn.Conv2d:
    """A convolution that, with its activation, preserves the mean square of its input (He et al., ICCV 2015)."""
    layer = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, padding_mode="replicate", bias=False, device="meta")
    gain = math.sqrt(2 / (1 + _SLOPE**2))
    layer.weight = nn.Parameter(torch.randn(layer.weight.shape, generator=rng) * gain / math.sqrt(9 * inputs))
    return layer

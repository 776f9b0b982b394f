"""Distances of sets on torch-fidelity's networks DINOv2, CLIP and VGG16, from files that are there already."""

import socket
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from toonlab import ToonlabError, first_line

from .frechet import SMALL, FeatureDistance, frechet_distance
from .networks import digest

if TYPE_CHECKING:
    from torch import nn

_CLIP = "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"
_PATIENCE = 5  # seconds for torch hub's look at GitHub, which it can do without
_NEIGHBOURS = 3


class FidelityDistance(FeatureDistance):
    """Base: compares features of one of torch-fidelity's extractors. Nothing is downloaded.

    Attributes:
        extractor: its name in torch-fidelity.
        files: what it needs in torch hub's folder, and from where; the first are the weights.
        checksum: first digits of the weights' sha256, as far as it is published.

    Raises:
        ToonlabError: if a file is missing or damaged.
    """

    caveat = "untested until somebody runs the validity page with its network's weights"
    extractor: ClassVar[str]
    files: ClassVar[dict[str, str]]
    checksum: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        hub = Path(torch.hub.get_dir())
        if missing := [(hub / file, source) for file, source in self.files.items() if not (hub / file).exists()]:
            path, source = missing[0]
            text = f"{self.name}: its network is not on this machine; put {source} at {path}"
            raise ToonlabError(f"{text}, or do without, with kid_lite0")
        path = hub / next(iter(self.files))
        self.source = digest(path)
        if not self.source.startswith(f"sha256:{self.checksum[:16]}"):
            raise ToonlabError(f"{path}: its sha256 does not begin with {self.checksum[:16]}: it is damaged")

    def extract(self, images: Tensor) -> Tensor:
        try:
            features: Tensor = _network(self.extractor)(images.cpu())[0]
        except Exception as error:  # of torch hub, of the repository in it, or of torch-fidelity
            text = f"{self.name}: torch-fidelity's {self.extractor} can't be used"
            raise ToonlabError(f"{text}: {first_line(error)}") from error
        return features


class FDDINOv2(FidelityDistance):
    """Fréchet distance on DINOv2's features, which agrees better with people than Inception's.

    Stein et al., "Exposing flaws of generative model evaluation metrics and their unfair treatment of diffusion
    models", NeurIPS 2023: ViT-L/14, pictures at 224x224. It needs 2,000 pictures and 2,000 cartoons, and refuses fewer:
    there it depends more on their number than on their content.
    """

    name = "fd_dinov2"
    fewest = SMALL
    resizer = "bilinear, as TensorFlow 1, to 224x224 (torch-fidelity)"
    extractor = "dinov2-vit-l-14"
    files: ClassVar[dict[str, str]] = {
        "checkpoints/dinov2_vitl14_pretrain.pth": (
            "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth"
        ),
        "facebookresearch_dinov2_main": "a clone of https://github.com/facebookresearch/dinov2",
    }

    def distance(self, fakes: Tensor, cartoons: Tensor) -> dict[str, float]:
        return {self.name: frechet_distance(fakes, cartoons)}


class KIDCLIP(FidelityDistance):
    """KID on the features of CLIP's ViT-B/32: unbiased, so suited to small sets; it may be slightly below 0.

    Binkowski et al., "Demystifying MMD GANs", ICLR 2018, for the distance; Kynkäänniemi et al., "The Role of ImageNet
    Classes in Fréchet Inception Distance", ICLR 2023, for the reason why CLIP.
    """

    name = "kid_clip"
    resizer = "bilinear, as TensorFlow 1, to 224x224 (torch-fidelity)"
    extractor = "clip-vit-b-32"
    files: ClassVar[dict[str, str]] = {
        f"checkpoints/clip-vit-b-32-{_CLIP}.pt": f"https://openaipublic.azureedge.net/clip/models/{_CLIP}/ViT-B-32.pt"
    }
    checksum = _CLIP


class PrecisionRecall(FidelityDistance):
    """How many fakes lie among real cartoons (`precision`) and the reverse (`recall`); the main result is their F1.

    Kynkäänniemi et al., "Improved precision and recall metric for assessing generative models", NeurIPS 2019: VGG16's
    second fully connected layer; a picture lies among others if it is no farther from one of them than that one's third
    neighbour. Both depend on the number of pictures, so compare equal n only.
    """

    name = "precision_recall"
    higher_is_better = True
    fewest = _NEIGHBOURS + 1
    resizer = "bilinear, as TensorFlow 1, to 224x224 (torch-fidelity)"
    extractor = "vgg16"
    files: ClassVar[dict[str, str]] = {
        "checkpoints/vgg16-397923af.pth": "https://download.pytorch.org/models/vgg16-397923af.pth"
    }
    checksum = "397923af"

    def distance(self, fakes: Tensor, cartoons: Tensor) -> dict[str, float]:
        from torch_fidelity.metric_prc import calculate_precision_recall_part

        precision, recall = calculate_precision_recall_part(fakes, cartoons, _NEIGHBOURS)
        f1 = 2 * precision * recall / max(precision + recall, 1e-12)
        return {self.name: f1, "precision": precision, "recall": recall}


@cache
def _network(extractor: str) -> "nn.Module":
    """torch-fidelity's extractor, on the CPU; hub's look at GitHub is cut short where there is no network."""
    from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE)
    try:
        made = FEATURE_EXTRACTORS_REGISTRY[extractor]
        net: nn.Module = made(extractor, [made.get_default_feature_layer_for_metric("kid")], verbose=False)
        return net
    finally:
        socket.setdefaulttimeout(before)

"""Pictures that a metric should not reward: patterns, edges in black, effects, the truth of other scenes."""

from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from toonlab import Sample, ToonlabError, rng

from .outline import Mask, grown, luminance

Image = NDArray[np.float32]  # (H, W, 3) in [0, 1]
_OTHER = 7  # scenes further: whose truth is taken


def degenerates(samples: Sequence[Sample], name: str) -> list[Tensor]:
    """A degenerate picture for each sample, `(3, H, W)` in [-1, 1]; a function of samples and name."""
    if name == "other truth":
        return [_cartoon(samples[(place + _OTHER) % len(samples)]) for place in range(len(samples))]
    made = (PICTURES[name](_photo(sample), _draws(sample, name)) for sample in samples)
    return [torch.from_numpy(np.ascontiguousarray(image, np.float32)).permute(2, 0, 1) * 2 - 1 for image in made]


def checkerboard(side: int) -> Callable[..., Image]:
    """Black and white squares, without the photo."""
    return lambda photo, _: inked(np.ones_like(photo), _pattern(photo, lambda y, x: (y // side + x // side) % 2 == 0))


def stripes(period: int) -> Callable[..., Image]:
    return lambda photo, _: inked(photo, _pattern(photo, lambda y, x: y % period == 0))


def dots(period: int) -> Callable[..., Image]:
    return lambda photo, _: inked(photo, _pattern(photo, lambda y, x: (y % period == 0) & (x % period == 0)))


def specks(share: float) -> Callable[..., Image]:
    return lambda photo, draws: inked(photo, draws.random(photo.shape[:2]) < share)


def canny(low: int, wider: int = 0) -> Callable[..., Image]:
    """Canny's edges, grown by `wider` pixels, painted black."""
    return lambda photo, _: inked(photo, grown(_edges(photo, low), wider) if wider else _edges(photo, low))


def hatched(photo: Image, _: np.random.Generator) -> Image:
    """Hatching near the photo's edges."""
    return inked(photo, grown(_edges(photo, 50), 2) & _pattern(photo, lambda y, x: (y + x) % 3 == 0))


def xdog(photo: Image, _: np.random.Generator) -> Image:
    """Winnemöller, Kyprianidis and Olsen, "XDoG", Computers & Graphics 2012, with a hard threshold."""
    luma = luminance(torch.from_numpy(photo).permute(2, 0, 1) * 2 - 1)
    inner, outer = (cv2.GaussianBlur(luma, (0, 0), sigma) for sigma in (1.0, 1.6))
    return inked(photo, np.asarray(inner - 0.98 * outer < 0))


def posterized(photo: Image, _: np.random.Generator) -> Image:
    return np.asarray(np.round(photo * 5) / 5)


def blurred(photo: Image, _: np.random.Generator) -> Image:
    return np.asarray(cv2.GaussianBlur(photo, (0, 0), 2))


def sharpened(photo: Image, _: np.random.Generator) -> Image:
    return np.clip(photo + 2 * (photo - np.asarray(cv2.GaussianBlur(photo, (0, 0), 1.5))), 0, 1)


def blank(photo: Image, _: np.random.Generator) -> Image:
    """The photo's mean colour."""
    return np.broadcast_to(photo.mean((0, 1)), photo.shape)


def dark_dabs(photo: Image, _: np.random.Generator) -> Image:
    """What a critic of small patches may leave: a regular grid of short dark strokes along the photo's edges."""
    near = grown(_edges(photo, 50), 1)
    return inked(photo, near & _pattern(photo, lambda y, x: (y % 4 < 2) & (x % 4 < 2)))


PICTURES: Mapping[str, Callable[[Image, np.random.Generator], Image]] = {
    "checkerboard 1": checkerboard(1),
    "checkerboard 2": checkerboard(2),
    "stripes 4": stripes(4),
    "dots 2": dots(2),
    "dots 3": dots(3),
    "dots 5": dots(5),
    "specks .05": specks(0.05),
    "specks .2": specks(0.2),
    "specks .4": specks(0.4),
    "blank": blank,
    "blurred": blurred,
    "posterized": posterized,
    "sharpened": sharpened,
    "XDoG": xdog,
    "canny 25": canny(25),
    "canny 50": canny(50),
    "canny 100": canny(100),
    "canny, thick": canny(50, wider=1),
    "canny, hatched": hatched,
    "dabs": dark_dabs,
}
PATTERNS = (*list(PICTURES)[:9], "blank", "blurred", "other truth")  # that say nothing about the scene's lines
NAMES = (*PICTURES, "other truth")


def inked(photo: Image, mask: Mask) -> Image:
    """A photo, `(H, W, 3)`, with the pixels of a mask painted black."""
    return np.where(mask[..., None], 0, photo)


def _pattern(photo: Image, rule: Callable[[NDArray[np.intp], NDArray[np.intp]], Mask]) -> Mask:
    return rule(*np.mgrid[: photo.shape[0], : photo.shape[1]])


def _edges(photo: Image, low: int) -> Mask:
    return np.asarray(cv2.Canny((photo * 255).round().astype(np.uint8), low, 2 * low) > 0)


def _draws(sample: Sample, name: str) -> np.random.Generator:
    return np.random.default_rng(rng(0, "degenerate", sample.name, name).initial_seed())


def _photo(sample: Sample) -> Image:
    return np.ascontiguousarray((sample.photo.permute(1, 2, 0).cpu().numpy() + 1) / 2, np.float32)


def _cartoon(sample: Sample) -> Tensor:
    if sample.truth is None or sample.truth.cartoon is None:
        raise ToonlabError(f"sample {sample.name!r}: needs the truth's cartoon")
    return sample.truth.cartoon

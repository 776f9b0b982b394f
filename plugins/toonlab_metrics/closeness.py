"""Closeness to the true cartoon, pixel by pixel: PSNR and SSIM.

Neither says how cartoon-like a picture is: an untouched photo can beat every trained generator.
"""

from __future__ import annotations

from torch import Tensor

from toonlab import PartError

from .pictures import PictureMean

_IDENTICAL = 100.0  # dB; keeps means finite where a fake equals its truth
_WINDOW = 11  # pixels: the Gaussian window of SSIM with sigma 1.5


class PSNR(PictureMean):
    """Peak signal-to-noise ratio to the true cartoon, in dB, averaged per picture.

    10 log10(2^2 / MSE) for images in [-1, 1]; 100 dB at most, which is what two identical pictures get.
    """

    name = "psnr"
    needs = frozenset({"cartoon"})

    def measure(self, fake: Tensor, truth: Tensor) -> dict[str, float]:
        from torchmetrics.functional.image import peak_signal_noise_ratio

        return {"psnr": min(float(peak_signal_noise_ratio(fake, truth, data_range=2.0)), _IDENTICAL)}


class SSIM(PictureMean):
    """Structural similarity to the true cartoon, at most 1, averaged per picture.

    Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE TIP 2004:
    RGB, Gaussian window of 11 pixels (sigma 1.5), K1 = 0.01, K2 = 0.03, borders reflected. Its luminance term
    is defined for intensities that start at 0, so the images are measured in [0, 1].
    """

    name = "ssim"
    needs = frozenset({"cartoon"})

    def measure(self, fake: Tensor, truth: Tensor) -> dict[str, float]:
        from torchmetrics.functional.image import structural_similarity_index_measure

        height, width = truth.shape[-2:]
        if min(height, width) < _WINDOW:
            raise PartError(f"ssim: needs pictures of at least {_WINDOW}x{_WINDOW} pixels, got {height}x{width}")
        similarity = structural_similarity_index_measure(_unit(fake), _unit(truth), data_range=1.0)
        assert isinstance(similarity, Tensor)  # a tuple only where its map is asked for, too
        return {"ssim": float(similarity)}


def _unit(image: Tensor) -> Tensor:
    """`(3, H, W)` in [-1, 1] -> `(1, 3, H, W)` in [0, 1]."""
    return (image[None] + 1) / 2

"""Closeness to the true cartoon, pixel by pixel: PSNR, SSIM, MS-SSIM.

None of them measures cartoonization: the unmodified photo can have a better score than every trained generator.
"""

from torch import Tensor

from toonlab.ops.checks import check_sides

from .bases import PictureMean
from .degrade import DEGRADATIONS

_IDENTICAL = 100.0  # dB; keeps means finite where a fake equals its truth
_WINDOW = 11  # pixels: the Gaussian window of SSIM with sigma 1.5
_BETAS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang, Simoncelli and Bovik 2003: the scales' weights
_SMALLEST = 44  # pixels: the least side of a picture that three scales fit


class Closeness(PictureMean):
    """Base of the three."""

    needs = frozenset({"cartoon"})
    sees = frozenset(DEGRADATIONS)
    leads = False
    caveat = "closeness, not cartoon-ness: the unmodified photo beats trained imitators of the truth"


class PSNR(Closeness):
    """Peak signal-to-noise ratio to the true cartoon, in dB, averaged per picture.

    10 log10(2^2 / MSE) for images in [-1, 1]; at most 100 dB, the value for identical pictures.
    """

    name = "psnr"

    def measure(self, fake: Tensor, cartoon: Tensor) -> dict[str, float]:
        from torchmetrics.functional.image import peak_signal_noise_ratio

        return {"psnr": min(float(peak_signal_noise_ratio(fake, cartoon, data_range=2.0)), _IDENTICAL)}


class SSIM(Closeness):
    """Structural similarity to the true cartoon, at most 1, averaged per picture.

    Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE TIP 2004:
    RGB, Gaussian window of 11 pixels (sigma 1.5), K1 = 0.01, K2 = 0.03, borders reflected. Its luminance term
    is defined for intensities that start at 0, so the images are measured in [0, 1].
    """

    name = "ssim"

    def measure(self, fake: Tensor, cartoon: Tensor) -> dict[str, float]:
        return {"ssim": ssim(fake, cartoon, self.name)}


class MSSSIM(Closeness):
    """Multi-scale structural similarity to the true cartoon, in [0, 1], averaged per picture.

    Wang, Simoncelli and Bovik, "Multiscale structural similarity for image quality assessment", Asilomar 2003, with
    SSIM's window of 11 pixels at every scale, and negative contrast terms taken as 0. Their five scales need 176 pixels
    on the shorter side; a smaller picture is measured at the finest scales that fit (four from 99 pixels, three from
    44), with their weights divided by their sum. So values of different picture sizes do not compare.
    """

    name = "ms_ssim"

    def measure(self, fake: Tensor, cartoon: Tensor) -> dict[str, float]:
        from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

        check_sides(cartoon, "ms_ssim: sides of pictures", smallest=_SMALLEST)
        betas = scale_weights(min(cartoon.shape[-2:]))
        similarity = multiscale_structural_similarity_index_measure(
            _unit(fake), _unit(cartoon), data_range=1.0, betas=betas, normalize="relu"
        )
        return {"ms_ssim": float(similarity)}


def scale_weights(side: int) -> tuple[float, ...]:
    """The weights of the scales of MS-SSIM that fit into pictures of this shorter side, 44 pixels or more."""
    fitting = [count for count in (3, 4, 5) if side >= _WINDOW * (count - 1) ** 2]  # as torchmetrics demands
    betas = _BETAS[: fitting[-1]]
    return tuple(beta / sum(betas) for beta in betas)


def ssim(fake: Tensor, target: Tensor, name: str) -> float:
    """SSIM of two images, `(C, H, W)` in [-1, 1]; `name` is the metric's, for the error.

    Raises:
        PartError: if the window does not fit.
    """
    from torchmetrics.functional.image import structural_similarity_index_measure

    check_sides(target, f"{name}: sides of pictures", smallest=_WINDOW)
    similarity = structural_similarity_index_measure(_unit(fake), _unit(target), data_range=1.0)
    assert isinstance(similarity, Tensor)  # a tuple only with return_full_image
    return float(similarity)


def _unit(image: Tensor) -> Tensor:
    """`(C, H, W)` in [-1, 1] -> `(1, C, H, W)` in [0, 1]."""
    return (image[None] + 1) / 2

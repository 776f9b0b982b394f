"""CTSS's post-processing: match the photo's brightness, then increase saturation, contrast and luminance by style.

Adjustments map values to values, `(H, W, 3)` float32 in 0 … 255.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
Values = NDArray[np.float32]  # the same in 0 … 255, with fractions
Style = Literal["wind_rises", "crayon_shinchan", "dragon_ball"]

# saturation, contrast, luminance: of "The Wind Rises", "Crayon Shin-chan" and "Dragon Ball", as CTSS's README sets them
SETTINGS: Mapping[Style, tuple[float, float, float]] = {
    "wind_rises": (0.5, 50, 10),
    "crayon_shinchan": (0.42, 70, 25),
    "dragon_ball": (0.35, 25, 20),
}
_EPSILON = np.float32(1e-3)  # the original's, added to each divisor


@dataclass(frozen=True)
class CTSSPostprocessing:
    """The photo's brightness, then CTSS's saturation, contrast and luminance for a style.

    `tools/adjust_brightness.py` and `tools/img_tools.py` of CTSS's code: `(fake, photo) -> picture`, `(H, W, 3)` uint8
    RGB each.

    Args:
        style: of "The Wind Rises", "Crayon Shin-chan" or "Dragon Ball".
    """

    style: Style = "wind_rises"

    def __call__(self, fake: Pixels, photo: Pixels) -> Pixels:
        by_saturation, by_contrast, by_luminance = SETTINGS[self.style]
        values = match_brightness(fake, photo).astype(np.float32)
        values = luminance(contrast(saturation(values, by_saturation), by_contrast), by_luminance)
        return values.astype(np.uint8)  # truncated, not rounded, as in the original


def match_brightness(fake: Pixels, photo: Pixels) -> Pixels:
    """Multiply a fake by one factor, so that its mean brightness (0.299 R + 0.587 G + 0.114 B) equals the photo's.

    Values are truncated to whole levels and clipped at 255. A black fake stays black.
    """
    factor = mean_brightness(photo) / max(mean_brightness(fake), 1e-12)
    return np.clip(fake * factor, 0, 255).astype(np.uint8)


def mean_brightness(pixels: Pixels) -> float:
    """The mean of 0.299 R + 0.587 G + 0.114 B, in 0 … 255."""
    return float(pixels.mean(axis=(0, 1), dtype=np.float64) @ (0.299, 0.587, 0.114))


def saturation(values: Values, amount: float) -> Values:
    """Move each pixel's channels away from their midpoint (max + min) / 2, the lightness of HSL.

    `amount` is -1 (gray) … 1. Above 0 the distance grows by 1 / (1 - amount), but not beyond an HSL saturation of 1.
    """
    high, low = values.max(axis=-1, keepdims=True), values.min(axis=-1, keepdims=True)
    middle = (high + low) / 2
    if amount < 0:
        return middle + (values - middle) * np.float32(1 + amount)
    total, spread = (high + low) / 255, (high - low) / 255
    of_hsl = spread / (np.where(middle < 127.5, total, 2 - total) + _EPSILON)
    room = np.where(of_hsl + amount >= 1, of_hsl, np.float32(1 - amount))
    return _in_range(values + (values - middle) * (1 / (room + _EPSILON) - 1))


def contrast(values: Values, amount: float) -> Values:
    """Move all values away from the mean of the whole picture and its three channels.

    `amount` is -255 … 255. The distance is multiplied by 255 / (256 - amount) above 0, by 1 + amount / 255 below.
    """
    factor = 255 / (256 - amount) if amount > 0 else 1 + amount / 255
    mean = values.mean()
    return _in_range(mean + (values - mean) * np.float32(factor))


def luminance(values: Values, amount: float) -> Values:
    """Add `amount` levels to the mean of each pixel's three channels.

    The channels are first mapped to a mean of 128, then to the new mean: towards 0 for means below 128, towards 256 for
    means above. So black stays black, and colours fade towards both ends.
    """
    mean = values.mean(axis=-1, keepdims=True) + _EPSILON
    wanted = _in_range(mean + np.float32(amount))
    at_128 = np.where(mean > 128, (values * 128 - (mean - 128) * 256) / (256 - mean), values * 128 / mean)
    above, below = (at_128 * (256 - wanted) + (wanted - 128) * 256) / 128, at_128 * wanted / 128
    return _in_range(np.where(wanted > 128, above, below))


def _in_range(values: NDArray[np.floating]) -> Values:
    return np.clip(values, 0, 255).astype(np.float32, copy=False)

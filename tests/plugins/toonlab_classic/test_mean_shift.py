from __future__ import annotations

import numpy as np

from toonlab_classic.mean_shift import MeanShift


def test_noise_goes_and_borders_stay():
    pixels = np.full((64, 64, 3), 60, np.int16)
    pixels[:, 32:] = 180
    noisy = (pixels + np.random.default_rng(0).integers(-8, 9, pixels.shape, dtype=np.int16)).astype(np.uint8)
    drawn = MeanShift(radius=24).draw(noisy).astype(int)
    assert drawn[:, :30].std() < 0.4 * noisy[:, :30].std()
    assert (drawn[:, 33] - drawn[:, 30]).min() > 80


def test_a_larger_color_radius_joins_more(golden):
    photo = golden("inputs")["images_u8"][0, :96, :96]
    steps = [np.abs(np.diff(MeanShift(color_radius=r).draw(photo).astype(int), axis=1)).mean() for r in (10, 30, 60)]
    assert steps == sorted(steps, reverse=True)
    assert steps[2] < 0.9 * steps[0]

"""Series are told apart by colour-blind readers too, in the light and in the dark scheme."""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from toonlab.report.page import TEMPLATE

# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", 2009,
# table 1, severity 1.0; for linear RGB
SEEN_BY = {
    "most people": np.eye(3),
    "protanopes": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopes": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopes": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(color: str, seen: object) -> np.ndarray:
    encoded = np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    other = np.clip(np.array(seen) @ linear, 0, 1)
    return rgb2lab(np.where(other <= 0.0031308, other * 12.92, 1.055 * other ** (1 / 2.4) - 0.055)[None, None])[0, 0]


@pytest.mark.parametrize("who", list(SEEN_BY))
@pytest.mark.parametrize("scheme", [0, 1])
def test_any_two_series_differ(scheme: int, who: str) -> None:
    style = (Path(TEMPLATE) / "style.css").read_text()
    colors = re.findall(r"--series-\d: (#\w{6})", style)[7 * scheme : 7 * scheme + 7]
    assert len(set(colors)) == 7
    seen = [lab(color, SEEN_BY[who]) for color in colors]
    assert min(float(deltaE_ciede2000(one, other)) for one, other in combinations(seen, 2)) > 10

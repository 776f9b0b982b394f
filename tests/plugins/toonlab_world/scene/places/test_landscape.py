from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.scene.keys import generator
from toonlab_world.scene.palette import SEASONS, draw_air
from toonlab_world.scene.places.landscape import BUILDERS, THEMES
from toonlab_world.scene.things import Place, Setting


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("season", SEASONS)
def test_things_stand_on_their_spot(name, season):
    draw = generator("test", name, season)
    setting = Setting(SEASONS[season], draw_air(draw, 0.5), {}, 0.5, 1.0)
    thing = BUILDERS[name](draw, setting, Place(0.5, 0.8, 0.4, 0.2))
    outlines = np.concatenate([shape.outline for shape in thing.shapes])
    assert thing.base == 0.8
    assert outlines[:, 1].max() == pytest.approx(0.8, abs=0.06)
    assert outlines[:, 0].min() < 0.5 < outlines[:, 0].max()
    assert np.ptp(outlines, axis=0).max() < 0.9


def test_themes_name_things_that_exist():
    assert {name for theme in THEMES.values() for name in theme} == set(BUILDERS)

"""Settings, a camera, and what holds for all shapes of a scene."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest

from toonlab_world.scene.palette import HOURS, SEASONS, Setting
from toonlab_world.scene.places.landscape import THEMES
from toonlab_world.scene.scene import Air, Shape
from toonlab_world.scene.space import Camera, Face

SUN = (-0.6, -0.6, 0.5291503)


@pytest.fixture(scope="session")
def make_setting() -> Callable[..., Setting]:
    """`make_setting(night=False, season="summer")`."""

    def make(night: bool = False, season: str = "summer") -> Setting:
        hour = HOURS["night" if night else "noon"]
        air = Air(hour.zenith, hour.horizon, hour.sunlight, hour.ambient, 0.3, SUN, (0.3, 0.2), night)
        return Setting(SEASONS[season], air, THEMES["park"], horizon=0.5, scale=1.0)

    return make


@pytest.fixture(scope="session")
def camera() -> Camera:
    return Camera(vanishing=0.5, horizon=0.45, eye=1.6, zoom=0.9)


@pytest.fixture(scope="session")
def wall(camera: Camera) -> Face:
    """A wall that faces the viewer, four metres away."""
    return Face(camera, (-2.0, 0.0, 4.0), (4, 0, 0), (0, 2.6, 0), (0, 0, 1))


@pytest.fixture(scope="session")
def points_of() -> Callable[[Iterable[Shape]], np.ndarray]:
    """All corners of shapes, `(n, 2)`."""
    return lambda shapes: np.concatenate([points for shape in shapes for points in (shape.outline, *shape.more)])


@pytest.fixture(scope="session")
def check_shapes() -> Callable[[Iterable[Shape]], None]:
    """Asserts what a renderer needs: finite corners, colours and weights in [0, 1]."""

    def check(shapes: Iterable[Shape]) -> None:
        for shape in shapes:
            for points in (shape.outline, *shape.more, *shape.strokes):
                assert points.dtype == np.float32 or points.dtype == np.float64
                assert points.ndim == 2
                assert points.shape[1] == 2
                assert np.isfinite(points).all()
            surface = shape.surface
            amplitudes = (surface.texture.grain, surface.texture.blotch, surface.texture.streak, surface.texture.leaf)
            for value in (*surface.color, *amplitudes, surface.glow, surface.mirror, shape.depth, shape.line):
                assert 0 <= value <= 1

    return check

from __future__ import annotations

from dataclasses import asdict, replace

import cv2
import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from toonlab_world.render.styles import MAX_TONES, STYLES, AnyStyle, Style, palette, style_of
from toonlab_world.scene.curves import box
from toonlab_world.scene.forms import Even
from toonlab_world.scene.scene import Air, Layer, Scene, Shape, Surface

ANY = TypeAdapter(AnyStyle)


@pytest.mark.parametrize("name", STYLES)
def test_the_named_styles_are_within_the_limits_of_their_parameters(name):
    assert ANY.validate_python(asdict(STYLES[name])) == STYLES[name]


def test_what_is_not_given_is_as_in_bold():
    assert Style() == STYLES["bold"]
    assert ANY.validate_python({"tones": 2}) == Style(tones=2)


def test_a_name_stands_for_its_style_and_a_style_for_itself():
    own = Style(tones=1)
    assert style_of("flat") is STYLES["flat"]
    assert style_of(own) is own


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"line_width": 0}, "line_width: Input should be greater than 0"),
        ({"tones": 5}, "tones: Input should be less than or equal to 4"),
        ({"wash": (0, 0, 2)}, "wash.2: Input should be less than or equal to 1"),
        ({"linewidth": 1}, "linewidth: Unexpected keyword argument"),
        ("loud", "'soft', 'bold' or 'flat'"),
    ],
)
def test_a_wrong_parameter_is_named(given, message):
    with pytest.raises(ValidationError, match=message):
        ANY.validate_python(given)


AIR = Air((0.2, 0.4, 0.8), (0.8, 0.9, 1), (1, 1, 1), (0.5, 0.5, 0.6), 0.8, (-0.6, -0.6, 0.53), (0.2, 0.1))
PLAIN = Style(saturation=1, value=1, contrast=0, mood=0)


def scene_of(*surfaces: Surface, depth: float = 0.0, air: Air = AIR) -> Scene:
    shapes = [Shape(box(0, 0, 1, 1), surface, Even(), depth) for surface in surfaces]
    sky = Shape(box(0, 0, 1, 1), Surface(air.zenith), Even(), depth=1.0)
    return Scene(("test",), air, 0.5, Layer([sky]), [Layer(shapes)], focus=0.3, blur=0.5)


def tones(scene: Scene, style: Style, shape: int = 1) -> np.ndarray:
    """The colours of a shape, `(MAX_TONES, 3)`, from the darkest tone on."""
    return palette(scene, style).reshape(-1, MAX_TONES, 4)[shape, :, :3].astype(int)


def test_every_tone_of_every_shape_has_a_colour():
    colors = palette(scene_of(Surface((1, 0, 0)), Surface((0, 1, 0))), STYLES["bold"])
    assert colors.shape == (3 * MAX_TONES, 4)
    assert colors.dtype == np.uint8
    assert (colors[:, 3] == 0).all()


def test_a_plain_style_keeps_a_near_surfaces_colour_in_every_tone():
    assert np.abs(tones(scene_of(Surface((0.8, 0.4, 0.2))), PLAIN) - (204, 102, 51)).max() <= 1


def test_contrast_darkens_the_low_tones_and_brightens_the_high_ones():
    luma = tones(scene_of(Surface((0.8, 0.4, 0.2))), replace(PLAIN, contrast=0.9, tones=4)).mean(axis=1)
    assert (np.diff(luma) > 0).all()
    assert luma[0] < np.mean((204, 102, 51)) < luma[-1]


def test_what_glows_has_no_shade():
    shine = tones(scene_of(Surface((0.8, 0.4, 0.2), glow=1.0)), replace(PLAIN, contrast=0.9))
    assert np.abs(shine - shine[0]).max() <= 1


def test_distance_fades_to_the_horizon():
    surface = Surface((0.8, 0.2, 0.1))
    away = [np.abs(tones(scene_of(surface, depth=d), PLAIN)[0] / 255 - AIR.horizon).sum() for d in (0.0, 0.4, 0.9)]
    assert away[0] > away[1] > away[2]


@pytest.mark.parametrize("shift", [-0.25, 0.25])
def test_hues_turn_by_the_styles_shift(shift):
    color = tones(scene_of(Surface((0.8, 0.2, 0.2))), replace(PLAIN, hue_shift=shift))[0]
    hue = cv2.cvtColor(color[None, None].astype(np.float32) / 255, cv2.COLOR_RGB2HSV)[0, 0, 0]
    assert hue / 360 == pytest.approx(shift % 1, abs=0.01)


def test_a_wash_covers_its_share():
    washed = tones(scene_of(Surface((0.8, 0.4, 0.2))), replace(PLAIN, wash=(0, 0, 1), wash_share=1.0))
    assert (washed == (0, 0, 255)).all()


def test_night_takes_the_colour_of_its_light():
    moon = replace(AIR, sunlight=(0.5, 0.6, 0.9))
    day, night = (
        tones(scene_of(Surface((0.8, 0.8, 0.8)), air=replace(moon, night=n)), PLAIN)[0] for n in (False, True)
    )
    assert night.sum() < day.sum()
    assert night[2] / night[0] > day[2] / day[0]

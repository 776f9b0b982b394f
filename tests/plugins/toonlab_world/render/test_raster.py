from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from toonlab_world.render.raster import Raster
from toonlab_world.scene.curves import box
from toonlab_world.scene.forms import Even
from toonlab_world.scene.scene import Air, Layer, Scene, Shape, Surface

AIR = Air((0.2, 0.4, 0.8), (0.8, 0.9, 1), (1, 1, 0.9), (0.5, 0.5, 0.6), 0.3, (-0.6, -0.6, 0.53), (0.2, 0.1))


def patch(left: float, top: float, right: float, bottom: float, light: float = 0.5) -> Shape:
    return Shape(box(left, top, right, bottom), Surface((0.5, 0.5, 0.5)), Even(light))


def scene_of(*layers: Layer) -> Scene:
    sky = Layer([patch(-0.1, -0.1, 1.1, 1.1, 0.9)], [[patch(0.1, 0.0, 0.3, 0.2)]])
    return Scene(("test",), AIR, 0.5, sky, layers, focus=0.3, blur=0.5)


def test_later_shapes_cover_earlier_ones_and_are_lit_by_their_own_form():
    ground, front = patch(-0.1, 0.5, 1.1, 1.1, 0.2), patch(0.25, 0.25, 0.75, 0.75, 0.7)
    raster = Raster(scene_of(Layer([ground], [[front]])), 16)
    assert raster.shapes.shape == (32, 32)
    assert raster.shapes[0, 31] == 0  # sky
    assert raster.shapes[2, 6] == 1  # cloud
    assert raster.shapes[31, 0] == 2
    assert raster.shapes[16, 16] == 3
    np.testing.assert_allclose(raster.light[[0, 31, 16], [31, 0, 16]], [0.9, 0.2, 0.7])


@pytest.mark.parametrize("size", [16, 64])
def test_a_shape_covers_its_area_at_any_size(size):
    raster = Raster(scene_of(Layer([patch(-0.1, 0.8, 1.1, 1.1)], [[patch(0.25, 0.3, 0.75, 0.6)]])), size)
    assert (raster.shapes == 3).mean() == pytest.approx(0.5 * 0.3, abs=1.5 / size)


def test_a_shadow_falls_on_its_own_ground_alone():
    fallen = box(0.0, 0.2, 1.0, 0.9)
    layers = [
        Layer([patch(-0.1, 0.4, 1.1, 1.1)]),
        Layer([patch(-0.1, 0.6, 1.1, 1.1)], [[patch(0.4, 0.5, 0.6, 0.7)]], [fallen]),
    ]
    raster = Raster(scene_of(*layers), 50)
    assert set(raster.shapes[raster.shadow > 0]) == {3}  # neither the hill behind nor what stands there
    assert raster.shadow[65, 10] == 255
    assert raster.shadow[95, 10] == 0


def test_clouds_are_kept_where_the_ground_hides_them():
    raster = Raster(scene_of(Layer([patch(-0.1, 0.1, 1.1, 1.1)])), 20)
    assert raster.clouds[7, 8] == 255
    assert raster.shapes[7, 8] == 2


def test_shapes_outside_of_the_picture_do_not_disturb_the_labels():
    raster = Raster(scene_of(Layer([patch(1.5, 0.5, 1.9, 1.1), patch(-0.1, 0.5, 1.1, 1.1)])), 16)
    assert raster.shapes[31, 16] == 3


def test_a_shape_of_several_polygons_covers_them_all_even_where_they_overlap():
    shape = patch(0.1, 0.5, 0.6, 0.9)
    shape = replace(shape, more=[box(0.4, 0.5, 0.8, 0.9)])
    raster = Raster(scene_of(Layer([shape])), 50)
    assert (raster.shapes == 2).mean() == pytest.approx(0.7 * 0.4, abs=0.02)

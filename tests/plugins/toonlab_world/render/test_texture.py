from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from toonlab_world.render.bank import NUMBERS
from toonlab_world.render.raster import SUPERSAMPLING, Raster
from toonlab_world.render.texture import Layout, dappled, textured
from toonlab_world.scene.compose import compose
from toonlab_world.scene.curves import box
from toonlab_world.scene.forms import Even
from toonlab_world.scene.scene import Air, Layer, Scene, Shape, Surface, Texture, level, upright

SIZE = 64
AIR = Air((0.2, 0.4, 0.8), (0.8, 0.9, 1), (1, 1, 0.9), (0.5, 0.5, 0.6), 0.3, (-0.6, -0.6, 0.53), (0.25, 0.25))


def scene_of(*shapes: Shape) -> Scene:
    return Scene(("laid", "out"), AIR, 0.5, Layer([]), [Layer(shapes)], focus=0.3, blur=0.5)


def layout_of(*shapes: Shape) -> Layout:
    scene = scene_of(*shapes)
    return Layout(scene, Raster(scene, SIZE).shapes)


def whole(material: str | None = "brick", frame: tuple[float, ...] | None = None) -> Shape:
    surface = Surface((0.5, 0.5, 0.5), Texture(material=material))
    return Shape(box(-0.1, -0.1, 1.1, 1.1), surface, Even(0.7), frame=frame)


def test_an_upright_surface_is_laid_out_evenly():
    laid = layout_of(whole(frame=upright(0.5, 0.5, 0.1)))
    np.testing.assert_allclose(np.diff(laid.u, axis=1), 10 / SIZE, rtol=1e-3)
    np.testing.assert_allclose(np.diff(laid.v, axis=0), 10 / SIZE, rtol=1e-3)
    np.testing.assert_allclose(laid.metres, 10 / SIZE, rtol=1e-3)


def test_level_ground_covers_more_metres_towards_the_horizon():
    laid = layout_of(whole(frame=level(0.0, 2.0)))
    assert (np.diff(laid.metres, axis=0) < 0).all()
    near, far = laid.u[-1, -1] - laid.u[-1, 0], laid.u[15, -1] - laid.u[15, 0]
    assert far / near == pytest.approx((SIZE - 0.5) / 15.5, rel=0.01)


def test_a_wall_in_perspective_is_laid_out_in_its_metres(wall):
    """Of four metres' width, and 2.6 metres' height."""
    scene = scene_of(wall.shape(Surface((0.5, 0.5, 0.5))))
    laid = Layout(scene, np.zeros((SIZE * SUPERSAMPLING,) * 2, np.uint16))
    corners = wall.see([(0.1, 0.9), (0.6, 0.9), (0.1, 0.4)]) * SIZE
    (x0, y0), (x1, _), (_, y1) = np.clip(np.rint(corners).astype(int), 0, SIZE - 1)
    assert laid.u[y0, x1] - laid.u[y0, x0] == pytest.approx(2.0, abs=0.15)
    assert laid.v[y1, x0] - laid.v[y0, x0] == pytest.approx(1.3, abs=0.15)  # down


def test_what_has_no_material_stays_as_it_is():
    scene = scene_of(whole(None))
    factor, color = textured(Layout(scene, Raster(scene, SIZE).shapes), scene, 1.0)
    assert (factor == 1).all()
    assert (color == 1).all()


def test_a_material_grows_with_its_strength_and_keeps_the_brightness():
    scene = scene_of(whole("grass"))
    laid = Layout(scene, Raster(scene, SIZE).shapes)
    weak, strong = (np.log(textured(laid, scene, strength)[0]) for strength in (0.5, 1.0))
    np.testing.assert_allclose(2 * weak, strong, atol=1e-4)
    assert strong.std() > 0.1
    assert abs(strong.mean()) < 0.25


def test_a_coarser_sample_is_smoother():
    laid = layout_of(whole("leaves"))
    fine, coarse = (np.abs(np.diff(laid.sample(coarser)[0])).mean() for coarser in (0, 3))
    assert coarse < 0.6 * fine


def test_shadows_of_leaves_fall_on_the_ground_alone():
    low = Shape(box(-0.1, 0.5, 1.1, 1.1), Surface((0.5, 0.5, 0.5), Texture(material="grass")), Even(0.7))
    shares = []
    for index in range(4):
        scene = replace(scene_of(whole("brick"), low), key=("shade", index))
        shade = dappled(Layout(scene, Raster(scene, SIZE).shapes), scene)
        assert shade[: SIZE // 2 - 1].max() == 0
        shares.append(shade[SIZE // 2 + 1 :].mean())
    assert 0.1 < np.mean(shares) < 0.9


def test_surfaces_of_one_thing_share_an_origin_and_things_differ():
    surface = Surface((0.5, 0.5, 0.5), Texture(material="brick"))
    parts = [Shape(box(x, 0, x + 0.2, 1), surface, Even(0.7)) for x in (0.1, 0.3, 0.6)]
    scene = replace(scene_of(), layers=[Layer([], [parts[:2], parts[2:]])])
    laid = Layout(scene, Raster(scene, SIZE).shapes)
    np.testing.assert_array_equal(laid.origin[0], laid.origin[1])
    assert (laid.origin[0] != laid.origin[2]).all()


def test_every_kind_of_scene_is_made_of_materials():
    for kind in ("landscape", "waterside", "street", "interior"):
        scene = compose((0, "made", 1), kind)
        laid = Layout(scene, Raster(scene, SIZE).shapes)
        seen = laid.material.take(laid.labels)
        assert len(np.unique(seen)) >= 4, kind
        assert set(np.unique(seen)) <= {0, *NUMBERS.values()}
        assert np.isfinite(laid.metres).all()

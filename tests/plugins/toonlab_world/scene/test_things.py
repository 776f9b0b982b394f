from __future__ import annotations

from toonlab_world.scene.curves import box
from toonlab_world.scene.forms import Even
from toonlab_world.scene.scene import Surface
from toonlab_world.scene.things import Place


def test_a_shape_has_the_depth_of_its_place():
    outline, further = box(0.1, 0.2, 0.3, 0.4), box(0.5, 0.2, 0.6, 0.4)
    shape = Place(0.2, 0.4, 0.1, depth=0.7).shape(outline, Surface((1, 0, 0)), Even(0.3), line=0.5, more=[further])
    assert (shape.depth, shape.line, shape.form) == (0.7, 0.5, Even(0.3))
    assert shape.outline is outline
    assert shape.more == [further]
    assert shape.strokes == ()

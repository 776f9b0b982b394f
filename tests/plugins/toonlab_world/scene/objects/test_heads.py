from __future__ import annotations

import pytest

from toonlab_world.scene.keys import generator
from toonlab_world.scene.objects.bodies import Body
from toonlab_world.scene.objects.heads import INK, TINY, head, long_hair
from toonlab_world.scene.things import Place

SKIN, HAIR = (0.9, 0.7, 0.55), (0.3, 0.2, 0.1)


def of(height, number=0, side=1.0):
    return head(generator("head", number), Body(Place(0.5, 0.9, 1.0, 0.3), height, side), SKIN, HAIR)


@pytest.mark.parametrize("number", range(6))
def test_a_face_has_eyes_mouth_and_nose_within_its_outline(check_shapes, number):
    face, eyes, hair = of(0.8, number)
    check_shapes((face, eyes, hair))
    assert [shape.surface.color for shape in (face, eyes, hair)] == [SKIN, INK, HAIR]
    assert len(face.strokes) == 2
    for points in (eyes.outline, *eyes.more, *face.strokes):
        assert (points > face.outline.min(axis=0)).all()
        assert (points < face.outline.max(axis=0)).all()
    mouth, nose = face.strokes
    assert eyes.outline[:, 1].max() < nose[:, 1].max() < mouth[:, 1].min()


def test_a_tiny_head_has_hair_and_no_face():
    face, hair = of(TINY / 2)
    assert (face.strokes, hair.surface.color) == ((), HAIR)


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_hair_lies_on_top(side):
    face, _, hair = of(0.8, side=side)
    assert hair.outline[:, 1].min() < face.outline[:, 1].min()
    assert hair.outline[:, 1].max() < face.outline[:, 1].max()


def test_long_hair_falls_to_the_shoulders_on_both_sides_of_the_head():
    body = Body(Place(0.5, 0.9, 1.0, 0.3), 0.8, 1.0)
    hair, face = long_hair(body, HAIR).outline, of(0.8)[0].outline
    assert hair[:, 1].max() > face[:, 1].max()
    assert hair[:, 0].min() < face[:, 0].min()
    assert hair[:, 0].max() > face[:, 0].max()

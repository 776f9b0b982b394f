"""Segments of synthetic looks, and of the film's frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from toonlab_frames.shots import Look, Segment, ShotFinder, look

from .rendered import Picture, credits, dissolve, faded, scene, shot


def segments(frames: Sequence[Picture], per_shot: int = 1, start: int = 0) -> list[Segment]:
    finder, found = ShotFinder(per_shot), list[Segment]()
    for number, frame in enumerate(frames):
        found += finder.add(look(float(start + number), np.ascontiguousarray(frame)))
    return [*found, *finder.end()]


def kinds(found: Sequence[Segment]) -> list[tuple[str, int]]:
    return [(each.kind, each.frames) for each in found]


BLACK = [np.zeros((84, 192, 3), np.uint8)] * 7


def test_a_cut_ends_a_shot_and_the_sharpest_frame_is_chosen() -> None:
    found = segments([*shot(0), *shot(1), *shot(2, 30)])
    assert kinds(found) == [("shot", 18), ("shot", 18), ("shot", 30)]
    assert [each.sharpest for each in found] == [[9.0], [27.0], [51.0]]
    assert [each.end for each in found] == [17.0, 35.0, 65.0]


def test_black_frames_and_credits_are_no_shots() -> None:
    found = segments([*BLACK, *shot(0), *BLACK, *credits(30)])
    assert kinds(found) == [("black", 7), ("shot", 18), ("black", 7), ("credits", 30)]


def test_a_night_sky_is_no_credits() -> None:
    sky = np.full((180, 320, 3), (8, 8, 20), np.uint8)
    for x, y in np.random.default_rng(0).integers(0, (318, 178), (400, 2)):
        sky[y : y + 2, x : x + 2] = 250
    assert look(0, sky).kind == "shot"


def test_a_dissolve_is_a_transition_between_two_shots() -> None:
    one, other = shot(6, 30), shot(7, 30)
    for frames in (12, 20):
        found = segments([*one, *dissolve(one[-1], other[0], frames), *other])
        assert [each.kind for each in found] == ["shot", "transition", "shot"], frames
        assert found[0].end <= 30
        assert found[1].end >= 30 + frames / 2
        assert found[2].sharpest == [30 + frames + 15.0]


def test_of_a_short_dissolve_no_frame_is_chosen() -> None:
    one, other = shot(6, 30), shot(7, 30)
    found = segments([*one, *dissolve(one[-1], other[0], 5), *other])
    chosen = [time for each in found for time in each.sharpest]
    assert chosen == [15.0, 50.0]
    assert [each.kind for each in found] == ["shot", "shot"]


def test_fades_end_in_black_and_their_dim_frames_are_not_chosen() -> None:
    frames = shot(3, 74)
    found = segments([*faded(frames[:24], 0, 1), *frames[24:50], *faded(frames[50:], 1, 0), *BLACK])
    chosen = [time for each in found for time in each.sharpest]
    assert chosen
    assert all(24 <= time < 50 for time in chosen)
    assert sum(each.frames for each in found) == 81


def test_a_fade_that_begins_like_a_cut_is_a_transition() -> None:
    frames = shot(3, 40)
    found = segments([*frames[:30], *faded(frames[30:], 1, 0), *BLACK])
    assert [each.kind for each in found] == ["shot", "transition", "black"]
    assert sum(each.frames for each in found) == 47


def test_a_pan_over_one_scene_is_one_shot() -> None:
    wide = scene(1, 400)
    found = segments([wide[150:234, 4 * at : 4 * at + 192] for at in range(50)])
    assert kinds(found) == [("shot", 50)]


def test_too_few_frames_are_no_shot() -> None:
    found = segments([*shot(0), *BLACK, *shot(1)[:4], *BLACK, *shot(2)])
    assert kinds(found) == [("shot", 18), ("black", 7), ("short", 4), ("black", 7), ("shot", 18)]


@pytest.mark.parametrize("held", [1, 2, 3, 4])
def test_fast_motion_is_no_cut_even_where_each_drawing_is_held(held: int) -> None:
    """As in animation on twos and threes."""
    wide, other = scene(1, 600), scene(5, 600)
    frames = [wide[250:334, 5 * (at // held) : 5 * (at // held) + 192] for at in range(30)]
    frames += [other[250:334, 5 * (at // held) : 5 * (at // held) + 192] for at in range(30)]
    assert kinds(segments(frames)) == [("shot", 30), ("shot", 30)]


@pytest.mark.parametrize("count", [2, 3])
def test_several_frames_of_a_shot_are_of_different_parts(count: int) -> None:
    (found,) = segments(shot(0, 32), per_shot=count)
    assert len(found.sharpest) == count
    parts = [int((time - 1) * count / 30) for time in found.sharpest]
    assert parts == list(range(count))


def test_every_segment_is_found_the_same_from_its_first_frame_on() -> None:
    one, other = shot(6, 30), shot(7, 30)
    frames = [*BLACK, *shot(0), *shot(1), *one, *dissolve(one[-1], other[0]), *other, *credits(20)]
    whole = segments(frames)
    assert len(whole) == 7
    for number, each in enumerate(whole[:-1], 1):
        start = int(each.end) + 1
        assert segments(frames[start:], start=start) == whole[number:]


def test_the_memory_of_a_shot_has_a_limit_and_keeps_the_sharpest() -> None:
    finder, thumb = ShotFinder(), np.zeros((18, 32, 3), np.float32)
    for time in range(20_000):
        assert not list(finder.add(Look(float(time), "shot", thumb, 5.0 if time == 7_001 else time % 3)))
        assert len(finder._times) < 512
    (found,) = finder.end()
    assert (found.frames, found.sharpest) == (20_000, [7_001.0])

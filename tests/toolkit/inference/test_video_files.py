"""Video files: times, sound, geometry and colours come back as they were."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from rendered_clips import BASE, HEIGHT, STEADY, UNEVEN, WIDTH, Picture, encode, frame, number_of, packets, shown

from toonlab.images.files import CLIP_SUFFIXES
from toonlab.inference.video_files import (
    _FORMATS,
    GOP,
    Clip,
    Look,
    SegmentWriter,
    UnreadableClipError,
    container_of,
    join,
)

MATRICES = [(1, 0, 0, 0, 1), (0, 1, 0, -1, 0), (-1, 0, 0, 0, -1), (0, -1, 0, 1, 0)]
MATRICES += [(-1, 0, 0, 0, 1), (1, 0, 0, 0, -1), (0, 1, 0, 1, 0), (0, -1, 0, -1, 0)]


def copy(source: Path, target: Path, max_side: int | None = None) -> tuple[Clip, list[Picture], list[str]]:
    """The clip written again as its own cartoon; also its upright frames, and what was not copied."""
    clip, segments, seen = Clip(source, max_side), list[Path](), list[Picture]()
    shots = list(clip.frames())
    for start in range(0, len(shots), GOP):
        segments.append(target.with_name(f"{target.name}-{start}"))
        with SegmentWriter(segments[-1], clip.look, container_of(target)) as writer:
            for shot in shots[start : start + GOP]:
                writer.add(shot.pts, shot.pixels)
                seen.append(shot.pixels)
    return clip, seen, join(segments, clip, target, container_of(target), shots[-1].duration)


def test_each_suffix_has_a_container() -> None:
    assert set(_FORMATS) == CLIP_SUFFIXES


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize("times", [STEADY, UNEVEN])
def test_frames_keep_their_order_and_times(tmp_path: Path, suffix: str, times: tuple[int, ...]) -> None:
    source = encode(tmp_path / f"in.{suffix}", times)
    _, _, left = copy(source, tmp_path / f"out.{suffix}")
    before, after = shown(source), shown(tmp_path / f"out.{suffix}")
    assert after[0] == before[0]
    assert [number_of(picture) for picture in after[1]] == list(range(len(times)))
    assert np.abs(np.stack(after[1]).astype(int) - np.stack(before[1])).mean() < 3
    assert left == []
    if suffix != "mkv":  # it counts milliseconds
        assert after[0] == [time * BASE for time in times]


def test_each_frame_lasts_to_the_next_one_and_the_last_one_as_long_as_before(tmp_path: Path) -> None:
    copy(encode(tmp_path / "in.mp4", UNEVEN), tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as file:
        found = [(packet.pts, packet.duration) for packet in file.demux(video=0) if packet.size]
        base = file.streams.video[0].time_base
    steps = np.diff([*(time for time, _ in found)]).tolist()
    assert [duration for _, duration in found][:-1] == steps
    assert found[-1][1] * base == pytest.approx(512 * BASE)


@pytest.mark.parametrize(
    ("suffix", "sound"), [("mp4", "aac"), ("mkv", "pcm_s16le"), ("mov", "pcm_s16le"), ("webm", "libopus")]
)
def test_the_sound_is_the_same_packets_at_the_same_times(tmp_path: Path, suffix: str, sound: str) -> None:
    codec = "libvpx-vp9" if suffix == "webm" else "libx264"
    source = encode(tmp_path / f"in.{suffix}", STEADY[:60], sound=sound, codec=codec)
    copy(source, tmp_path / f"out.{suffix}")
    assert packets(tmp_path / f"out.{suffix}") == packets(source)
    assert shown(tmp_path / f"out.{suffix}")[0] == shown(source)[0]


def test_a_container_without_suffix_of_its_own_becomes_matroska_and_begins_at_0(tmp_path: Path) -> None:
    source = encode(tmp_path / "in.ts", STEADY[:50])
    copy(source, tmp_path / "out.mkv")
    before, after = (np.array([float(time) for time in shown(path)[0]]) for path in (source, tmp_path / "out.mkv"))
    assert before[0] > 0.05
    start = min(before[0], float(packets(source)[0][0]))
    assert np.abs(after - (before - start)).max() <= 0.001
    assert len(packets(tmp_path / "out.mkv")) == len(packets(source))


def test_sound_that_does_not_fit_is_told(tmp_path: Path) -> None:
    source = encode(tmp_path / "in.webm", STEADY[:10], container="matroska")
    _, _, left = copy(source, tmp_path / "out.webm")
    assert left == ["left out, since the cartoon's webm file can't hold it as it is: audio (aac)"]
    assert len(shown(tmp_path / "out.webm")[0]) == 10


def test_a_clip_without_sound(tmp_path: Path) -> None:
    copy(encode(tmp_path / "in.mp4", STEADY[:10], sound=None), tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as file:
        assert [stream.type for stream in file.streams] == ["video"]


@pytest.mark.parametrize("matrix", MATRICES)
def test_what_is_turned_upright_is_turned_back(matrix: tuple[int, ...]) -> None:
    look = Look(
        (4, 6), BASE, None, Fraction(1), (*(65536 * each for each in matrix), 0, 0, 0, 1 << 30), (1, 1, 1, 1), (1, 1)
    )
    stored = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3)
    assert np.array_equal(look.stored(look.upright(stored)), stored)


@pytest.mark.parametrize(("degrees", "corner"), [(90, (-4, -4)), (180, (3, -4)), (-90, (3, 3))])
def test_the_network_sees_frames_upright_and_the_file_stays_turned(
    tmp_path: Path, degrees: int, corner: tuple[int, int]
) -> None:
    """The stored frames are red in the lower left; `corner` is where that is shown."""
    source = encode(tmp_path / "in.mp4", STEADY[:5], turn=(degrees, False))
    _, (picture, *_), _ = copy(source, tmp_path / "out.mp4")
    assert picture.shape[:2] == ((WIDTH, HEIGHT) if degrees % 180 else (HEIGHT, WIDTH))
    levels = picture.astype(int)
    red = {place for place in ((3, 3), (3, -4), (-4, 3), (-4, -4)) if levels[place][0] > levels[place][1] + 120}
    assert red == {corner}
    before, after = (next(av.open(str(path)).decode(video=0)) for path in (source, tmp_path / "out.mp4"))
    assert (after.rotation, after.width, after.height) == (before.rotation, before.width, before.height)
    assert (after.rotation - degrees) % 360 == 0


def test_a_mirrored_clip_stays_mirrored(tmp_path: Path) -> None:
    source = encode(tmp_path / "in.mp4", STEADY[:5], turn=(0, True))
    _, seen, _ = copy(source, tmp_path / "out.mp4")
    assert np.abs(seen[0].astype(int) - frame(0)[:, ::-1]).mean() < 8
    matrices = [
        bytes(next(av.open(str(path)).decode(video=0)).side_data["DISPLAYMATRIX"])
        for path in (source, tmp_path / "out.mp4")
    ]
    assert matrices[0][:20] == matrices[1][:20]


@pytest.mark.parametrize("tags", [(2, 1, 1, 13), (1, 6, 6, 6), (1, 9, 9, 14), (0, 2, 2, 2), (2, 5, 5, 6)])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_colours_and_their_tags_are_kept(tmp_path: Path, tags: tuple[int, int, int, int], suffix: str) -> None:
    source = encode(tmp_path / f"in.{suffix}", STEADY[:5], tags=tags)
    _, seen, _ = copy(source, tmp_path / f"out.{suffix}")
    with av.open(str(tmp_path / f"out.{suffix}")) as file:
        first = next(file.decode(video=0))
    assert (first.color_range, first.colorspace, first.color_primaries, first.color_trc) == tags
    for pictures in (seen, shown(tmp_path / f"out.{suffix}")[1]):
        assert np.abs(pictures[0].astype(int) - frame(0)).mean() < 6
        assert pictures[0][2:6, 74:78].mean() < 4  # black
    bright = encode(tmp_path / f"bright.{suffix}", STEADY[:5], [np.full((64, 96, 3), 250, np.uint8)] * 5, tags=tags)
    assert abs(copy(bright, tmp_path / f"same.{suffix}")[1][0].mean() - 250) < 3  # a wrong range moves it by 15
    assert abs(shown(tmp_path / f"same.{suffix}")[1][0].mean() - 250) < 3  # a wrong range moves it by 15


def test_a_clip_of_rgb_becomes_one_that_players_know(tmp_path: Path) -> None:
    source = encode(tmp_path / "in.mkv", STEADY[:3], codec="ffv1", kind="bgr0", sound=None, tags=(2, 0, 1, 13))
    _, seen, _ = copy(source, tmp_path / "out.mkv")
    assert np.array_equal(seen[0], frame(0))
    first = next(av.open(str(tmp_path / "out.mkv")).decode(video=0))
    assert (first.format.name, first.color_range, first.colorspace) == ("yuv420p", 1, 6)
    assert np.abs(shown(tmp_path / "out.mkv")[1][0].astype(int) - frame(0)).mean() < 6


def test_odd_sides_are_cropped_and_told(tmp_path: Path) -> None:
    source = encode(tmp_path / "in.mkv", STEADY[:3], [frame(n, (97, 65)) for n in range(3)], kind="yuv444p")
    clip, seen, _ = copy(source, tmp_path / "out.mkv")
    assert clip.notes() == ["97x65 pixels are cropped to 96x64, since the codec needs even sides"]
    assert seen[0].shape == (64, 96, 3)
    assert np.abs(seen[0].astype(int) - frame(0, (97, 65))[:64, :96]).mean() < 4
    scaled, _, _ = copy(source, tmp_path / "small.mkv", max_side=51)
    assert scaled.look.size == (50, 34)
    assert scaled.notes() == []


def test_what_scaling_changes(tmp_path: Path) -> None:
    """A player guesses the colour matrix by the height, so that a scaled clip has to name the one of its source."""
    large = [np.full((720, 64, 3), (200, 40, 90), np.uint8)] * 2
    source = encode(tmp_path / "in.mp4", STEADY[:2], large, tags=(0, 2, 2, 2))
    clip, seen, _ = copy(source, tmp_path / "out.mp4", max_side=360)
    assert clip.look.size == (32, 360)
    assert clip.look.tags == (0, 1, 2, 2)
    assert seen[0].shape == (360, 32, 3)


def test_the_width_of_pixels_is_kept(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "in.mp4"), "w") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        for number in range(3):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame(number), format="rgb24")))
        file.mux(stream.encode(None))
    copy(tmp_path / "in.mp4", tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as file:
        assert file.streams.video[0].sample_aspect_ratio == Fraction(4, 3)


def test_high_dynamic_range_is_told(tmp_path: Path) -> None:
    clip = Clip(encode(tmp_path / "in.mkv", STEADY[:3], tags=(1, 9, 9, 16)))
    assert [note.partition(":")[0] for note in clip.notes()] == ["has a high dynamic range"]


def test_frames_can_be_skipped_and_counted(tmp_path: Path) -> None:
    clip = Clip(encode(tmp_path / "in.mp4", UNEVEN))
    whole, rest = list(clip.frames()), list(clip.frames(skip=60))
    assert [shot.pts for shot in rest] == [shot.pts for shot in whole][60:]
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(rest, whole[60:], strict=True))
    assert [number_of(shot.pixels) for shot in whole] == list(range(100))
    assert list(clip.frames(skip=100)) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "can't be read as a clip (Invalid data found when processing input)"),
        (b"no clip at all" * 99, "can't be read as a clip (Invalid data found when processing input)"),
    ],
)
def test_what_is_no_clip(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(UnreadableClipError) as raised:
        Clip(tmp_path / "a.mp4")
    assert str(raised.value) == reason


def test_sound_alone_is_no_clip(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w", format="wav") as file:
        stream = file.add_stream("pcm_s16le", rate=16_000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), format="s16", layout="mono")
        sound.sample_rate = 16_000
        file.mux([*stream.encode(sound), *stream.encode(None)])
    with pytest.raises(UnreadableClipError, match="has no video stream"):
        Clip(tmp_path / "a.mp4")


def test_a_truncated_clip_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    source = encode(tmp_path / "whole.mp4", movflags="faststart")
    content = source.read_bytes()
    (tmp_path / "in.mp4").write_bytes(content[: len(content) * 2 // 3])
    clip, _, _ = copy(tmp_path / "in.mp4", tmp_path / "out.mp4")
    numbers = [number_of(picture) for picture in shown(tmp_path / "out.mp4")[1]]
    assert 40 < len(numbers) < 90
    assert numbers[:-2] == list(range(len(numbers) - 2))  # the last ones may be decoded in part
    sounds = packets(tmp_path / "out.mp4")
    assert sounds == packets(source)[: len(sounds)]
    assert clip.seconds == pytest.approx(4.0)


def test_damage_in_the_middle_moves_nothing(tmp_path: Path) -> None:
    source = encode(tmp_path / "whole.mkv")
    content = bytearray(source.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = bytes(4000)
    (tmp_path / "in.mkv").write_bytes(content)
    clip, _, _ = copy(tmp_path / "in.mkv", tmp_path / "out.mkv")
    times = shown(tmp_path / "out.mkv")[0]
    assert set(times) <= set(shown(source)[0])
    assert times == sorted(times)
    assert len(times) > 70
    assert clip.damaged > 0 or len(times) < 100

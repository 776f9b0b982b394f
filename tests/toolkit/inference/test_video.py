"""Clips become cartoons: whole, after an interruption, and as far as they can be read."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
import torch
from filelock import FileLock
from rendered_clips import STEADY, UNEVEN, encode, frame, number_of, packets, shown
from torch import Tensor, nn

from toonlab.errors import ToonlabError
from toonlab.images.files import PictureResult, PictureTask
from toonlab.inference.video import ClipOptions, cartoonize_clips
from toonlab.inference.video_files import GOP

CPU = torch.device("cpu")


class Inverse(nn.Module):
    """The negative; calls `on` with the number of frames seen before, and learns nothing but has a weight."""

    def __init__(self, on: Callable[[int], None] = lambda _: None, weight: float = -1.0) -> None:
        super().__init__()
        self.weight, self.on, self.seen, self.sizes = nn.Parameter(torch.tensor(weight)), on, 0, set[int]()

    def forward(self, photo: Tensor) -> Tensor:
        self.on(self.seen)
        self.seen += len(photo)
        self.sizes.add(len(photo))
        return self.weight * photo

    def __repr__(self) -> str:
        return "Inverse()"


def run(source: Path, target: Path, generator: nn.Module | None = None, **options: object) -> PictureResult:
    tasks = [PictureTask(source, target)]
    return next(cartoonize_clips(generator or Inverse(), tasks, CPU, ClipOptions(**options)))  # type: ignore[arg-type]


def interrupt_at(number: int) -> Callable[[int], None]:
    def on(seen: int) -> None:
        if seen >= number:
            raise KeyboardInterrupt

    return on


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of uneven frame rate, with B-frames and sound, of a little more than two segments."""
    return encode(tmp_path_factory.mktemp("clip") / "clip.mp4", UNEVEN)


def test_a_clip_becomes_its_cartoon(clip: Path, tmp_path: Path) -> None:
    generator = Inverse()
    result = run(clip, tmp_path / "out" / "clip.mp4", generator, batch=5)
    assert result.outcome == "written"
    times, pictures = shown(tmp_path / "out" / "clip.mp4")
    assert times == shown(clip)[0]
    assert [number_of(picture) for picture in pictures] == list(range(100))
    assert np.abs(pictures[7].astype(int) - (255 - frame(7).astype(int))).mean() < 6
    assert packets(tmp_path / "out" / "clip.mp4") == packets(clip)
    assert (generator.seen, max(generator.sizes)) == (100, 5)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["clip.mp4", "clip.mp4.json"]
    told = json.loads((tmp_path / "out" / "clip.mp4.json").read_text())
    assert (told["clip"], told["frames"], told["steady"]) == ("clip.mp4", 100, 0.0)
    assert told["seconds"] == pytest.approx(float(times[-1]) + 0.04, abs=0.01)


@pytest.mark.parametrize(("at", "suffix"), [(10, "mp4"), (60, "mp4"), (96, "mp4"), (60, "webm")])
def test_an_interrupted_clip_goes_on_as_if_it_had_not_stopped(tmp_path: Path, at: int, suffix: str) -> None:
    codec, sound = ("libvpx-vp9", "libopus") if suffix == "webm" else ("libx264", "aac")
    clip = encode(tmp_path / f"clip.{suffix}", UNEVEN, codec=codec, sound=sound)
    whole, target = tmp_path / f"whole.{suffix}", tmp_path / f"cut.{suffix}"
    run(clip, whole, steady=0.5)
    with pytest.raises(KeyboardInterrupt, match="the same command goes on"):
        run(clip, target, Inverse(interrupt_at(at)), steady=0.5)
    assert not target.exists()
    resumed = Inverse()
    assert run(clip, target, resumed, steady=0.5).outcome == "written"
    assert resumed.seen == 100 - at // GOP * GOP
    (times, pictures), (again, others) = shown(whole), shown(target)
    assert times == again
    assert [number_of(picture) for picture in others] == list(range(100))
    assert (
        np.abs(np.stack(pictures).astype(int) - np.stack(others)).mean() < 1
    )  # x264 has more than one way with small frames
    assert packets(target) == packets(whole)
    reports = [json.loads(path.with_name(f"{path.name}.json").read_text()) for path in (whole, target)]
    assert reports[0] == reports[1]
    assert not (tmp_path / f".cut.{suffix}.part").exists()


def test_a_killed_process_loses_one_segment_at_most(clip: Path, tmp_path: Path) -> None:
    def killed() -> None:
        torch.set_num_threads(1)
        run(
            clip,
            tmp_path / "cut.mp4",
            Inverse(lambda seen: os.kill(os.getpid(), signal.SIGKILL) if seen > 70 else None),
        )

    process = multiprocessing.get_context("fork").Process(target=killed)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    resumed = Inverse()
    run(clip, tmp_path / "cut.mp4", resumed)
    assert resumed.seen == 100 - GOP
    times, pictures = shown(tmp_path / "cut.mp4")
    assert times == shown(clip)[0]
    assert [number_of(picture) for picture in pictures] == list(range(100))


def test_what_an_interruption_left_can_be_played(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(clip, tmp_path / "cut.mp4", Inverse(interrupt_at(60)))
    assert [number_of(picture) for picture in shown(tmp_path / ".cut.mp4.part" / "000000.nut")[1]] == list(range(GOP))


@pytest.mark.parametrize("damage", ["done.json", "state-1.npz"])
def test_a_damaged_remainder_is_made_again(clip: Path, tmp_path: Path, damage: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(clip, tmp_path / "cut.mp4", Inverse(interrupt_at(60)))
    (tmp_path / ".cut.mp4.part" / damage).write_bytes(b"{")
    again = Inverse()
    run(clip, tmp_path / "cut.mp4", again)
    assert again.seen == 100
    assert [number_of(picture) for picture in shown(tmp_path / "cut.mp4")[1]] == list(range(100))


def test_another_model_or_option_begins_again(clip: Path, tmp_path: Path) -> None:
    for changes in ({"max_side": 64}, {"identity": {"post": "x"}}, {"generator": Inverse(weight=-0.5)}):
        with pytest.raises(KeyboardInterrupt):
            run(clip, tmp_path / "cut.mp4", Inverse(interrupt_at(60)))
        generator = changes.pop("generator", None) or Inverse()
        with pytest.warns(UserWarning, match="begins again"):
            run(clip, tmp_path / "cut.mp4", generator, **changes)
        assert generator.seen == 100


def test_a_finished_clip_is_kept_and_another_model_replaces_it(clip: Path, tmp_path: Path) -> None:
    target, again, other = tmp_path / "out.mp4", Inverse(), Inverse(weight=-0.5)
    run(clip, target)
    assert run(clip, target, again).outcome == "written"
    assert again.seen == 0
    run(clip, target, other)
    assert other.seen == 100


def test_two_processes_do_not_share_a_clip(clip: Path, tmp_path: Path) -> None:
    (tmp_path / ".out.mp4.part").mkdir()
    with FileLock(tmp_path / ".out.mp4.part" / "lock"):
        result = run(clip, tmp_path / "out.mp4")
    assert (result.outcome, result.reason.partition(";")[0]) == ("failed", "another process is at this clip")


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    """All frames of the clip would take 39 MB."""
    pictures = [np.full((256, 320, 3), number % 200, np.uint8) for number in range(160)]
    clip = encode(tmp_path / "long.mp4", tuple(range(0, 160 * 512, 512)), pictures, codec="mpeg4")
    del pictures
    sizes, process = list[int](), psutil.Process()
    run(clip, tmp_path / "out.mp4", Inverse(lambda _: sizes.append(process.memory_info().rss)), steady=0.5)
    assert len(sizes) >= 40
    assert max(sizes[13:]) - sizes[13] < 12e6


def test_a_truncated_clip_is_told_and_its_cartoon_can_be_played(tmp_path: Path) -> None:
    content = encode(tmp_path / "whole.mp4", movflags="faststart").read_bytes()
    (tmp_path / "in.mp4").write_bytes(content[: len(content) * 2 // 3])
    with pytest.warns(UserWarning, match=r"in.mp4: can be read up to 0:0[123] of 0:04; the cartoon ends there"):
        assert run(tmp_path / "in.mp4", tmp_path / "out.mp4").outcome == "written"
    assert len(shown(tmp_path / "out.mp4")[0]) > 40


def test_what_can_not_be_read_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in.mp4").write_bytes(b"no clip")
    result = run(tmp_path / "in.mp4", tmp_path / "out.mp4")
    assert (result.outcome, result.reason) == (
        "skipped",
        "can't be read as a clip (Invalid data found when processing input)",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]
    monkeypatch.setitem(sys.modules, "av", None)
    result = run(tmp_path / "in.mp4", tmp_path / "out.mp4")
    assert (result.outcome, result.reason) == ("skipped", "reading clips needs PyAV: pip install 'toonlab[video]'")


def test_limits_are_those_of_pictures(clip: Path, tmp_path: Path) -> None:
    result = run(clip, tmp_path / "out.mp4", max_pixels=1000)
    assert (result.outcome, result.reason.partition(";")[0]) == ("skipped", "96x64 pixels, more than --max-pixels 1000")
    run(clip, tmp_path / "out.mp4", max_side=48)
    with av.open(str(tmp_path / "out.mp4")) as file:
        assert (file.streams.video[0].width, file.streams.video[0].height) == (48, 32)
    wide = encode(tmp_path / "wide.mp4", STEADY[:2], [frame(0, (320, 288))] * 2)
    network = nn.Conv2d(3, 3, 3, padding=1)
    result = run(wide, tmp_path / "wide-out.mp4", network, memory=1000)
    assert result.outcome == "failed"
    assert "320x288 pixels need about" in result.reason


def test_a_network_that_refuses_frames_fails_with_its_reason(clip: Path, tmp_path: Path) -> None:
    result = run(clip, tmp_path / "out.mp4", nn.Conv2d(4, 3, 3))
    assert result.outcome == "failed"
    assert "channels" in result.reason
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_can_not_be_written(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    result = run(clip, tmp_path / "out" / "clip.mp4")
    assert result.outcome == "failed"
    assert "can't be written" in result.reason


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_ends_all(clip: Path, tmp_path: Path) -> None:
    (tmp_path / ".out.mp4.part").mkdir()
    (tmp_path / ".out.mp4.part" / "000000.nut").symlink_to("/dev/full")
    with pytest.raises(ToonlabError, match="make room, or choose another --out"):
        run(clip, tmp_path / "out.mp4")


def test_a_post_processor_gets_each_frame(clip: Path, tmp_path: Path) -> None:
    def dark(fake: np.ndarray, photo: np.ndarray) -> np.ndarray:
        assert np.abs(fake.astype(int) - (255 - photo.astype(int))).max() <= 1
        return np.zeros_like(fake)

    run(clip, tmp_path / "out.mp4", postprocess=dark)
    assert max(picture.max() for picture in shown(tmp_path / "out.mp4")[1]) < 8

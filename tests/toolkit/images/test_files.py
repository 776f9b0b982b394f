"""Which files a command reads and writes, and what it says of those that it can't use."""

from __future__ import annotations

import errno
import os
from contextlib import redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from toonlab.errors import PartlyFailedError, ToonlabError
from toonlab.images import files
from toonlab.images.files import (
    PictureResult,
    PictureTask,
    collect_results,
    decode_task,
    plan_tasks,
    split_arguments,
    split_readable,
    write_result,
)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two pictures, in a working directory that is empty otherwise."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "trip/b.c.png"):
        path = Path("photos", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 6), "red").save(path)
    return Path("photos")


def pairs(tasks: list[PictureTask]) -> list[tuple[str, str]]:
    return [(task.source.as_posix(), task.target.as_posix()) for task in tasks]


def test_parameters_are_told_from_files(photos: Path):
    Path("k=3").write_text("")
    given = ["photos", "patch_size=48", "k=3", "style=dragon_ball", "gone.png"]
    assert split_arguments(given) == (["photos", "k=3", "gone.png"], {"patch_size": "48", "style": "dragon_ball"})


def test_folders_keep_their_subfolders_and_files_their_names(photos: Path):
    tasks = plan_tasks(["photos", "photos/trip/b.c.png"], Path("out"))
    assert pairs(tasks) == [
        ("photos/a.jpg", "out/a.png"),
        ("photos/trip/b.c.png", "out/trip/b.c.png"),
        ("photos/trip/b.c.png", "out/b.c.png"),
    ]


def test_results_inside_of_the_folder_are_not_read_again(photos: Path):
    earlier = photos / "toon" / "a.png"
    earlier.parent.mkdir()
    Image.new("RGB", (8, 6)).save(earlier)
    tasks = plan_tasks([photos], photos / "toon", overwrite=True)
    assert pairs(tasks) == [("photos/a.jpg", "photos/toon/a.png"), ("photos/trip/b.c.png", "photos/toon/trip/b.c.png")]


@pytest.mark.parametrize("overwrite", [False, True])
def test_inputs_are_never_overwritten(photos: Path, overwrite: bool):
    with pytest.raises(ToonlabError, match=r"photos/trip/b\.c\.png: would be overwritten, but is one of the pictures"):
        plan_tasks(["photos/trip/b.c.png"], photos / "trip", overwrite)
    Path("elsewhere").symlink_to("photos/trip")
    with pytest.raises(ToonlabError, match="would be overwritten"):
        plan_tasks(["photos"], Path("elsewhere/.."), overwrite)


def test_other_files_are_overwritten_when_asked(photos: Path):
    Path("out").mkdir()
    Path("out/a.png").write_text("")
    with pytest.raises(ToonlabError, match=r"^out/a\.png: exists already; choose another --out, or --overwrite$"):
        plan_tasks(["photos/a.jpg"], Path("out"))
    assert pairs(plan_tasks(["photos/a.jpg"], Path("out"), overwrite=True)) == [("photos/a.jpg", "out/a.png")]


def test_two_pictures_of_one_name_are_an_error(photos: Path):
    Image.new("RGB", (8, 6)).save("photos/a.bmp")
    Image.new("RGB", (8, 6)).save("photos/a-2.png")
    Image.new("RGB", (8, 6)).save("photos/a.webp")
    with pytest.warns(
        UserWarning, match=r"^pictures of one name are numbered: photos/a\.jpg becomes out/a-3\.png, and"
    ):
        numbered = plan_tasks(["photos", "photos/a.jpg"], Path("out"))
    assert pairs(numbered)[:4] == [
        ("photos/a-2.png", "out/a-2.png"),
        ("photos/a.bmp", "out/a.png"),
        ("photos/a.jpg", "out/a-3.png"),
        ("photos/a.webp", "out/a-4.png"),
    ]
    kept = plan_tasks(["photos", "photos"], Path("out"), keep_suffix=True)
    assert [target for _, target in pairs(kept)] == [
        "out/a-2.png.png",
        "out/a.bmp.png",
        "out/a.jpg.png",
        "out/a.webp.png",
        "out/trip/b.c.png.png",
    ]


@pytest.mark.parametrize(
    ("images", "out", "says"),
    [
        ([], "out", "no pictures: give files, or folders of pictures"),
        (["gone"], "out", "gone: no such file or folder"),
        (["x" * 300], "out", "x" * 300 + ": no such file or folder"),
        (["gone\nand gone.png"], "out", "'gone\\nand gone.png': no such file or folder"),
        (["nothing"], "out", "nothing: no pictures in it"),
        (["photos"], "photos/a.jpg", "--out photos/a.jpg: is a file; choose a folder"),
    ],
)
def test_what_can_not_be_planned(photos: Path, images: list[str], out: str, says: str):
    Path("nothing").mkdir()
    with pytest.raises(ToonlabError) as caught:
        plan_tasks(images, Path(out))
    assert str(caught.value).startswith(says)


def test_bad_pictures_are_told_from_good_ones(photos: Path):
    Path("photos/empty.png").write_bytes(b"")
    cut = Path("photos/cut.jpg")
    noise = torch.randint(256, (64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)).numpy()
    Image.fromarray(noise).save(cut)
    cut.write_bytes(cut.read_bytes()[:2000])
    good, skipped = split_readable(plan_tasks(["photos"], Path("out")))
    assert [task.source.name for task in good] == ["a.jpg", "b.c.png"]
    assert [(done.task.source.name, done.outcome) for done in skipped] == [
        ("cut.jpg", "skipped"),
        ("empty.png", "skipped"),
    ]
    assert "image file is truncated" in skipped[0].reason
    assert "cannot identify" in skipped[1].reason
    large, reasons = split_readable(good, max_pixels=40)
    assert large == []
    assert reasons[0].reason == (
        "8x6 pixels, more than --max-pixels 40; raise that, or scale JPEG files down with --max-side"
    )
    read, damaged = decode_task(good[0], max_side=4), decode_task(skipped[0].task)
    assert isinstance(read, Tensor)
    assert read.shape == (3, 3, 4)
    assert isinstance(damaged, PictureResult)
    assert damaged.reason.startswith("can't be decoded (image file is truncated")


def test_a_picture_that_may_take_minutes_is_announced_with_the_way_out(photos: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "_LARGE", 40)
    tasks = plan_tasks(["photos"], Path("out"))
    with pytest.warns(UserWarning, match=r"^photos/a\.jpg: 8x6 pixels may take minutes; --max-side 2048 scales it"):
        split_readable(tasks)
    assert len(split_readable(tasks, max_side=8)[0]) == 2


def test_a_jpeg_is_measured_as_it_is_decoded(tmp_path: Path):
    for suffix in ("jpg", "png"):
        Image.new("RGB", (800, 400), "teal").save(tmp_path / f"a.{suffix}")
    good, skipped = split_readable(plan_tasks([tmp_path], tmp_path / "out", keep_suffix=True), 50, max_pixels=8000)
    assert [task.source.name for task in good] == ["a.jpg"]
    assert "800x400 pixels" in skipped[0].reason
    read = decode_task(good[0], max_side=50)
    assert isinstance(read, Tensor)
    assert read.shape == (3, 25, 50)
    assert (read.float().mean(dim=(1, 2)) - torch.tensor([0.0, 128, 128])).abs().max() < 5


def test_one_file_that_can_not_be_written_is_a_failure_and_a_full_disk_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    picture = Image.new("RGB", (4, 4))
    (tmp_path / "taken.png").mkdir()
    failed = write_result(PictureTask(Path("a.jpg"), tmp_path / "taken.png"), picture)
    assert failed.outcome == "failed"
    assert "taken.png: can't be written: Is a directory" in failed.reason
    assert "File name too long" in write_result(PictureTask(Path("a.jpg"), tmp_path / ("x" * 300)), picture).reason
    assert write_result(PictureTask(Path("a.jpg"), tmp_path / "good.png"), picture).outcome == "written"
    assert {path.name for path in tmp_path.iterdir()} == {"taken.png", "good.png"}

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "write_png", full)
    with pytest.raises(ToonlabError, match=r"a\.png: can't be written: No space left on device; make room"):
        write_result(PictureTask(Path("a.jpg"), tmp_path / "a.png"), picture)


@given(name=st.binary(min_size=1, max_size=250).filter(lambda name: not set(name) & {0, 47} and name[:1] != b"."))
@example(name=b"x" * 250)
@example(name="é".encode("latin-1"))
@example(name=b"two\nlines \xff")
def test_any_name_becomes_a_file_of_that_name_and_one_line(tmp_path_factory, name: bytes):
    folder = tmp_path_factory.mktemp("p")
    source = folder / "in" / os.fsdecode(name + b".png")
    source.parent.mkdir()
    Image.new("RGB", (4, 4), "red").save(source, "PNG")
    (task,) = plan_tasks([folder / "in"], folder / "out")
    with redirect_stdout(TextIOWrapper(BytesIO(), "utf-8")):  # strict, as a terminal
        (target,) = collect_results([write_result(task, Image.open(source))], 1, "looking")
    assert os.fsencode(target.name) == name + b".png"
    with pytest.raises(ToonlabError) as caught:
        collect_results([PictureResult(task, "failed", "too large")], 1, "looking")
    assert str(caught.value).splitlines() == [str(caught.value)]


def tasks_of(*names: str) -> list[PictureTask]:
    return [PictureTask(Path(name), Path("out", name)) for name in names]


def test_progress_is_a_line_for_each_picture_and_one_warning_for_the_bad_ones(capsys):
    a, b, c = tasks_of("a", "b", "c")
    results = [PictureResult(a), PictureResult(b, "skipped", "is empty"), PictureResult(c, "skipped", "is cut")]
    with pytest.warns(UserWarning, match=r"^left out: 2 of 3 pictures can't be used: b: is empty; c: is cut$"):
        assert collect_results(iter(results), 3, "looking") == [Path("out/a")]
    assert capsys.readouterr().out == "[1/3] a -> out/a\n[2/3] b -> skipped\n[3/3] c -> skipped\n"


def test_a_failure_comes_last_and_names_each_picture():
    a, b, c = tasks_of("a", "b", "c")
    seen = []

    def results():
        for done in (
            PictureResult(a, "failed", "too large"),
            PictureResult(b),
            PictureResult(c, "failed", "too small"),
        ):
            yield done
            seen.append(done)

    with pytest.raises(PartlyFailedError, match=r"^a: too large\nc: too small$"):
        collect_results(results(), 3, "looking")
    assert len(seen) == 3


def test_nothing_left_is_an_error():
    skipped = [PictureResult(task, "skipped", "is empty") for task in tasks_of(*"abcdefghijklmnopqrstuvw")]
    with pytest.raises(ToonlabError, match=r"^none of the pictures can be used: a: is empty; .*; and 3 more$"):
        collect_results(iter(skipped), len(skipped), "looking")


def test_clips_keep_their_suffix_where_frames_can_be_encoded_for_it(photos: Path):
    for name in ("trip/a.MP4", "b.avi", "c.webm"):
        (photos / name).write_bytes(b"")
    out = Path("out")
    planned = {task.source.name: task.target for task in plan_tasks([photos], out, clips=True)}
    assert planned == {
        "a.jpg": out / "a.png",
        "b.c.png": out / "trip" / "b.c.png",
        "a.MP4": out / "trip" / "a.mp4",
        "b.avi": out / "b.mkv",
        "c.webm": out / "c.webm",
    }
    assert len(plan_tasks([photos], out)) == 2
    assert plan_tasks([photos / "b.avi"], out, keep_suffix=True, clips=True)[0].target == out / "b.avi.mkv"
    (photos / "b.mkv").write_bytes(b"")
    with pytest.warns(UserWarning, match="b.mkv becomes out/b-2.mkv"):
        plan_tasks([photos], out, clips=True)


def test_a_folder_of_clips_alone(photos: Path):
    clips = photos.parent / "clips"
    clips.mkdir()
    (clips / "a.mp4").write_bytes(b"")
    assert [task.source for task in plan_tasks([clips], Path("out"), clips=True)] == [clips / "a.mp4"]
    with pytest.raises(ToonlabError, match="no pictures in it"):
        plan_tasks([clips], Path("out"))

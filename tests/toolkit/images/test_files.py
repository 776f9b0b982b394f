"""Which files a command reads and writes, and what it says of those that it can't use."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from toonlab import ToonlabError
from toonlab.images.files import (
    PictureResult,
    PictureTask,
    collect_results,
    decode_task,
    plan_tasks,
    split_arguments,
    split_readable,
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
    assert split_arguments(given) == (["photos", "k=3", "gone.png"], {"patch_size": 48, "style": "dragon_ball"})


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
    with pytest.raises(
        ToonlabError, match=r"^photos/a\.bmp and photos/a\.jpg would both become out/a\.png; rename one"
    ):
        plan_tasks(["photos"], Path("out"))


@pytest.mark.parametrize(
    ("images", "out", "says"),
    [
        ([], "out", "no pictures: give files, or folders of pictures"),
        (["gone"], "out", "gone: no such file or folder"),
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
    assert [task.source.name for task in good] == ["a.jpg", "cut.jpg", "b.c.png"]
    assert [(done.task.source.name, done.outcome) for done in skipped] == [("empty.png", "skipped")]
    assert "cannot identify" in skipped[0].reason
    large, reasons = split_readable(good, max_pixels=100)
    assert [task.source.name for task in large] == ["a.jpg", "b.c.png"]
    assert reasons[0].reason == "64x64 pixels, more than max_pixels=100"
    read, damaged = decode_task(good[0], max_side=4), decode_task(good[1])
    assert isinstance(read, Tensor)
    assert read.shape == (3, 3, 4)
    assert isinstance(damaged, PictureResult)
    assert damaged.reason.startswith("can't be decoded (image file is truncated")


def tasks_of(*names: str) -> list[PictureTask]:
    return [PictureTask(Path(name), Path("out", name)) for name in names]


def test_progress_is_a_line_for_each_picture_and_one_warning_for_the_bad_ones(capsys):
    a, b, c = tasks_of("a", "b", "c")
    results = [PictureResult(a), PictureResult(b, "skipped", "is empty"), PictureResult(c, "skipped", "is cut")]
    with pytest.warns(UserWarning, match=r"^2 of 3 pictures can't be used and are left out: b: is empty; c: is cut$"):
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

    with pytest.raises(ToonlabError, match=r"^a: too large\nc: too small$"):
        collect_results(results(), 3, "looking")
    assert len(seen) == 3


def test_nothing_left_is_an_error():
    skipped = [PictureResult(task, "skipped", "is empty") for task in tasks_of(*"abcdefghijklmnopqrstuvw")]
    with pytest.raises(ToonlabError, match=r"^none of the pictures can be used: a: is empty; .*; and 3 more$"):
        collect_results(iter(skipped), len(skipped), "looking")

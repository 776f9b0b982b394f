"""A folder holds one set, and nothing of another's."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from toonlab import ToonlabError
from toonlab_frames.folder import OutFolder, staged

from .test_manifest import MANIFEST


def folder(path: Path, task: str = "task") -> OutFolder:
    return OutFolder(path, task, "frames.json")


def begun(path: Path) -> OutFolder:
    """With the picture of the manifest in its work."""
    made = folder(path)
    with made.opened() as finished:
        assert not finished
    (made.work / "pictures").mkdir()
    (made.work / "pictures" / staged(MANIFEST.pictures[0].file)).write_text("picture")
    return made


def test_a_set_that_is_finished_is_pictures_and_a_manifest(tmp_path: Path) -> None:
    made = begun(tmp_path / "out")
    made.finish(MANIFEST)
    names = {str(path.relative_to(made.path)) for path in made.path.rglob("*") if path.is_file()}
    assert names == {"frames.json", ".frames.json.task", "train/a-00000.png"}
    with folder(made.path).opened() as finished:
        assert finished


@pytest.mark.parametrize("where", ["rename", "manifest", "after"])
def test_an_end_that_is_interrupted_is_continued(tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = begun(tmp_path / "out")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if where == "rename":
            patch.setattr(Path, "mkdir", killed)
        elif where == "manifest":
            patch.setattr("toonlab_frames.folder._write", killed)
        else:
            patch.setattr("shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            made.finish(MANIFEST)
    again = folder(made.path)
    with again.opened() as finished:
        if not finished:
            planned = again.planned("frames")
            assert planned == MANIFEST
            again.finish(planned)
    assert (made.path / "train" / "a-00000.png").read_text() == "picture"
    assert not made.work.exists()
    assert made.manifest.is_file()


def test_what_is_there_already_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("")
    begun(tmp_path / "begun")
    begun(tmp_path / "done").finish(MANIFEST)
    for name, says in (
        ("taken", "is not empty; choose another folder"),
        ("file", "is a file; choose a folder"),
        ("file/below", "can't be written: Not a directory"),
        ("begun", "has pictures of other files or settings"),
        ("done", "has pictures of other files or settings"),
    ):
        with pytest.raises(ToonlabError, match=says), folder(tmp_path / name, "other").opened():
            pass


def test_a_mistake_leaves_nothing_that_would_be_in_the_way(tmp_path: Path) -> None:
    with pytest.raises(ToonlabError, match="no frame"), folder(tmp_path / "out").opened():
        raise ToonlabError("no frame")
    assert list(tmp_path.iterdir()) == []


def test_one_process_at_a_time(tmp_path: Path) -> None:
    made = begun(tmp_path / "out")
    refused = pytest.raises(ToonlabError, match="another process works there")
    with FileLock(made.work / "lock"), refused, folder(made.path).opened():
        pass

"""The folder that pictures are written to: one set at a time, whole or not there, continued after a kill."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from toonlab import ToonlabError, printable

from .manifest import Manifest, read_manifest, write_manifest

_WORK = ".toonlab-frames"  # hidden: no data set reads it


class OutFolder:
    """`path` with a hidden folder for work in progress, `work`; at the end only pictures and manifest are left.

    Args:
        path: the folder that `--out` names.
        task: all that decides its content, as text.
        manifest: the name of the manifest's file.
    """

    def __init__(self, path: Path, task: str, manifest: str) -> None:
        self.path, self.task, self.work = path, task, path / _WORK
        self.manifest, self._done = path / manifest, path / f".{manifest}.task"

    @contextmanager
    def opened(self) -> Iterator[bool]:
        """Hold the folder; whether it is finished already.

        Raises:
            ToonlabError: if it has anything else in it, can't be written, or another process works there.
        """
        if self.path.exists() and not self.path.is_dir():
            raise ToonlabError(f"--out {printable(self.path)}: is a file; choose a folder")
        if self._done.is_file() and self.manifest.is_file():
            if self._done.read_text(encoding="utf-8") != self.task:
                raise self._occupied()
            shutil.rmtree(self.work, ignore_errors=True)  # of a run that was killed after its last picture
            yield True
            return
        task = self.work / "task"
        if task.is_file() and task.read_text(encoding="utf-8") != self.task:
            raise self._occupied()
        if not task.is_file() and self.path.is_dir() and any(each.name != _WORK for each in self.path.iterdir()):
            raise ToonlabError(f"--out {printable(self.path)}: is not empty; choose another folder")
        try:
            self.work.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.work / "lock", timeout=0)
            lock.acquire()
            _write(task, self.task)
        except Timeout:
            raise ToonlabError(f"--out {printable(self.path)}: another process works there; wait for it") from None
        except OSError as error:
            name = printable(error.filename or self.path)
            text = f"--out {name}: can't be written: {error.strerror}; make room, or choose another folder"
            raise ToonlabError(text) from error
        try:
            yield False
        except ToonlabError:  # there is nothing to continue
            shutil.rmtree(self.work, ignore_errors=True)
            with suppress(OSError):  # not empty
                self.path.rmdir()
            raise
        finally:
            lock.release()

    def _occupied(self) -> ToonlabError:
        text = "has pictures of other files or settings; choose another folder, or delete it"
        return ToonlabError(f"--out {printable(self.path)}: {text}")

    def planned(self, command: str) -> Manifest | None:
        """The manifest of a set whose pictures are all in `work`, or moved already."""
        path = self.work / "manifest.json"
        return read_manifest(path, command) if path.is_file() else None

    def finish(self, manifest: Manifest) -> None:
        """Move the pictures from `work/pictures` to their places; the manifest comes last."""
        write_manifest(self.work / "manifest.json", manifest)
        for picture in manifest.pictures:
            source, target = self.work / "pictures" / staged(picture.file), self.path / picture.file
            if source.exists():  # else an interrupted run has moved it
                target.parent.mkdir(parents=True, exist_ok=True)
                source.replace(target)
        _write(self._done, self.task)
        write_manifest(self.manifest, manifest)
        shutil.rmtree(self.work, ignore_errors=True)


def staged(file: str) -> str:
    """The path in `work/pictures` of a picture's file: without its split."""
    return file.partition("/")[2]


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}.part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)

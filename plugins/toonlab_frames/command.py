"""The commands `toonlab frames` and `toonlab photos`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toonlab import ToonlabError, find_pictures, picture_manifest, printable

if TYPE_CHECKING:
    from .folder import OutFolder
    from .manifest import Manifest, Settings

_NAMED = 5  # pictures that one message names
_SIDE = Annotated[int | None, typer.Option(min=16, help="Scale larger pictures down to this shorter side, in pixels.")]
_VALIDATION = Annotated[float, typer.Option(min=0, max=0.9, help="Share of the validation pictures.")]
_TEST = Annotated[float, typer.Option(min=0, max=0.9, help="Share of the test pictures.")]
_SEED = Annotated[int, typer.Option(help="Of the split.")]


def frames(
    videos: Annotated[list[Path], typer.Argument(metavar="VIDEO…", help="Films, of any kind that FFmpeg reads.")],
    out: Annotated[Path, typer.Option(help="Folder to write into: OUT/train, OUT/validation, OUT/test, frames.json.")],
    per_shot: Annotated[int, typer.Option(min=1, max=64, help="Sharp frames of each shot.")] = 1,
    side: _SIDE = None,
    validation: _VALIDATION = 0.1,
    test: _TEST = 0.1,
    seed: _SEED = 0,
    crop: Annotated[bool, typer.Option(help="Cut off black bars and static marks.")] = True,
    manifest: Annotated[
        Path | None, typer.Option(help="A frames.json: make the same pictures again, from other copies of the films.")
    ] = None,
) -> None:
    """Choose sharp frames of films, one of each shot, split into training, validation and test pictures by shot."""
    from .choice import choose_frames
    from .film import facts, require_video
    from .manifest import Settings
    from .rebuild import rebuild_frames

    require_video()
    for video in videos:
        facts(video)  # all of them, before hours of work on the first
    if manifest is not None:
        _refuse_options(per_shot=per_shot != 1, side=side, validation=validation != 0.1, test=test != 0.1, seed=seed)
        _rebuild("frames", videos, manifest, out, lambda asked, folder: rebuild_frames(videos, asked, folder))
        return
    settings = Settings(
        command="frames", per_shot=per_shot, side=side, crop=crop, validation=validation, test=test, seed=seed
    )
    _choose(settings, _of_files(videos), out, lambda folder: choose_frames(videos, folder, settings))


def photos(
    pictures: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the photos, including subfolders.")],
    out: Annotated[Path, typer.Option(help="Folder to write into: OUT/train, OUT/validation, OUT/test, photos.json.")],
    smallest: Annotated[int, typer.Option(min=1, help="Leave out photos whose shorter side is less, in pixels.")] = 256,
    side: _SIDE = None,
    validation: _VALIDATION = 0.1,
    test: _TEST = 0.1,
    seed: _SEED = 0,
    manifest: Annotated[
        Path | None, typer.Option(help="A photos.json: choose the same photos again, from another copy of them.")
    ] = None,
) -> None:
    """Choose photos without broken, tiny, blurred and duplicate ones, split into training, validation and test photos.

    Their files are copied as they are, or scaled into PNG files by --side; the folder itself is not changed.
    """
    from .film import require_video
    from .manifest import Settings
    from .photos import choose_photos, rebuild_photos

    require_video()
    if pictures.resolve() in (out.resolve(), *out.resolve().parents):
        raise ToonlabError(f"--out {printable(out)}: is inside of the folder of photos; choose another folder")
    if manifest is not None:
        _refuse_options(smallest=smallest != 256, side=side, validation=validation != 0.1, test=test != 0.1, seed=seed)
        names = find_pictures(pictures)
        _rebuild(
            "photos", [pictures / name for name in names], manifest, out, lambda m, f: rebuild_photos(pictures, m, f)
        )
        return
    settings = Settings(command="photos", smallest=smallest, side=side, validation=validation, test=test, seed=seed)
    task = str(picture_manifest(pictures))
    _choose(settings, task, out, lambda folder: choose_photos(pictures, folder, settings))


def _refuse_options(**given: object) -> None:
    if wrong := [f"--{name.replace('_', '-')}" for name, value in given.items() if value]:
        raise ToonlabError(f"--manifest: has chosen the pictures already; leave out {', '.join(wrong)}")


def _of_files(paths: Sequence[Path]) -> str:
    from .choice import sha256

    return " ".join(map(sha256, paths))


def _choose(settings: Settings, files: str, out: Path, choose: Callable[[OutFolder], Manifest]) -> None:
    """Choose the pictures, or continue, or say what is there already."""
    from .folder import OutFolder
    from .manifest import read_manifest, summary

    if settings.validation + settings.test >= 1:
        raise ToonlabError(f"--validation {settings.validation} --test {settings.test}: leave none to train on")
    folder = OutFolder(out, f"{settings.model_dump_json()}\n{files}\n", f"{settings.command}.json")
    with folder.opened() as finished:
        if not finished:
            folder.finish(folder.planned(settings.command) or choose(folder))
    typer.echo("\n".join(summary(read_manifest(folder.manifest, settings.command), out)))


def _rebuild(
    command: str, files: Sequence[Path], path: Path, out: Path, make: Callable[[Manifest, OutFolder], Manifest]
) -> None:
    """Make the pictures of a manifest; exit code 1 if some are missing."""
    from .folder import OutFolder
    from .manifest import read_manifest
    from .photos import image_of
    from .rebuild import agreement

    wanted = read_manifest(path, command)
    digest = blake2b(path.read_bytes(), digest_size=16).hexdigest()
    folder = OutFolder(out, f"{digest}\n{_of_files(files)}\n", f"{command}.json")
    with folder.opened() as finished:
        if not finished:
            folder.finish(folder.planned(command) or make(wanted, folder))
    found = agreement(wanted, out, image_of)
    typer.echo(
        f"{printable(out)}: {len(wanted.pictures)} pictures in the manifest: {found.equal} are equal to the pixel, "
        f"{found.alike} look the same, {len(found.missing)} are missing or differ"
    )
    if found.missing:
        more = f", and {len(found.missing) - _NAMED} more" if len(found.missing) > _NAMED else ""
        typer.echo(f"left out: {', '.join(map(printable, found.missing[:_NAMED]))}{more}", err=True)
        raise SystemExit(1)

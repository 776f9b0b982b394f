"""From a folder of photos to chosen photos: without broken, tiny and blurred ones, and near-duplicates."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from toonlab import ToonlabError, find_pictures, printable, progress, read_picture, scan_pictures

from .choice import save, sha256, with_splits
from .folder import OutFolder, staged
from .looks import BLURRED, Duplicates, blur, perceptual_hash, pixel_hash
from .manifest import Dropped, Manifest, Picture, Settings
from .rebuild import only


def choose_photos(source: Path, folder: OutFolder, settings: Settings) -> Manifest:
    """Choose photos, and leave copies of their files, or scaled PNG files, in `folder.work`.

    Raises:
        ToonlabError: if there are no pictures, or none is left.
    """
    names = find_pictures(source)
    sizes, broken = scan_pictures(source, names)
    pictures, dropped, known = list[Picture](), list[Dropped](), Duplicates()
    with progress(f"{printable(source)}: photos", len(names)) as to:
        for done, name in enumerate(names):
            to(done)
            found = broken.get(name) or _too_small(sizes[name], settings.smallest)
            chosen = _judged(source / name, name, found, known, settings)
            if isinstance(chosen, Dropped):
                dropped.append(chosen)
            else:
                pictures.append(chosen)
                _place(source / name, folder.work / "pictures" / staged(chosen.file), settings.side)
    if not pictures:
        reasons = "; ".join(f"{printable(each.name)}: {each.reason}" for each in dropped[:3])
        raise ToonlabError(f"{printable(source)}: none of its {len(names)} pictures can be used: {reasons}")
    return with_splits(Manifest(settings=settings, films=[], pictures=pictures, dropped=dropped))


def _too_small(size: tuple[int, int], smallest: int) -> str | None:
    return "tiny" if min(size) < smallest else None


def _judged(path: Path, name: str, found: str | None, known: Duplicates, settings: Settings) -> Picture | Dropped:
    """A photo as a picture of the set, or why it is none; `found`: what is wrong with it already."""
    printed = name.encode("utf-8", "replace").decode()
    if found:
        return Dropped(reason=found, name=printed) if found == "tiny" else _broken(printed, found)
    try:
        image = _image(path, settings.side)
    except ToonlabError as error:
        return _broken(printed, str(error).removeprefix(f"{printable(path)}: "))
    phash = perceptual_hash(image)
    if (like := known.like(phash)) is not None:
        return Dropped(reason="duplicate", name=printed, like=like)
    if blur(image) > BLURRED:
        return Dropped(reason="blurred", name=printed)
    known.add(printed, phash)
    file = printed if settings.side is None else f"{printed}.png"
    return Picture(
        file=f"train/{file}", split="train", size=image.size, phash=phash, pixels=pixel_hash(image), sha256=sha256(path)
    )


def _broken(name: str, detail: str) -> Dropped:
    return Dropped(reason="broken", name=name, detail=detail.encode("utf-8", "replace").decode())


def _image(path: Path, side: int | None) -> Image.Image:
    image = _decoded(path)
    if side is None or min(image.size) <= side:
        return image
    scale = side / min(image.size)
    width, height = image.size
    return image.resize((max(side, round(width * scale)), max(side, round(height * scale))), Image.Resampling.BICUBIC)


def _decoded(path: Path) -> Image.Image:
    return Image.fromarray(read_picture(path).movedim(0, -1).contiguous().numpy())


def image_of(path: Path) -> Image.Image | None:
    """The picture of a file, upright sRGB; None if there is none that can be decoded."""
    try:
        return _decoded(path)
    except ToonlabError:
        return None


def _place(source: Path, target: Path, side: int | None) -> None:
    """Copy the file as it is, or write it scaled; whole or not at all."""
    if side is not None:
        save(_image(source, side), target)
    elif not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.part")
        shutil.copyfile(source, temporary)
        temporary.replace(target)


def rebuild_photos(source: Path, manifest: Manifest, folder: OutFolder) -> Manifest:
    """Copy the photos of a manifest, which are known by the bytes of their files, into `folder.work`.

    Raises:
        ToonlabError: if none of them is there.
    """
    found = _by_hash(source, find_pictures(source))
    kept = [each for each in manifest.pictures if each.sha256 in found]
    for each in kept:
        assert each.sha256 is not None  # as `read_manifest` has checked
        _place(found[each.sha256], folder.work / "pictures" / staged(each.file), manifest.settings.side)
    return only(kept, manifest, f"{printable(source)}: has no photo of the manifest")


def _by_hash(source: Path, names: Sequence[str]) -> dict[str, Path]:
    with progress(f"{printable(source)}: hashes", len(names)) as to:
        found = {}
        for done, name in enumerate(names):
            to(done)
            found[sha256(source / name)] = source / name
        return found

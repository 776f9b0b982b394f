"""Files and texts of someone who means harm: nothing is executed, injected or followed, and each is one line."""

from __future__ import annotations

import functools
import importlib
import io
import json
import os
import pickle
import posix
import runpy
import shutil
import struct
import subprocess
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import EpsImagePlugin, Image
from test_damaged_files import answered
from test_damaged_studies import K, results
from typer.testing import CliRunner

from toonlab.cli.app import app
from toonlab.engine import checkpoint
from toonlab.engine.integrity import sealed_state
from toonlab.engine.weights import read_weights
from toonlab.errors import ToonlabError
from toonlab.report import write_report
from toonlab.studies.results.results import CellResult, StudyResults
from toonlab_basics.numpy_pickle import read_pickled_arrays
from toonlab_basics.vgg_weights import load_weights
from toonlab_metrics import networks


def typed(*words: str | Path) -> Any:
    result = CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "400", "NO_COLOR": "1"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def here(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


# -- pickles

Call = tuple[Callable[..., Any], tuple[Any, ...]]
CALLS: dict[str, Call] = {
    "os.system": (os.system, ("touch executed",)),
    "posix.mkdir": (posix.mkdir, ("executed",)),
    "os.rename": (os.rename, ("victim", "executed")),
    "subprocess.run": (subprocess.run, (["touch", "executed"],)),
    "builtins.eval": (eval, ("open('executed', 'w').close()",)),
    "builtins.exec": (exec, ("import os; os.mkdir('executed')",)),
    "os.open": (os.open, ("executed", os.O_CREAT)),
    "importlib.import_module": (importlib.import_module, ("executes_when_imported",)),
    "runpy.run_path": (runpy.run_path, ("executes_when_imported.py",)),
    "pathlib.Path.touch": (Path.touch, (Path("executed"),)),
    "shutil.copy": (shutil.copy, ("victim", "executed")),
    "functools.partial": (functools.partial(os.mkdir, "executed"), ()),
    "numpy.save": (np.save, ("executed", 1)),
    "torch.save": (torch.save, (1, "executed")),
}


class Hostile:
    def __init__(self, call: Call) -> None:
        self.call = call

    def __reduce__(self) -> Call:
        return self.call


def _state(value: object) -> bytes:
    return sealed_state(_torch({"step": 1, "parts": {"net": value}}))


def _torch(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def _npy(value: object) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array({"conv1_1": value}, dtype=object), allow_pickle=True)
    return buffer.getvalue()


READERS: dict[str, tuple[Callable[[object], bytes], Callable[[Path], object]]] = {
    "state.pt": (_state, lambda path: checkpoint.load_state(path.parent)),
    "generator.safetensors": (pickle.dumps, read_weights),
    "vgg.npy": (_npy, lambda path: read_pickled_arrays(path, ["conv1_1"])),
    "vgg.pth": (lambda value: _torch({"conv1_1.weight": value}), lambda path: load_weights(str(path), {}, [])),
    "inception.pth": (lambda value: _torch({"fc.weight": value}), networks.network),
}


@pytest.mark.parametrize("call", CALLS)
def test_no_pickle_is_executed(call: str, here: Path) -> None:
    (here / "executes_when_imported.py").write_text("open('executed', 'w').close()\n")
    (here / "victim").touch()
    attack = Hostile(CALLS[call])
    for name, (write, read) in READERS.items():
        (here / name).write_bytes(write(attack))
        with pytest.raises(ToonlabError) as caught:
            read(here / name)
        assert "\n" not in str(caught.value)
        assert not any(here.glob("executed*")), name
    pickle.loads(pickle.dumps(attack))  # the attack itself is sound
    assert any(here.glob("executed*"))


# -- names

NAMES = [
    *("os.system", "posix.system", "builtins.eval", "__import__('os').mkdir('executed')", "torch.hub.load"),
    *("executes_when_imported", "executes_when_imported:Adam", "../executes_when_imported", "torch.optim.Adam"),
    *("Optimizer", "LBFGS", "LambdaLR", "__init__", "{__class__}", "Adam\nos.system", "$(mkdir executed)", "`id`"),
]
PLACES = ["generator.optimizer.use", "generator.schedule.use", "critics.patch.sampler.use", "observers.progress.use"]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_a_part_is_imported_or_executed(name: str, here: Path) -> None:
    (here / "executes_when_imported.py").write_text("open('executed', 'w').close()\n")
    for place in PLACES:
        done = typed("train", "small.yaml", f"{place}={name}", "--print")
        assert done.exit_code == 2, done.stdout
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") <= 2, done.stderr  # where parameters of the part before fit no longer, too
        assert "no such" in done.stderr or "is not a class that a recipe can use" in done.stderr
    assert not (here / "executed").exists()


# -- texts in reports

HARMLESS = "word"
SCRIPTS = [
    "<script>alert(1)</script>",
    "'\"><img src=x onerror=alert(1)>",
    "</pre></td></table><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% for a in b %}",
]
TEX = "\\input{/etc/passwd} $x$ %_#&~^"


class Outline(HTMLParser):
    """The elements of a page with the names of their attributes, and all text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def study(directory: Path, word: str) -> StudyResults:
    """A study with a word wherever a user, a plugin or a run may write one."""

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {renamed(key): inner if key == "run" else renamed(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [renamed(inner) for inner in value]
        return {K: f"critics.{word}", "ctss": word, "f1": f"f1 {word}", "too few": word}.get(value, value)

    results(directory).write()
    path = directory / "results.json"
    path.write_text(json.dumps(renamed({**json.loads(path.read_text()), "baseline": None, "steps": {}})))
    found = StudyResults.read(directory)
    failed = CellResult(found.cells[-1].variant, 9, "ctss-s9-00000000", "failed", f"why {word}", (f"log {word}",))
    return replace(
        found,
        cells=[*found.cells, failed],
        baseline=found.cells[0].variant.label,
        about=f"about {word}",
        command=f"toonlab {word}",
        asked={f"recipe {word}": [word]},
    )


@pytest.mark.filterwarnings("ignore")
def test_no_text_becomes_an_element_of_a_report_or_a_command_of_a_table(tmp_path: Path) -> None:
    plain = Outline(write_report(study(tmp_path / "plain", HARMLESS)).read_text())
    for number, word in enumerate([*SCRIPTS, TEX]):
        directory = tmp_path / str(number)
        page = Outline(write_report(study(directory, word)).read_text())
        assert word == TEX or page.elements == plain.elements, word
        assert f"about {word}" in page.text
        assert f"log {word}" in page.text
        assert word not in (directory / "table.tex").read_text()
        assert "<" not in word or word not in (directory / "report.html").read_text()
    tex = (directory / "table.tex").read_text()
    assert "\\input" not in tex
    assert "\\textbackslash{}input\\{/etc/passwd\\}" in tex


# -- pictures


def _png(width: int, height: int, *chunks: bytes) -> bytes:
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    made = b"\x89PNG\r\n\x1a\n"
    for chunk in (head, *chunks, b"IDAT" + zlib.compress(bytes(100)), b"IEND"):
        made += struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return made


def _saved(kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((64, 48), 60).convert("RGB").save(buffer, kind, **options)
    return buffer.getvalue()


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(10**7))
    return buffer.getvalue()


def _tiff(width: int, height: int) -> bytes:
    entries = [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, height), (279, 10)]
    return b"II*\0\x08\0\0\0" + struct.pack("<H", 9) + b"".join(struct.pack("<HHII", t, 4, 1, v) for t, v in entries)


HUGE = 2**31 - 1
MOST = bytes(25 * 2**20)
IMPOSTORS: dict[str, bytes] = {
    "empty.png": b"",
    "zeros.png": bytes(4096),
    "noise.jpg": np.random.default_rng(0).bytes(4096),
    "text.png": b"no picture",
    "page.jpg": b"<html><script>alert(1)</script></html>",
    "svg.png": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    "laughs.svg.png": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>',
    "archive.png": _zip(),
    "program.png": b"\x7fELF" + bytes(200),
    "script.png": b"#!/bin/sh\ntouch executed\n",
    "document.png": b"%PDF-1.4\n%%EOF\n",
    "postscript.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(executed) (w) file\n",
    "metafile.png": b"\xd7\xcd\xc6\x9a" + bytes(40),
    "pickle.png": pickle.dumps(Hostile((os.mkdir, ("executed",)))),
    "numpy.png": _npy(1),
    "hdf.png": b"\x89HDF\r\n\x1a\n" + bytes(100),
    "fits.png": b"SIMPLE  =                    T".ljust(2880),
    "psd.png": b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, HUGE, HUGE, 8, 3) + bytes(12),
    "wide.png": _png(60_000, 60_000),
    "wider.png": _png(HUGE, HUGE),
    "flat.png": _png(HUGE, 1),
    "none.png": _png(0, 0),
    "texts.png": _png(64, 48, b"zTXtbomb\0\0" + zlib.compress(MOST * 3, 9)),
    "profile.png": _png(64, 48, b"iCCPbomb\0\0" + zlib.compress(MOST * 3, 9)),
    "few.png": _png(64, 48),
    "huge.jpg": b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\3\1\x11\0\2\x11\0\3\x11\0\xff\xd9",
    "huge.gif": b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2\2L\1\0;",
    "huge.bmp": b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, HUGE, HUGE, 1, 24, 0, 0, 0, 0, 0, 0),
    "negative.bmp": b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, -9, -HUGE, 1, 24, 0, 0, 0, 0, 0, 0),
    "huge.tif": _tiff(HUGE, HUGE),
    "loop.tif": b"II*\0\x08\0\0\0\0\0\x08\0\0\0",
    "far.tif": b"II*\0\xff\xff\xff\x7f",
    "huge.ppm": b"P6 999999 999999 255\n" + bytes(100),
    "long.ppm": b"P6 " + b"9" * 5000 + b" 9 255\n",
    "huge.tga": struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, 65535, 65535, 24, 0),
    "huge.webp": b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0/\xff\xff\xff\x0f\0\0\0\0\0\0\0\0",
    "huge.pcx": b"\x0a\5\1\x08" + struct.pack("<HHHH", 0, 0, 65535, 65535) + bytes(116),
    "huge.sgi": struct.pack(">hBBHHHH", 474, 0, 1, 3, 65535, 65535, 3) + bytes(500),
    "huge.dds": b"DDS " + struct.pack("<IIII", 124, 0x1007, HUGE, HUGE) + bytes(108),
    "huge.ico": b"\0\0\1\0\1\0\0\0\0\0\1\0\x20\0\xff\xff\xff\x7f\x16\0\0\0" + bytes(20),
    "huge.jp2": b"\xff\x4f\xff\x51\0\x2f\0\0" + struct.pack(">IIII", HUGE, HUGE, 0, 0) + bytes(40),
    "box.avif": b"\0\0\0\x20ftypavif" + bytes(20),
    "box.heic": b"\0\0\0\x18ftypheic" + bytes(20),
    "im.png": b"Image type: RGB\r\nName: x\r\nImage size (x*y): 99999*99999\r\n".ljust(512, b"\0"),
    **{
        f"cut.{kind.lower()}": _saved(kind)[:60] for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA")
    },
    "half.png": _saved("PNG")[:2000],
    "half.jpg": _saved("JPEG")[:900],
    "half.webp": _saved("WEBP")[:600],
}
HARMLESS_PICTURES: dict[str, bytes] = {
    "exif.jpg": _saved("JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(40)),
    "colours.jpg": _saved("JPEG", icc_profile=b"\xff" * 400),
    "tail.png": _saved("PNG") + b"#!/bin/sh\ntouch executed\n",
}


@pytest.mark.parametrize("command", ["cartoonize", "inspect"])
def test_every_bomb_and_impostor_is_one_line_and_soon(command: str, here: Path) -> None:
    assert len(IMPOSTORS) >= 55
    start = ["cartoonize", "classic"] if command == "cartoonize" else ["inspect", "patch_size=16"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, content in {**IMPOSTORS, **HARMLESS_PICTURES}.items():
            (here / name).write_bytes(content)
            with answered(name):
                done = typed(*start, name, "--out", "out")
            assert done.exit_code == (2 if name in IMPOSTORS else 0), (name, done.stderr)
            errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
            assert len(errors) == (name in IMPOSTORS), done.stderr
            assert name in "".join(errors) or name not in IMPOSTORS
    assert {path.stem for path in (here / "out").iterdir()} == {Path(name).stem for name in HARMLESS_PICTURES}
    assert not (here / "executed").exists()


def test_postscript_is_not_run(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow would start Ghostscript, where that is installed; here, a stand-in that leaves a trace."""
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)  # Pillow looks for it once
    monkeypatch.setenv("PATH", str(here), prepend=os.pathsep)
    (here / "gs").write_text("#!/bin/sh\ntouch executed\n")
    (here / "gs").chmod(0o755)
    (here / "plain").write_bytes(IMPOSTORS["postscript.png"])
    (here / "picture.png").write_bytes(IMPOSTORS["postscript.png"])
    done = typed("cartoonize", "classic", "picture.png", "--out", "out")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "picture.png: not readable (it is PostScript; convert it first)" in done.stderr
    assert typed("cartoonize", "classic", ".", "--out", "out").exit_code == 2
    assert not (here / "executed").exists()
    with Image.open(here / "picture.png") as picture, pytest.raises(OSError):  # noqa: PT011  # the attack is sound
        picture.load()
    assert (here / "executed").exists()


def test_a_folder_of_bombs_and_impostors_costs_no_training(here: Path) -> None:
    for folder, files in (("photos", {**IMPOSTORS, "whole.png": _saved("PNG")}), ("clean", {"a.png": _saved("PNG")})):
        (here / folder).mkdir()
        for name, content in files.items():
            (here / folder / name).write_bytes(content)
    (here / "folders.yaml").write_text(
        "extends: small\nevaluate: {metrics: []}\n"
        "data: {use: folder, photos: photos, cartoons: photos, evaluation: clean, small: skip}\n"
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        done = typed("train", "folders.yaml", "train.batch=1", "--device", "cpu")
    assert done.exit_code == 0, done.stderr
    texts = [str(warning.message) for warning in caught]
    assert any("pictures: archive.png: not readable" in text for text in texts)
    assert not any("\n" in text for text in texts)


# -- links


def test_outputs_that_are_links_are_replaced_and_not_followed(here: Path) -> None:
    (here / "elsewhere").mkdir()
    (here / "photo.png").write_bytes(_saved("PNG"))
    victims = []

    def link(path: Path) -> None:
        victim = here / "elsewhere" / path.name
        victim.write_text("precious")
        victims.append(victim)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(victim)

    assert typed("train", "small.yaml", "--device", "cpu").exit_code == 0
    (run,) = (here / "runs" / "small").iterdir()
    for name in ("recipe.yaml", "environment.json", "metrics.jsonl", "outcome.json", "pictures/index.json"):
        link(run / name)
    for name in ("pictures/00-photo.png", "samples/step-00000004.png"):
        link(run / name)
    shutil.rmtree(run / "checkpoints")
    (run / "outcome.json").unlink()
    link(here / "out" / "photo.png")
    link(here / "inspect" / "photo.png")
    study(here / "runs" / "study", HARMLESS).write()
    for name in ("report.html", "table.csv", "table.md", "table.tex"):
        link(here / "runs" / "study" / name)
    for command in (
        ["cartoonize", "classic", "photo.png", "--out", "out", "--overwrite"],
        ["inspect", "photo.png", "patch_size=16"],
        ["report", "study"],
        ["train", "small.yaml", "--device", "cpu"],
    ):
        done = typed(*command)
        assert done.exit_code == 0, done.stderr
    assert [victim.name for victim in victims if victim.read_text() != "precious"] == []
    assert not any(path.is_symlink() for path in here.rglob("*") if "elsewhere" not in path.parts)

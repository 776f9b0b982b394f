"""`toonlab frames` and `toonlab photos`, as a user types them: from a film to a report."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from toonlab.cli.app import app
from toonlab_frames.manifest import Manifest

from .rendered import SCENES

STUDY = """\
recipes: [identity, ctss]
at: tiny
set:
  data: {use: folder, photos: photos/train, cartoons: frames/train, evaluation: photos/validation, test: photos/test,
         evaluation_cartoons: frames/test}
  evaluate.metrics: [flatness, swd, kid_random]
metrics: {primary: flatness, also: [swd, kid_random]}
seeds: 1
"""


def typed(line: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, shlex.split(line), env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def here(film: Path, recoded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with both films."""
    shutil.copy(film, tmp_path)
    shutil.copy(recoded, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_set_its_second_run_and_the_set_of_another_person(here: Path) -> None:
    code, out, _ = typed("frames film.mp4 --out set")
    assert code == 0
    first, last = out.splitlines()
    assert first.startswith("film.mp4: 15 shots in 372 frames: less sharp ")
    for text in ("credits 30", "blurred 1", "duplicate 1", "chosen 13"):
        assert text in first
    assert last == "set: train 11, validation 1, test 1; frames.json names them"
    before = tree(here / "set")
    assert typed("frames film.mp4 --out set") == (0, out, "")
    assert tree(here / "set") == before
    assert not any(b"film.mp4" in content for name, content in before.items() if name.endswith(".png"))

    code, out, _ = typed("frames other.mkv --manifest set/frames.json --out theirs")
    says = "0 are equal to the pixel, 13 look the same, 0 are missing or differ"
    assert (code, out) == (0, f"theirs: 13 pictures in the manifest: {says}\n")
    assert {name for name in tree(here / "theirs") if name.endswith("png")} == {n for n in before if n.endswith("png")}


def test_some_pictures_that_are_missing_end_with_exit_code_1(here: Path) -> None:
    assert typed("frames film.mp4 --out set")[0] == 0
    content = json.loads(Path("set/frames.json").read_text())
    content["pictures"][0]["phash"] = "f" * 16
    content["pictures"][0]["pixels"] = "00"
    Path("changed.json").write_text(json.dumps(content))
    code, out, errors = typed("frames film.mp4 --manifest changed.json --out theirs")
    assert code == 1
    assert "12 are equal to the pixel, 0 look the same, 1 are missing or differ" in out
    assert f"left out: {content['pictures'][0]['file']}" in errors
    assert not Path("theirs", content["pictures"][0]["file"]).exists()
    Manifest.model_validate_json(Path("theirs/frames.json").read_text())


def test_a_killed_run_leaves_nothing_half_written_and_goes_on(
    here: Path, toonlab: Callable[..., Any], until: Callable[..., None]
) -> None:
    """Films of the same frames, so that there is time to kill it."""
    for number in range(4):
        shutil.copy("other.mkv", f"copy{number}.mkv")
    films = [f"copy{number}.mkv" for number in range(4)]
    log = here / "set" / ".toonlab-frames" / "film-2.jsonl"
    process = toonlab("frames", *films, "--out", "set", cwd=here)
    until(log.exists)
    process.kill()
    assert process.wait() == -9
    assert {path.name for path in (here / "set").iterdir()} == {".toonlab-frames"}
    for again in range(2):
        out = "set" if again else "whole"
        assert typed(f"frames {' '.join(films)} --out {out}")[0] == 0
    assert tree(here / "set") == tree(here / "whole")
    assert len(list(Path("set").rglob("*.png"))) == SCENES - 1


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("frames none.mp4 --out o", "none.mp4: no such file; give a film"),
        ("frames text.mp4 --out o", "text.mp4: can't be read as a film (Invalid data found when processing input)"),
        ("frames film.mp4 --out full", "--out full: is not empty; choose another folder"),
        ("frames film.mp4 --out other", "--out other: has pictures of other files or settings; choose another"),
        ("frames film.mp4 --out o --validation 0.5 --test 0.5", "--validation 0.5 --test 0.5: leave none to train on"),
        ("frames film.mp4 --out o --manifest text.mp4", "text.mp4: is no manifest: the file: Invalid JSON"),
        ("frames film.mp4 --out o --manifest none", "none: can't be read: No such file or directory"),
        ("frames film.mp4 --out o --manifest x --side 64", "has chosen the pictures already; leave out --side"),
        ("photos full --out o", "full: no pictures in it"),
        ("photos none --out o", "none: no such folder"),
        ("photos full --out full/o", "--out full/o: is inside of the folder of photos; choose another folder"),
        (
            "photos other/train --out o --manifest other/frames.json",
            "is a manifest of `toonlab frames`; use `toonlab frames`",
        ),
    ],
)
def test_bad_input_is_one_line(here: Path, line: str, says: str) -> None:
    Path("text.mp4").write_text("no film\n" * 99)
    Path("full").mkdir()
    Path("full/mine.txt").write_text("mine")
    if "other" in line:
        assert typed("frames film.mp4 --out other --side 40")[0] == 0
    before = tree(here)
    code, out, errors = typed(line)
    assert (code, out) == (2, "")
    (error,) = errors.splitlines()
    assert error.startswith("error: ")
    assert says in error
    assert tree(here) == before


def test_the_extra_that_is_missing_is_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert typed("frames film.mp4 --out o")[::2] == (
        2,
        "error: av is not installed; pip install 'toonlab[video]'\n",
    )


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_from_a_film_to_a_report(here: Path, toonlab: Callable[..., Any]) -> None:
    """Every command as it is typed: frames, photos, thirty steps of CTSS, a comparison and its report."""
    assert typed("world --out world --count 20 --size 100 --style photo")[0] == 0
    assert typed("frames film.mp4 --out frames --validation 0.2 --test 0.2")[0] == 0
    code, out, errors = typed("photos world/photo --out photos --smallest 64")
    assert code == 0, errors
    assert "photos: train " in out
    Path("own.yaml").write_text(STUDY)
    few = "train.steps=30 train.batch=2 generator.network.width=4 critics.*.discriminator.width=4 evaluate.samples=2"
    compared = toonlab("compare", "own.yaml", *few.split(), cwd=here)
    assert compared.wait() == 0, compared.stderr
    (report,) = Path("runs/own").glob("*.html")
    page = report.read_text()
    assert "ctss" in page
    assert page.count("data:image") >= 2
    (outcome,) = (json.loads(path.read_text()) for path in Path("runs/own").glob("ctss*/outcome.json"))
    assert (outcome["status"], outcome["step"]) == ("finished", 30)

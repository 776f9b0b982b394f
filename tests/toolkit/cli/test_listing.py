"""`toonlab plugins`, `toonlab plugins doctor`, `toonlab recipes` and `toonlab new`."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toonlab.cli.listing import default_of, describe, recipes, search_range, show_catalogue
from toonlab.registry.catalogue import Catalogue, discover
from toonlab.registry.loader import Failure
from toonlab.registry.protocols import KINDS, Tunable
from toonlab.utils import paths


def test_recipes_are_listed_without_torch() -> None:
    heavy = ("torch", "numpy", "optuna", "pandas", "matplotlib", "cv2", "toonlab.registry.schema")
    code = (
        "import sys\nfrom toonlab.cli.app import app\n"
        "try: app(['recipes'])\n"
        "except SystemExit as end: assert not end.code\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert all(f"  {name}" in done.stdout for name in (*paths.listed("baselines"), *paths.listed("experiments")))


def test_files_that_cannot_be_read_are_listed_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "baselines").mkdir()
    (tmp_path / "baselines" / "good.yaml").write_text("about: a [bold] one\n")
    (tmp_path / "baselines" / "broken.yaml").write_text("about: [\n")
    monkeypatch.setattr(paths, "root", lambda: tmp_path)
    recipes()
    shown = capsys.readouterr().out
    assert "  good    a [bold] one\n" in shown
    assert "  broken  unreadable: " in shown


def test_parameters_are_described() -> None:
    parameters = discover().get("samplers", "ctss").schema.parameters
    assert describe(parameters["patch_size"]) == "patch_size: int, > 0 = 96  (search 16 … 128, step 8)"
    assert describe(discover().get("datasets", "folder").schema.parameters["photos"]) == "photos: Path  (must be given)"
    assert default_of(parameters["rank"]) == "batch"
    world = discover().get("datasets", "toonworld").schema.parameters
    assert default_of(world["kind"]) == "null"


def test_search_ranges() -> None:
    assert search_range(Tunable(16, 128, step=16)) == "16 … 128, step 16"
    assert search_range(Tunable(1e-5, 1e-2, log=True)) == "1e-05 … 0.01, log"
    assert search_range(Tunable(0, 1)) == "0 … 1"


def test_failures_and_clashes_come_last(capsys: pytest.CaptureFixture[str]) -> None:
    catalogue = Catalogue(failures=[Failure("gaudy 1.0", "gaudy", "no [good]")])
    catalogue.clashes[("samplers", "twice")] = ("one 1.0", "two 2.0")
    show_catalogue(catalogue)
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[-2:] == [
        "clash: sampler 'twice' is offered by one 1.0 and by two 2.0; usable from neither",
        "not loaded: plugin 'gaudy' of gaudy 1.0: no [good]",
    ]
    assert [line.split()[0] for line in lines if line and not line.startswith(("clash", "not"))] == list(KINDS)


def test_plugins_lists_every_part_with_its_parameters(typed: Callable[..., Any]) -> None:
    shown = typed("plugins").stdout
    assert all(kind in shown for kind in KINDS)
    assert "patch_size: int, > 0 = 96  (search 16 … 128, step 8)" in shown
    assert "rank: batch | image = batch" in shown
    assert "photos: Path  (must be given)" in shown


def test_plugins_lists_them_for_programs(typed: Callable[..., Any]) -> None:
    listed = json.loads(typed("plugins", "--json").stdout)
    ctss = next(part for part in listed["kinds"]["samplers"] if part["name"] == "ctss")
    patch_size = next(p for p in ctss["parameters"] if p["name"] == "patch_size")
    assert patch_size["tunable"] == {"low": 16, "high": 128, "step": 8, "log": False}
    assert (patch_size["type"], patch_size["constraints"], patch_size["default"]) == ("int", "> 0", 96)
    assert ctss["distribution"].startswith("toonlab ")


def test_the_doctor_knows_toonlabs_own_commands(typed: Callable[..., Any]) -> None:
    for arguments in (("plugins", "doctor", "--json"), ("plugins", "--json", "doctor")):
        done = typed(*arguments)
        found = json.loads(done.stdout)
        assert done.returncode == (1 if found["problems"] else 0)
        assert {"world", "score"} <= {command["name"] for command in found["commands"]}
    assert typed("plugins", "doctor").stdout.startswith("toonlab ")


def test_recipes_lists_what_ships(typed: Callable[..., Any]) -> None:
    done = typed("recipes")
    assert done.returncode == 0
    for folder in ("baselines", "baselines/at", "experiments"):
        assert all(f"  {name}" in done.stdout for name in paths.listed(folder))
    assert "Gao, Zhang and Tian, ICML 2022" in done.stdout


# -- `toonlab new`: the files that it writes, and the commands that it names


def test_a_new_plugin_is_listed_with_the_next_commands(typed: Callable[..., Any], tmp_path: Path) -> None:
    done = typed("new", "sampler", "loud-patches")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "The sampler loud_patches is in loud-patches:"
    listed = {line.split()[0] for line in lines[1 : lines.index("Next:")]}
    written = {str(path.relative_to(tmp_path)) for path in (tmp_path / "loud-patches").rglob("*") if path.is_file()}
    assert listed in (written, {path.removeprefix("loud-patches/") for path in written})
    assert lines[-3:] == [
        "  pip install -e loud-patches",
        "  pytest loud-patches",
        "  toonlab compare loud-patches/experiment.yaml",
    ]


def test_another_folder_can_be_named(typed: Callable[..., Any], tmp_path: Path) -> None:
    assert typed("new", "metric", "my-metric", "--out", "there").returncode == 0
    assert (tmp_path / "there" / "pyproject.toml").is_file()
    again = typed("new", "metric", "my-metric", "--out", "there")
    assert again.returncode == 2
    assert again.stderr.startswith("error: ")


def test_an_unknown_kind_is_one_line(typed: Callable[..., Any]) -> None:
    done = typed("new", "samplr", "x")
    assert done.returncode == 2
    assert "did you mean 'sampler'?" in done.stderr

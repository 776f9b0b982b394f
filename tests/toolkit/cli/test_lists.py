"""`toonlab plugins`, `toonlab plugins doctor` and `toonlab recipes`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from toonlab.registry.protocols import KINDS
from toonlab.utils import paths


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

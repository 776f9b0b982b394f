"""Environments and recipes are read from the directories of a study's runs."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

from toonlab.report.reproducibility import reproducibility
from toonlab.studies.results.results import StudyResults


def test_everything_is_there_and_nothing_warns_where_all_runs_are_alike(study: StudyResults) -> None:
    found = reproducibility(study)
    assert not found.warnings
    assert found.facts["device"][0].startswith("cpu (")
    assert any(package.startswith("torch ") for package in found.facts["packages"])
    assert found.facts["plugins of"] == ["toonlab 0.1.0"]
    assert any(source.startswith("toonlab_ctss ") for source in found.facts["source hashes"])
    assert list(found.recipes) == ["patches", "lone", "untouched"]
    assert "use: ctss_patch" in found.recipes["patches"]


def test_mixed_devices_versions_and_code_are_warned_of(study: StudyResults, tmp_path: Path) -> None:
    cells = study.cells[:2]
    for cell in cells:
        shutil.copytree(study.directory / cell.run, tmp_path / cell.run)
    path = tmp_path / cells[1].run / "environment.json"
    environment = json.loads(path.read_text())
    environment |= {
        "device": "cuda:0",
        "device_name": "Some GPU",
        "versions": {**environment["versions"], "torch": "9.9"},
    }
    environment["identity"]["code"]["toonlab"] = "0123456789abcdef"
    path.write_text(json.dumps(environment))
    found = reproducibility(replace(study, directory=tmp_path, cells=cells))
    devices, versions, code = found.warnings
    assert devices.startswith("The runs used different devices (cpu, ")
    assert "cuda, Some GPU" in devices
    assert versions.startswith("The runs used different versions of torch (")
    assert code == "The code of toonlab changed between runs."
    assert "cuda:0 (Some GPU) (1 run)" in found.facts["device"]


def test_a_mailed_results_file_without_its_runs_tells_what_it_can(study: StudyResults, tmp_path: Path) -> None:
    found = reproducibility(replace(study, directory=tmp_path))
    assert (found.facts, found.warnings, found.recipes) == ({}, [], {})

"""What the functions of the interface share."""

from __future__ import annotations

from pathlib import Path

import pytest

from toonlab.api import common


def test_the_catalogue_comes_with_a_warning_for_each_plugin_that_does_not_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_two.py").write_text("import nowhere_to_be_found\n")
    info = tmp_path / "broken_two-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-two\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[toonlab]\nbroken = broken_two\n")
    monkeypatch.syspath_prepend(tmp_path)

    def used_by_a_user() -> object:
        return common.warned_catalogue()

    with pytest.warns(RuntimeWarning, match="plugin 'broken' of broken-two 0.1: failed to import") as caught:
        catalogue = used_by_a_user()
    assert "ctss" in catalogue.names("samplers")  # the others are there
    assert [warning.filename for warning in caught] == [__file__]


def test_outside_a_kernel_there_is_no_notebook() -> None:
    assert not common.in_notebook()  # docs/notebook.ipynb has a real one

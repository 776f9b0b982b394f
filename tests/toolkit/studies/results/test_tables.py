"""Rows of a study's table: means and spreads, the photo above them, and the notes below."""

import pytest

from toonlab.studies.results.tables import PHOTO, TableRow, leading, notes, show, text_table, with_photo


def test_the_photo_is_the_first_row_unless_another_row_has_its_values() -> None:
    photo, row = {"f1": 0.5, "psnr": 17.0}, TableRow("a", {"f1": [0.5, 0.5], "psnr": [17.0, 17.0], "seconds": [1, 2]})
    assert [r.name for r in with_photo(photo, [row])] == ["a"]
    assert [r.name for r in with_photo({**photo, "f1": 0.4}, [row])] == [PHOTO, "a"]


def test_a_row_has_mean_spread_and_note() -> None:
    rows = [TableRow("a", {"f1": [0.5, 0.7], "psnr": [17.0, 18.0]}), TableRow("b", {"f1": [0.25]}, "1 failed")]
    table = text_table(rows, {"psnr": "closeness"}, {"f1": {"n": 24}, "psnr": {"n": 24}})
    assert table.head == ["method", "seeds", "f1", "psnr*"]
    assert table.rows == [["a", "2", "0.600 ± 0.141", "17.50 ± 0.707"], ["b (1 failed)", "1", "0.250", "–"]]
    assert table.notes == ["f1, psnr: n 24", "* psnr: closeness"]


def test_the_photo_has_no_seeds() -> None:
    assert text_table([TableRow(PHOTO, {"f1": [0.5]})]).rows == [[PHOTO, "–", "0.500"]]


def test_notes_name_the_columns_that_share_them() -> None:
    caveats = {"psnr": "closeness", "ssim": "closeness", "elsewhere": "not a column"}
    assert notes(["f1", "psnr", "ssim"], caveats, {"f1": {"n": 8, "size": "96x96"}}) == [
        "f1: n 8, size 96x96",
        "* psnr, ssim: closeness",
    ]


def test_leading_metrics_are_the_ones_with_a_parts_name() -> None:
    metrics = {"outline_f1": 0.5, "outline_precision": 0.4}
    assert leading(metrics, ["outline_f1", "psnr"]) == {"outline_f1": 0.5}
    assert leading(metrics, ["psnr"]) == metrics


def test_a_table_in_a_pipe_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    name = "a method with a long name (" + "k 4, " * 20 + ")"
    show("title", [TableRow(name, {"f1": [0.5]})], {"f1": "a caveat"})
    out = capsys.readouterr().out
    assert name in out
    assert out.splitlines()[-1] == "* f1: a caveat"

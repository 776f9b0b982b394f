"""Tables of results: the photo's row, mean and spread, the notes below."""

from __future__ import annotations

from toonlab.studies.results.tables import (
    PHOTO,
    TableRow,
    as_markdown,
    columns,
    for_terminal,
    leading,
    notes,
    show,
    with_photo,
)


def test_the_photo_stands_above_unless_a_row_says_the_same() -> None:
    photo, row = {"f1": 0.5, "psnr": 17.0}, TableRow("a", {"f1": [0.5, 0.5], "psnr": [17.0, 17.0], "seconds": [1, 2]})
    assert [r.name for r in with_photo(photo, [row])] == ["a"]
    assert [r.name for r in with_photo({**photo, "f1": 0.4}, [row])] == [PHOTO, "a"]


def test_a_row_shows_mean_and_spread() -> None:
    rows = [TableRow("a", {"f1": [0.5, 0.7], "psnr": [17.0, 18.0]}), TableRow("b", {"f1": [0.25]}, "1 failed")]
    assert as_markdown(rows).splitlines()[2:] == [
        "| a | 2 | 0.600 ± 0.141 | 17.50 ± 0.707 |",
        "| b (1 failed) | 1 | 0.250 | – |",
    ]
    assert for_terminal("t", rows).row_count == 2


def test_columns_come_in_the_order_of_their_first_row() -> None:
    assert columns([TableRow("a", {"f1": [1]}), TableRow("b", {"kid": [2], "f1": [3]})]) == ["f1", "kid"]


def test_numbers_have_as_many_digits_as_their_size_needs() -> None:
    row = TableRow("a", {"small": [0.12345], "tens": [12.345], "hundreds": [123.45], "negative": [-99.999]})
    assert [row.cell(name) for name in row.values] == ["0.123", "12.35", "123", "-100.00"]
    assert row.cell("unknown") == "–"


def test_a_metric_leads_by_its_name_or_all_do() -> None:
    assert leading({"f1": 1.0, "f1_recall": 2.0}, ["f1", "kid"]) == {"f1": 1.0}
    assert leading({"f1": 1.0, "f1_recall": 2.0}, ["kid"]) == {"f1": 1.0, "f1_recall": 2.0}


def test_notes_name_several_metrics_at_once_and_no_column_that_is_not_there() -> None:
    measured = {"f1": {"n": 3}, "psnr": {"n": 3}, "kid": {"n": 9}}
    caveats = {"psnr": "closeness", "ssim": "closeness"}
    assert notes(["f1", "psnr"], caveats, measured) == ["f1, psnr: n 3", "* psnr: closeness"]


def test_a_table_in_a_pipe_takes_the_width_that_it_needs(capsys) -> None:
    rows = [TableRow("a name " * 9, {f"a_long_metric_{n}": [n / 7] for n in range(6)}), TableRow(PHOTO, {})]
    show("title", rows, {"a_long_metric_2": "caveat"}, {"a_long_metric_0": {"n": 3}})
    printed = capsys.readouterr().out
    assert "a_long_metric_2*" in printed
    assert ("a name " * 9).strip() in printed
    assert printed.splitlines()[-2:] == ["a_long_metric_0: n 3", "* a_long_metric_2: caveat"]

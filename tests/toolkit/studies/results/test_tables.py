"""Rows of a study's table: means and spreads, the photo above them, and the notes below."""

import io
import re
from xml.etree import ElementTree

import pytest
from rich.console import Console

from toonlab.studies.results.tables import (
    PHOTO,
    TableRow,
    TextTable,
    latex,
    leading,
    markdown,
    notes,
    show,
    text_table,
    with_photo,
)


def test_the_photo_is_the_first_row_unless_another_row_has_its_values() -> None:
    photo, row = {"f1": 0.5, "psnr": 17.0}, TableRow("a", {"f1": [0.5, 0.5], "psnr": [17.0, 17.0], "seconds": [1, 2]})
    assert [r.name for r in with_photo(photo, [row])] == ["a"]
    assert [r.name for r in with_photo({**photo, "f1": 0.4}, [row])] == [PHOTO, "a"]


def test_a_row_has_mean_spread_and_note() -> None:
    rows = [
        TableRow("a", {"f1": [0.5, 0.7], "psnr": [17.0, 18.0]}),
        TableRow("b (lr 0.00047404814449621233)", {"f1": [0.25], "psnr": [-1e-17]}, "1 failed"),
    ]
    table = text_table(rows, {"psnr": "closeness"}, {"f1": {"n": 24}, "psnr": {"n": 24}})
    assert table.head == ["method", "seeds", "f1", "psnr*"]
    assert table.rows == [
        ["a", "2", "0.600 ± 0.141", "17.50 ± 0.707"],
        ["b (lr 0.000474) (1 failed)", "1", "0.250", "0.000"],
    ]
    assert table.notes == ["f1, psnr: n 24", "* psnr: closeness"]


def test_words_stand_next_to_the_primary_metric() -> None:
    rows = [TableRow(PHOTO, {"f1": [0.5]}), TableRow("a", {"f1": [0.6], "psnr": [9.0]}, verdict="+0.1, better")]
    table = text_table(rows)
    assert table.head == ["method", "seeds", "f1", "difference", "psnr"]
    assert [row[3] for row in table.rows] == ["–", "+0.1, better"]


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
    many = {f"metric_{number}": [0.25, 0.75] for number in range(20)}
    show("title", [TableRow(name, {"f1": [0.5], **many})], {"f1": "a caveat"})
    out = capsys.readouterr().out
    assert name in out
    assert out.count("0.500 ± 0.354") == 20
    assert out.splitlines()[-1] == "* f1: a caveat"


# -- as text

TABLE = TextTable(
    head=["method", "seeds", "outline_f1* ↑"],
    rows=[["plain", "3", "0.500 ± 0.020"], ["a_b <[x]> | 50%", "3", "0.602 ± 0.018"]],
    best={(1, 2)},
    notes=["outline_f1: n 24, size 96x96", "* outline_f1: closeness & more"],
)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("outline_f1", r"outline\_f1"),
        (r"50% & $5 #1 {a} ~b^c\d", r"50\% \& \$5 \#1 \{a\} \textasciitilde{}b\textasciicircum{}c\textbackslash{}d"),
        ("−0.1 ± 0.2 ↑", r"\ensuremath{-}0.1 \ensuremath{\pm} 0.2 \ensuremath{\uparrow}"),
    ],
)
def test_latex_escapes_every_character_with_a_meaning_of_its_own(text: str, escaped: str) -> None:
    assert latex(text) == escaped


def test_markdown_escapes_what_would_end_a_cell_or_change_its_font() -> None:
    assert markdown("a_b* | c") == r"a\_b\* \| c"


def test_markdown() -> None:
    assert TABLE.markdown().splitlines() == [
        r"| method | seeds | outline\_f1\* ↑ |",
        "| --- | ---: | ---: |",
        "| plain | 3 | 0.500 ± 0.020 |",
        r"| a\_b <[x]> \| 50% | 3 | **0.602 ± 0.018** |",
        "",
        "outline_f1: n 24, size 96x96",
        "",
        r"\* outline_f1: closeness & more",
    ]


def test_latex_is_a_whole_table_with_the_notes_in_its_caption() -> None:
    text = TABLE.latex("About a_b.", "a study/1")
    assert re.findall(r"\\(begin|end)\{(\w+)\}", text) == [
        ("begin", "table"),
        ("begin", "tabular"),
        ("end", "tabular"),
        ("end", "table"),
    ]
    assert r"\begin{tabular}{lrr}" in text
    assert r"\label{tab:a-study-1}" in text
    assert r"\caption{About a\_b. outline\_f1: n 24, size 96x96. * outline\_f1: closeness \& more.}" in text
    assert r"& \textbf{0.602 \ensuremath{\pm} 0.018} \\" in text
    assert all(len(re.findall(r"(?<!\\)&", line)) == 2 for line in text.splitlines() if line.endswith(r"\\"))


def test_html_aligns_by_attributes_and_escapes_names() -> None:
    table, small = ElementTree.fromstring(f"<div>{TABLE.html()}</div>".replace("<br>", "<br/>"))
    assert [["".join(cell.itertext()) for cell in row] for row in table] == [list(TABLE.head), *TABLE.rows]
    assert [cell.get("style") for cell in table[1]] == ["text-align: left", *["text-align: right"] * 2]
    assert [bold.text for bold in table.iter("b")] == ["0.602 ± 0.018"]
    assert "".join(small.itertext()) == "".join(TABLE.notes)
    assert "<small>" not in TextTable(["a"], [["b"]]).html()


def test_the_terminal_shows_names_as_they_are() -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(TABLE.terminal("a title"))
    shown = console.file.getvalue()
    assert shown.startswith("a title")
    assert re.search(r"a_b <\[x\]> \| 50% +│ +3 │ 0\.602 ± 0\.018 │", shown)

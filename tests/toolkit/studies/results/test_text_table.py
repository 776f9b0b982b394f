"""One table as text, for the terminal, Markdown, LaTeX and notebooks."""

import io
import re
from xml.etree import ElementTree

import pytest
from rich.console import Console

from toonlab.studies.results.text_table import TextTable, latex, markdown

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

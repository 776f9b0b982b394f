"""The table for other programs: exact values as CSV, and LaTeX and Markdown that hold any name."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace

from toonlab.report.export import as_csv, as_latex, as_markdown
from toonlab.report.findings import Findings, find
from toonlab.studies.results.results import CellResult, StudyResults, Variant

Made = Callable[..., Findings]


def test_csv_gives_back_every_value_bit_for_bit(found: Findings, study: StudyResults) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert list(rows[0]) == ["recipe", "seed", "status", "outline_f1", "psnr", "seconds_per_step", "seconds"]
    assert len(rows) == len(study.cells)
    for row, cell in zip(rows, study.cells, strict=True):
        assert (row["recipe"], int(row["seed"]), row["status"]) == (cell.variant.recipe, cell.seed, cell.status)
        given = {name: float(row[name]) for name in list(row)[3:] if row[name]}
        assert given == {name: value for name, value in cell.values.items() if name in row}


def test_factors_are_columns_of_the_csv(study: StudyResults) -> None:
    path, other = "critics.patch.sampler.k", "critics.patch"
    variants = [Variant("a", {path: 4}), Variant("a", {path: 'se"v,en'}), Variant("a", {other: None}), Variant("b")]
    cells = [CellResult(variant, 0, "x", "finished", outcome=study.cells[0].outcome) for variant in variants]
    rows = list(csv.DictReader(io.StringIO(as_csv(find(replace(study, cells=cells, baseline=None))))))
    assert [(row["recipe"], row["k"], row["patch"]) for row in rows] == [
        ("a", "4", ""),
        ("a", 'se"v,en', ""),
        ("a", "", "off"),
        ("b", "", ""),
    ]


def test_the_latex_table_is_whole(found: Findings) -> None:
    text = as_latex(found)
    assert re.findall(r"\\(begin|end)\{(\w+)\}", text) == [
        ("begin", "table"),
        ("begin", "tabular"),
        ("end", "tabular"),
        ("end", "table"),
    ]
    assert [rule for rule in ("top", "mid", "bottom") if f"\\{rule}rule" in text] == ["top", "mid", "bottom"]
    (columns,) = re.findall(r"\\begin\{tabular\}\{(l+r+)\}", text)
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 1 + 3
    assert all(len(re.findall(r"(?<!\\)&", row)) + 1 == len(columns) for row in rows)
    assert r"outline\_f1" in rows[0]
    assert r"patches or none \& what \textless{}changes\textgreater{} nothing" in text
    assert "closeness, not cartoon-ness" in text
    assert not re.search(r"(?<!\\)[_%#]", text.replace(r"\label", ""))


def test_markdown_marks_the_best_and_says_the_verdict(made: Made) -> None:
    text = as_markdown(made({"plain": [0.5, 0.52, 0.48], "up_1": [0.6, 0.62, 0.585]}, baseline="plain"))
    lines = text.splitlines()
    assert lines[0] == r"| method | seeds | outline\_f1 ↑ | difference to plain | seconds ↓ |"
    assert lines[2].startswith("| plain | 3 | 0.500 ± 0.020 | baseline |")
    assert lines[3].startswith(r"| up\_1 | 3 | **0.602 ± 0.018** | +0.102 (+0.094 to +0.109), better |")


def test_times_that_can_not_be_compared_have_no_best(made: Made) -> None:
    study = made({"plain": [0.5, 0.52, 0.48], "up_1": [0.6, 0.62, 0.585]}, baseline="plain").results
    cells = [
        replace(cell, outcome={**(cell.outcome or {}), "seconds": seconds})
        for cell, seconds in zip(study.cells, (1.0, 2.0, 3.0, 5.0, 6.0, 7.0), strict=True)
    ]
    timed = replace(study, cells=cells)
    assert "| **2.000 ± 1.000** |" in as_markdown(find(timed))
    assert "| 2.000 ± 1.000 |" in as_markdown(find(replace(timed, caveats={"seconds": "2 jobs shared a device"})))


def test_a_table_without_a_baseline_compares_nothing(made: Made) -> None:
    head = as_markdown(made({"a": [0.5], "b": [0.6]})).splitlines()[0]
    assert head == r"| method | seeds | outline\_f1 ↑ | seconds ↓ |"

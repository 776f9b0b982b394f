"""The table of a report, on its page and for other programs: exact values as CSV, LaTeX and Markdown with any name."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace

from toonlab.report.findings import Findings
from toonlab.report.page import page
from toonlab.report.table import as_table, cells, exports, seeds_text
from toonlab.studies.results.results import CellResult, StudyResults, Variant

Made = Callable[..., Findings]
BASE = [0.50, 0.52, 0.48]


def shown(found: Findings) -> list[list[str]]:
    """The texts of the cells of the table on the page, row by row; those of a variant's details follow its row."""
    text = page(found, exports(found), "")
    (table,) = re.findall(r'<table class="data sortable".*?</table>\s*</div>', text, re.DOTALL)
    rows = re.findall(r"<tr\b.*?>(.*?)(?=<tr\b|</tr>)", table, re.DOTALL)
    texts = [[re.sub(r"<[^>]+>|\s+", " ", cell) for cell in re.split(r"</t[hd]>", row)[:-1]] for row in rows]
    return [[" ".join(text.split()) for text in row] for row in texts if row]


def test_a_row_has_its_values_its_difference_and_every_seed(made: Made) -> None:
    found = made({"plain": BASE, "up": [0.60, 0.62, 0.585]}, baseline="plain")
    plain, up = found.results.rows
    assert [cell.text for cell in cells(found, plain)] == ["0.500 ± 0.020", "3.000 ± 0.000"]
    assert [cell.best for cell in cells(found, up)] == [True, True]  # the same seconds
    assert seeds_text(up) == "3"
    rows = shown(found)
    assert rows[0] == ["method", "seeds", "lines ↑", "difference", "seconds ↓"]
    assert ["plain", "3", "0.500 ± 0.020", "· baseline", "3.000 ± 0.000"] in rows
    assert ["up", "3", "0.602 ± 0.018", "+0.100 ≈ undecided", "3.000 ± 0.000"] in rows  # too few seeds
    assert ["metric", "every seed", "difference (interval)"] in rows
    assert ["lines", "seed 0 0.600 seed 1 0.620 seed 2 0.585", "+0.100"] in rows
    assert ["lines", "seed 0 0.500 seed 1 0.520 seed 2 0.480", "–"] in rows


def test_words_stand_with_their_intervals_and_what_they_rest_on(made: Made) -> None:
    found = made({"plain": BASE * 2, "up": [0.60, 0.62, 0.585] * 2}, baseline="plain")
    rows = shown(found)
    assert ["up", "6", "0.602 ± 0.016", "+0.100 ▲ better +0.100 to +0.105", "3.000 ± 0.000"] in rows
    assert any("+0.100 (+0.100 to +0.105)" in row for row in rows)
    assert as_table(found).notes == [
        "Words rest on 6 seeds, intervals of 95 % and a margin of 0.03; "
        "lines has no scores of scenes for up: over seeds alone",
        "difference: the median over seeds of paired differences, which need not be the difference of the means",
    ]


def test_a_value_that_is_not_finite_is_shown_with_its_seed_and_counts_nowhere(made: Made) -> None:
    found = made({"a": {2: 0.5, 1: float("nan")}})
    (row,) = found.results.rows
    assert (cells(found, row)[0].text, seeds_text(row)) == ("0.500", "2")
    assert ["lines", "seed 1 nan seed 2 0.500"] in shown(found)


def test_a_single_variant_is_not_the_best(made: Made) -> None:
    found = made({"a": BASE})
    assert not any(cell.best for cell in cells(found, found.results.rows[0]))


def test_the_photo_stands_above_where_no_variant_has_its_values(made: Made) -> None:
    found = made({"a": BASE, "b": BASE}, baseline="a")
    for cell in found.results.cells:
        cell.outcome["photo"]["lines"] = 0.4
    rows = [row for row in shown(found) if row[0] in ("the unmodified photo", "a", "b")]
    assert rows[0] == ["the unmodified photo", "–", "0.400", "–", "–"]
    assert [row[0] for row in rows[1:]] == ["a", "b"]


def test_runs_that_failed_are_a_note(made: Made) -> None:
    found = made({"a": BASE}, failed=2)
    assert ["a 2 failed", "3", "0.500 ± 0.020", "3.000 ± 0.000"] in shown(found)
    assert "| a (2 failed) | 3 |" in exports(found)["md"]


# -- for other programs


def test_csv_gives_back_every_value_bit_for_bit(found: Findings, study: StudyResults) -> None:
    rows = list(csv.DictReader(io.StringIO(exports(found)["csv"])))
    assert list(rows[0]) == ["recipe", "seed", "status", "lines", "psnr", "seconds_per_step", "seconds", "verdict"]
    assert {row["recipe"]: row["verdict"] for row in rows}["patches"] == "baseline"
    assert len(rows) == len(study.cells)
    for row, cell in zip(rows, study.cells, strict=True):
        assert (row["recipe"], int(row["seed"]), row["status"]) == (cell.variant.recipe, cell.seed, cell.status)
        given = {name: float(row[name]) for name in list(row)[3:-1] if row[name]}
        assert given == {name: value for name, value in cell.values.items() if name in row}


def test_factors_are_columns_of_the_csv(study: StudyResults) -> None:
    path, other = "critics.patch.sampler.k", "critics.patch"
    variants = [Variant("a", {path: 4}), Variant("a", {path: 'se"v,en'}), Variant("a", {other: None}), Variant("b")]
    cells = [CellResult(variant, 0, "x", "finished", outcome=study.cells[0].outcome) for variant in variants]
    rows = list(csv.DictReader(io.StringIO(exports(Findings(replace(study, cells=cells, baseline=None)))["csv"])))
    assert [(row["recipe"], row["k"], row["patch"]) for row in rows] == [
        ("a", "4", ""),
        ("a", 'se"v,en', ""),
        ("a", "", "off"),
        ("b", "", ""),
    ]


def test_variants_that_train_on_pairs_are_marked(study: StudyResults) -> None:
    first, *others = study.cells
    marked = replace(study, cells=[replace(first, variant=replace(first.variant, supervised=True)), *others])
    lines = list(csv.DictReader(io.StringIO(exports(Findings(marked))["csv"])))
    assert [line["supervised"] for line in lines] == ["True", *["False"] * len(others)]
    assert "supervised" not in next(csv.reader(io.StringIO(exports(Findings(study))["csv"])))


def test_the_latex_table_is_whole(found: Findings) -> None:
    text = exports(found)["tex"]
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
    assert r"seconds\_per\_step" in rows[0]
    assert r"patches or none \& what \textless{}changes\textgreater{} nothing" in text
    assert "closeness, not cartoon-ness" in text
    assert not re.search(r"(?<!\\)[_%#]", text.replace(r"\label", ""))


def test_markdown_marks_the_best_and_says_the_verdict(made: Made) -> None:
    text = exports(made({"plain": BASE * 2, "up_1": [0.6, 0.62, 0.585] * 2}, baseline="plain"))["md"]
    lines = text.splitlines()
    assert lines[0] == r"| method | seeds | lines ↑ | difference to plain | seconds ↓ |"
    assert lines[2].startswith("| plain | 6 | 0.500 ± 0.018 | baseline |")
    assert lines[3].startswith(r"| up\_1 | 6 | **0.602 ± 0.016** | +0.100 (+0.100 to +0.105), better |")


def test_times_that_can_not_be_compared_have_no_best(made: Made) -> None:
    study = made({"plain": [0.5, 0.52, 0.48], "up_1": [0.6, 0.62, 0.585]}, baseline="plain").results
    cells = [
        replace(cell, outcome={**(cell.outcome or {}), "seconds": seconds})
        for cell, seconds in zip(study.cells, (1.0, 2.0, 3.0, 5.0, 6.0, 7.0), strict=True)
    ]
    timed = replace(study, cells=cells)
    assert "| **2.000 ± 1.000** |" in exports(Findings(timed))["md"]
    assert "| 2.000 ± 1.000 |" in exports(Findings(replace(timed, caveats={"seconds": "2 jobs shared a device"})))["md"]


def test_a_table_without_a_baseline_compares_nothing(made: Made) -> None:
    head = exports(made({"a": [0.5], "b": [0.6]}))["md"].splitlines()[0]
    assert head == r"| method | seeds | lines ↑ | seconds ↓ |"

"""The rows of a study's table, the notes below it, and how the terminal, Markdown, LaTeX and notebooks show it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from toonlab.utils.text import shown

if TYPE_CHECKING:
    from rich.table import Table

PHOTO = "the unmodified photo"


@dataclass(frozen=True)
class TableRow:
    """One method in a table: for every metric the value of each seed; in a word, how it compares with the baseline."""

    name: str
    values: Mapping[str, Sequence[float]]
    note: str = ""
    verdict: str = ""

    @property
    def seeds(self) -> int:
        return max((len(values) for values in self.values.values()), default=0)

    @property
    def seeds_text(self) -> str:
        return "–" if self.name == PHOTO else str(self.seeds)

    @property
    def label(self) -> str:
        """The name, long floats in it rounded."""
        return shown(self.name)

    @property
    def title(self) -> str:
        """`ctss (1 failed)`."""
        return f"{self.label} ({self.note})" if self.note else self.label

    def cell(self, column: str) -> str:
        """`0.652 ± 0.024`: the mean and the standard deviation over seeds."""
        values = self.values.get(column, ())
        if not values:
            return "–"
        spread = f" ± {_number(stdev(values))}" if len(values) > 1 else ""
        return _number(fmean(values)) + spread


def _number(value: float) -> str:
    return f"{value:z.3f}" if abs(value) < 10 else f"{value:z.2f}" if abs(value) < 100 else f"{value:z.0f}"


def leading(metrics: Mapping[str, float], wanted: Sequence[str]) -> dict[str, float]:
    """The metrics with a wanted name; all metrics, if there is none."""
    return {name: metrics[name] for name in wanted if name in metrics} or dict(metrics)


def with_photo(photo: Mapping[str, float], rows: Sequence[TableRow]) -> list[TableRow]:
    """The rows below one of the unmodified photo, unless a row has the same values: a recipe that changes nothing."""
    same = (all(set(row.values.get(name, ())) == {value} for name, value in photo.items()) for row in rows)
    return list(rows) if any(same) else [TableRow(PHOTO, {name: [value] for name, value in photo.items()}), *rows]


def columns(rows: Sequence[TableRow]) -> list[str]:
    """All metrics, in the order in which they first appear."""
    return list(dict.fromkeys(name for row in rows for name in row.values))


def notes(columns: Sequence[str], caveats: Mapping[str, str], measured: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The notes below a table: how its metrics measured, and why some are marked with a star."""
    ways = {name: ", ".join(f"{key} {value}" for key, value in about.items()) for name, about in measured.items()}
    return [*_together(columns, ways), *(f"* {note}" for note in _together(columns, caveats))]


def _together(names: Sequence[str], texts: Mapping[str, str]) -> list[str]:
    """`a, b: text`: one note for all names with the same text."""
    said = {text: ", ".join(name for name in names if texts.get(name) == text) for text in texts.values()}
    return [f"{of}: {text}" for text, of in said.items() if of]


def text_table(
    rows: Sequence[TableRow],
    caveats: Mapping[str, str] | None = None,
    measured: Mapping[str, Mapping[str, Any]] | None = None,
) -> TextTable:
    """The rows as text; metrics with a caveat have a star."""
    names, caveats = columns(rows), caveats or {}
    head = ["method", "seeds", *(f"{name}*" if name in caveats else name for name in names)]
    texts = [[row.title, row.seeds_text, *(row.cell(name) for name in names)] for row in rows]
    if any(row.verdict for row in rows):
        for line, verdict in zip([head, *texts], ["difference", *(row.verdict or "–" for row in rows)], strict=True):
            line.insert(3, verdict)
    return TextTable(head, texts, notes=notes(names, caveats, measured or {}))


def show(
    title: str,
    rows: Sequence[TableRow],
    caveats: Mapping[str, str] | None = None,
    measured: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Print a table and its notes; in a file or a pipe it takes the width that it needs."""
    from rich.console import Console

    console, table = Console(), text_table(rows, caveats, measured)
    if not console.is_terminal:
        console.width = 10_000  # of which a table takes what it needs
    console.print(table.terminal(title))
    for note in table.notes:
        console.print(note, style="dim", highlight=False, markup=False)


# -- as text

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": r"\ensuremath{-}",
    "+": r"\ensuremath{+}",
    "±": r"\ensuremath{\pm}",
    "×": r"\ensuremath{\times}",
    "↑": r"\ensuremath{\uparrow}",
    "↓": r"\ensuremath{\downarrow}",
    "–": "--",
    "…": r"\ldots{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}


@dataclass(frozen=True)
class TextTable:
    """A head and rows of text: the first column names a row, the others are numbers.

    Args:
        best: row and column of the texts that are shown in bold.
        notes: below the table; a note that begins with a star explains the stars in the head.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    best: Collection[tuple[int, int]] = ()
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        rule = ["---", *["---:"] * (len(self.head) - 1)]
        table = [[markdown(name) for name in self.head], rule, *self._marked(markdown, lambda text: f"**{text}**")]
        lines = ["| " + " | ".join(row) + " |" for row in table]
        notes = [re.sub(r"^\*", r"\\*", note) for note in self.notes]
        return "\n".join([*lines, *(f"\n{note}" for note in notes)]) + "\n"

    def latex(self, caption: str, label: str) -> str:
        """A `table`, which needs `\\usepackage{booktabs}` and no other package; the notes end the caption."""
        sentences = " ".join([caption, *(f"{note}." for note in self.notes)])
        join: Callable[[Sequence[str]], str] = lambda cells: "  " + " & ".join(cells) + r" \\"
        lines = [
            r"\begin{table}",
            r"  \centering",
            f"  \\caption{{{latex(sentences)}}}",
            f"  \\label{{tab:{re.sub(r'[^A-Za-z0-9]+', '-', label)}}}",
            f"  \\begin{{tabular}}{{l{'r' * (len(self.head) - 1)}}}",
            r"  \toprule",
            join([latex(name) for name in self.head]),
            r"  \midrule",
            *(join(row) for row in self._marked(latex, lambda text: f"\\textbf{{{text}}}")),
            r"  \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
        ]
        return "\n".join(lines) + "\n"

    def html(self) -> str:
        """For notebooks: styles are attributes, as viewers of notebooks remove style sheets."""
        rows = self._marked(escape, lambda text: f"<b>{text}</b>")
        lines = [_html_row("th", [escape(name) for name in self.head]), *(_html_row("td", row) for row in rows)]
        notes = f"<small>{'<br>'.join(map(escape, self.notes))}</small>" if self.notes else ""
        return f"<table>{''.join(lines)}</table>{notes}"

    def terminal(self, title: str) -> Table:
        from rich.markup import escape
        from rich.table import Table

        table = Table(title=title, title_justify="left", title_style="bold")
        for place, name in enumerate(self.head):
            table.add_column(escape(name), justify="right" if place else "left", no_wrap=True)
        for row in self._marked(escape, lambda text: f"[bold]{text}[/bold]"):
            table.add_row(*row)
        return table

    def _marked(self, quote: Callable[[str], str], bold: Callable[[str], str]) -> list[list[str]]:
        """The rows with special characters quoted, and the best texts in bold."""
        return [
            [bold(quote(text)) if (row, column) in self.best else quote(text) for column, text in enumerate(texts)]
            for row, texts in enumerate(self.rows)
        ]


def markdown(text: str) -> str:
    """Text for a cell of a Markdown table."""
    return re.sub(r"[|_*]", r"\\\g<0>", text)


def latex(text: str) -> str:
    """Text for LaTeX: `outline_f1` -> `outline\\_f1`; every character with a meaning of its own is escaped."""
    return "".join(_LATEX.get(letter, letter) for letter in text)


def _html_row(tag: str, texts: Sequence[str]) -> str:
    cells = [f'<{tag} style="text-align: {"right" if n else "left"}">{text}</{tag}>' for n, text in enumerate(texts)]
    return f"<tr>{''.join(cells)}</tr>"

"""A table as text, and how the terminal, Markdown, LaTeX and notebooks show it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

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

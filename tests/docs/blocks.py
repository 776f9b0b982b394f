"""The fenced blocks of a page, and the commands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "plugins/README.md", *sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs").rglob("*.md"))]


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    language: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.page}, line {self.line}"

    @property
    def commands(self) -> Iterator[str]:
        """Command by command, without comments; a line that ends with a backslash goes on."""
        for line in re.sub(r"\\\n\s*", "", self.text).splitlines():
            if command := re.sub(r"(^|\s+)#.*", "", line).strip():
                yield command


def blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    found, opened = [], None
    for number, line in enumerate(text.splitlines(), 1):
        fence = re.match(r" *```(.*)$", line)
        if fence and opened is None:
            opened, lines = (number, fence.group(1).partition(" ")[0]), []
        elif fence and opened:
            found.append(Block(page, *opened, "\n".join(lines) + "\n"))
            opened = None
        elif opened:
            lines.append(line)
    return found


def spans(page: str) -> list[str]:
    """Commands in the running text and in tables: `toonlab …`."""
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    return [" ".join(span.split()) for span in re.findall(r"`(toonlab [^`]+)`", text)]

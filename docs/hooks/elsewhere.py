"""Pages of the site that lie elsewhere in the repository, and links between the two.

Nothing is written twice: the README is a page as it is. Links in Markdown files are as they are in the repository,
where they work, too; in the site a link to what has a page of its own becomes a link to that page.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[2]
PAGES = {  # page -> file
    "start.md": "README.md",
    "start.zh-CN.md": "README.zh-CN.md",
    "plugins.md": "plugins/README.md",
    "changelog.md": "CHANGELOG.md",
}
FILES = ["CITATION.cff", "LICENSE"]  # what pages link to, as it is
STANDS_FOR = {  # file or folder -> the page to read in its place
    **{file: page for page, file in PAGES.items()},
    "docs/notebook.ipynb": "notebook.md",
    "toolkit/toonlab/registry/hookspecs.py": "reference/hooks.md",
    "toolkit/toonlab/registry/protocols.py": "reference/kinds.md",
    "toolkit/toonlab/recipes/spec.py": "reference/sections.md",
    "toolkit/toonlab/cli": "reference/commands.md",
    "toolkit/toonlab/ops": "reference/ops.md",
    "toolkit/toonlab": "reference/python.md",
    "baselines": "reference/recipes.md",
    "experiments": "reference/recipes.md",
    "plugins": "reference/parts.md",
}
_LINK = re.compile(r"""(\]\(|\b(?:src|href)=")([^)"#\s]+)(#[^)"\s]*)?(?=[)"])""")


def files(config: MkDocsConfig) -> Iterator[File]:
    """The pages, and the files that they link to."""
    for page, file in PAGES.items():
        if (ROOT / file).exists():
            yield File.generated(config, page, content=(ROOT / file).read_text(encoding="utf-8"))
    for file in FILES:
        yield File.generated(config, file, abs_src_path=str(ROOT / file))


def relinked(markdown: str, page: str) -> str:
    """The text of a page, its links as they have to be in the site; `page` is its path below `docs`."""
    home = posixpath.dirname(PAGES.get(page, f"docs/{page}"))

    def link(found: re.Match[str]) -> str:
        before, target, anchor = found.group(1), found.group(2), found.group(3) or ""
        place = _place(posixpath.normpath(posixpath.join(home, target)))
        if ":" in target or place is None:
            return found.group(0)
        return f"{before}{posixpath.relpath(place, posixpath.dirname(page) or '.')}{anchor}"

    return _LINK.sub(link, markdown)


def _place(target: str) -> str | None:
    """Where a path of the repository is in the site; None: nowhere."""
    for path in (target, posixpath.dirname(target)):  # a file without a page of its own has that of its folder
        if path in STANDS_FOR:
            return STANDS_FOR[path]
    if target in FILES:
        return target
    return target.removeprefix("docs/") if target.startswith("docs/") else None

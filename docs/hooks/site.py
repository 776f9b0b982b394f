"""What mkdocs asks for when it builds the site: pages that lie elsewhere, and those that are written from the code."""

from __future__ import annotations

import logging
from typing import Any

import elsewhere
import notebookpage
import reference
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page


def on_startup(**_: Any) -> None:
    """`--quiet` would silence warnings before `--strict` has counted them: with both, what is wrong is still told."""
    log = logging.getLogger("mkdocs")
    log.setLevel(min(log.level, logging.WARNING))


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Further pages come in."""
    for file in elsewhere.files(config):
        files.append(file)
    for page, write in {**reference.PAGES, "notebook.md": notebookpage.page}.items():
        files.append(File.generated(config, page, content=write()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """Links that lead out of `docs` lead to what stands for their target in the site."""
    return elsewhere.relinked(markdown, page.file.src_uri)

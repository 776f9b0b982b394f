"""What mkdocs asks for when it builds the site: pages that lie elsewhere in the repository."""

from __future__ import annotations

from typing import Any

import elsewhere
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Pages that lie elsewhere come in."""
    for file in elsewhere.files(config):
        files.append(file)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """Links that lead out of `docs` lead to what stands for their target in the site."""
    return elsewhere.relinked(markdown, page.file.src_uri)

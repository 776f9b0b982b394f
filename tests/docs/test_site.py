"""The site builds without a word, asks for nothing from the network, and can be read on a phone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from .blocks import ROOT
from .reference import elsewhere

# What loads by itself, as links do not: images, scripts, styles, fonts, frames, hints to a browser.
LOADS = [
    r"""<(?:img|script|iframe|source|video|audio|embed)\b[^>]*?\b(?:src|srcset)=["']?((?:https?:)?//[^"'\s>]+)""",
    r"""<link\b(?![^>]*\brel=["']?(?:canonical|next|prev|alternate))[^>]*?\bhref=["']?((?:https?:)?//[^"'\s>]+)""",
    r"""(?:url\(|@import\s+)["']?((?:https?:)?//[^"')\s]+)""",
]
# Addresses in the scripts of mkdocs-material that only a page with a diagram, a repository or no server would ask,
# and those of an old browser.
DORMANT = {
    "https://unpkg.com/mermaid@",
    "https://unpkg.com/iframe-worker",
    "https://unpkg.com/resize-observer",
    "https://api.github.com",
    "https://clipboardjs.com/",
}


def build(config: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--config-file",
        config,
        "--site-dir",
        out,
    ]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run([*map(str, command)], cwd=ROOT, env=environment, capture_output=True, text=True)


def loads(text: str) -> list[str]:
    """The addresses elsewhere that a page, a style sheet or a script would load."""
    return [address for pattern in LOADS for address in re.findall(pattern, text)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    done = build(ROOT / "mkdocs.yml", out)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def pages(site: Path) -> list[str]:
    found = [path.relative_to(site).as_posix() for path in site.rglob("*.html")]
    assert len(found) > 30
    return sorted(found)


def test_pages_and_styles_load_nothing_from_elsewhere(site: Path) -> None:
    files = [path for path in site.rglob("*") if path.suffix in (".html", ".css", ".svg")]
    assert {str(path): found for path in files if (found := loads(path.read_text("utf-8")))} == {}


def test_scripts_name_no_address_that_a_page_here_would_ask(site: Path) -> None:
    (bundle,) = site.glob("assets/javascripts/bundle.*.js")
    called = set(re.findall(r"https?://(?!www\.w3\.org)[\w./@-]+", bundle.read_text("utf-8")))
    assert {address for address in called if not address.startswith(tuple(DORMANT))} == set()
    text = "".join(path.read_text("utf-8") for path in site.rglob("*.html"))
    assert 'class="mermaid"' not in text
    assert 'data-md-component="source"' not in text


@pytest.mark.parametrize(
    "text",
    [
        '<img src="https://example.org/a.png">',
        '<script async src="//example.org/a.js"></script>',
        '<link rel="stylesheet" href="https://fonts.example.org/css">',
        '<link rel=preconnect href="https://fonts.example.org">',
        "@font-face { src: url('https://example.org/a.woff2') }",
        '@import "https://example.org/a.css";',
    ],
)
def test_what_would_be_loaded_is_found(text: str) -> None:
    assert len(loads(text)) == 1
    assert loads('<a href="https://example.org">a link</a> <link rel="canonical" href="https://example.org">') == []


def test_a_broken_link_fails_the_build(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    (tmp_path / "docs" / "runs.md").write_text("# Runs\n\n[nowhere](nowhere.md)\n")
    (tmp_path / "mkdocs.yml").write_text(
        (ROOT / "mkdocs.yml")
        .read_text("utf-8")
        .replace("docs_dir: docs", f"docs_dir: {tmp_path / 'docs'}")
        .replace("hooks: [docs/", f"hooks: [{ROOT}/docs/")
    )
    done = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert done.returncode != 0
    assert "'nowhere.md'" in done.stderr


@pytest.mark.parametrize(
    ("page", "before", "after"),
    [
        ("start.md", "[a](docs/runs.md#mlflow)", "[a](runs.md#mlflow)"),
        ("start.md", "[a](CITATION.cff)", "[a](CITATION.cff)"),
        ("plugins.md", "[a](../docs/samplers.md)", "[a](samplers.md)"),
        ("plugins.md", "![a](../docs/pictures/a.webp)", "![a](pictures/a.webp)"),
        ("samplers.md", "[a](../plugins/README.md#the-hooks)", "[a](plugins.md#the-hooks)"),
        ("methods/ctss.md", "[a](../../README.md)", "[a](../start.md)"),
        ("methods/ctss.md", "[a](../../toolkit/toonlab/registry/protocols.py)", "[a](../reference/kinds.md)"),
        ("methods/ctss.md", "[a](plain.md)", "[a](plain.md)"),
        ("runs.md", "[a](https://example.org/docs/x.md)", "[a](https://example.org/docs/x.md)"),
        ("runs.md", "[a](#mlflow)", "[a](#mlflow)"),
    ],
)
def test_a_link_of_the_repository_becomes_one_of_the_site(page: str, before: str, after: str) -> None:
    assert elsewhere.relinked(before, page) == after


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


BEYOND = """async () => {
    await Promise.allSettled(document.getAnimations().map(animation => animation.finished));
    return document.documentElement.scrollWidth - innerWidth;
}"""


def beyond_the_screen(page: Page) -> list[int]:
    """By how many pixels a page is wider than the screen, if it is."""
    beyond = int(page.evaluate(BEYOND))
    return [beyond] if beyond else []


def test_every_page_fits_the_screen_and_asks_for_nothing(address: str, pages: list[str], browser: Browser) -> None:
    """In Chromium: no request to elsewhere, nothing missing, no error, nothing wider than the screen."""
    wrong: list[str] = []
    with browser.new_page() as page:
        page.on(
            "request", lambda r: wrong.append(f"asks {r.url}") if not r.url.startswith((address, "data:")) else None
        )
        page.on("response", lambda r: wrong.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        for name in pages:
            page.set_viewport_size({"width": 390, "height": 844})
            page.emulate_media(color_scheme="light")
            page.goto(address + name)
            wrong += [f"{name} is {beyond} px wider than a phone's screen" for beyond in beyond_the_screen(page)]
            page.set_viewport_size({"width": 1280, "height": 844})
            page.emulate_media(color_scheme="dark")
            wrong += [f"{name} is {beyond} px wider than a desktop's screen" for beyond in beyond_the_screen(page)]
    assert wrong == []

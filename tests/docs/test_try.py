"""The page try/ runs an exported generator in the browser: as onnxruntime does it here, and offline."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page

from .blocks import ROOT

TRY = ROOT / "docs" / "try"
MODEL = TRY / "ctss.onnx"
CDN = "https://cdn.jsdelivr.net/npm/onnxruntime-web@1.30.0/dist/"
FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
DONE = "document.getElementById('status').textContent.includes(' pixels in ')"
FAILED = "document.getElementById('status').classList.contains('wrong')"


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runtime's files, from the npm registry; without that, the tests that need it are skipped."""
    folder = tmp_path_factory.mktemp("runtime")
    command = ["npm", "pack", "--prefer-offline", "--fetch-retries=0", "--silent", "onnxruntime-web@1.30.0"]
    if shutil.which("npm") is None:
        pytest.skip("npm is not on this machine: it brings onnxruntime-web")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    if done.returncode:
        pytest.skip(f"onnxruntime-web can't be had from the npm registry: {done.stderr.strip()[-200:]}")
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        for name in FILES:
            content = archive.extractfile(f"package/dist/{name}")
            assert content is not None
            (folder / name).write_bytes(content.read())
    return folder


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


Serve = Callable[..., str]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serves a copy of the page's folder, with the runtime's files if they are given; returns its address."""
    servers: list[ThreadingHTTPServer] = []

    def start(runtime: Path | None = None, files: Sequence[str] = FILES) -> str:
        shutil.copytree(TRY, tmp_path / "site" / "try")
        if runtime:
            (tmp_path / "site" / "try" / "ort").mkdir()
            for name in files:
                shutil.copy(runtime / name, tmp_path / "site" / "try" / "ort" / name)
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "site")))
        threading.Thread(target=server.serve_forever).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(viewport={"width": 390, "height": 844}) as context:
        yield context


def opened(phone: BrowserContext, address: str, elsewhere: Callable[[str], Path | None]) -> tuple[Page, list[str]]:
    """The page, and the addresses elsewhere that it asks for; these are answered with a file, or not at all."""
    asked: list[str] = []

    def answer(route) -> None:
        url = route.request.url
        if url.startswith((address, "blob:", "data:")):
            route.continue_()
            return
        asked.append(url)
        path = elsewhere(url)
        headers = {"Access-Control-Allow-Origin": "*"}
        route.fulfill(path=path, headers=headers) if path else route.abort()

    phone.route("**/*", answer)
    page = phone.new_page()
    page.goto(f"{address}try/index.html")
    return page, asked


def photo(path: Path, width: int, height: int, mode: str = "RGB") -> Path:
    random = np.random.default_rng(0)
    small = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    picture = small.resize((width, height), Image.Resampling.BICUBIC).convert(mode)
    picture.save(path)
    return path


def drawn(page: Page, canvas: str) -> np.ndarray:
    data = page.evaluate(f"document.getElementById('{canvas}').toDataURL()")
    with Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))) as picture:
        return np.asarray(picture.convert("RGB")).astype(np.float32)


def test_the_demo_model_is_a_small_export_that_says_where_it_comes_from() -> None:
    assert MODEL.stat().st_size < 500_000
    notes = {entry.key: entry.value for entry in onnx.load(MODEL).metadata_props}
    assert json.loads(notes["toonlab"])["generator"]["network"] == {"use": "ctss_unet", "width": 6}
    assert notes["license"] == "Apache-2.0"


def test_a_picture_is_cartoonized_offline_as_onnxruntime_does_it(
    runtime: Path, serve: Serve, phone: BrowserContext, tmp_path: Path
) -> None:
    page, asked = opened(phone, serve(runtime), lambda _: None)
    assert page.get_by_label("A picture").is_visible()
    page.set_input_files("#file", photo(tmp_path / "photo.png", 131, 97))
    page.wait_for_function(DONE, timeout=60_000)
    before, after = drawn(page, "before"), drawn(page, "after")
    with Image.open(tmp_path / "photo.png") as picture:
        assert np.array_equal(before, np.asarray(picture))
    given = (before / np.float32(127.5) - 1).transpose(2, 0, 1)[None]
    session = onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
    expected = (session.run(None, {"photo": given})[0][0].transpose(1, 2, 0) + 1) * 127.5
    assert np.abs(after - expected).max() < 0.6  # rounded to whole levels
    assert page.get_by_role("link", name="Save the cartoon").get_attribute("href").startswith("data:image/png")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert Axe().run(page).violations_count == 0
    assert asked == []
    page.set_input_files("#file", photo(tmp_path / "large.jpg", 1030, 400))
    page.wait_for_function(DONE.replace(" pixels", "512 × 199 pixels"), timeout=60_000)


def test_a_file_that_is_no_picture_is_named(serve: Serve, phone: BrowserContext, tmp_path: Path) -> None:
    page, asked = opened(phone, serve(), lambda _: None)
    (tmp_path / "letter.png").write_text("no picture")
    page.set_input_files("#file", tmp_path / "letter.png")
    page.wait_for_function(FAILED)
    assert page.get_by_role("status").inner_text() == (
        "letter.png is no picture that this browser can read; choose a JPEG, PNG or WebP file."
    )
    assert page.locator("#pictures").is_hidden()
    assert page.locator("#file").is_enabled()
    assert asked == []  # the runtime is loaded for pictures only


def test_the_runtime_comes_from_the_cdn_where_the_site_has_none(
    runtime: Path, serve: Serve, phone: BrowserContext, tmp_path: Path
) -> None:
    """Only the very file that the page names is run. The large one is here: Playwright takes long to hand it over."""
    code = tmp_path / FILES[0]
    code.write_text("globalThis.changed = true;" + (runtime / FILES[0]).read_text("utf-8"), "utf-8")
    page, asked = opened(phone, serve(runtime, FILES[1:]), lambda url: code if url == CDN + FILES[0] else None)
    page.set_input_files("#file", photo(tmp_path / "a.png", 40, 30))
    page.wait_for_function(FAILED)
    assert "could not be loaded" in page.get_by_role("status").inner_text()
    assert page.evaluate("globalThis.changed") is None
    shutil.copy(runtime / FILES[0], code)
    page.set_input_files("#file", photo(tmp_path / "b.png", 40, 30))
    page.wait_for_function(DONE, timeout=60_000)
    assert set(asked) == {CDN + FILES[0]}

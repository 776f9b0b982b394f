"""The page in a real browser: a photo, its cartoons, the samplers; by mouse and by keys, wide and narrow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from .conftest import SECONDS, App, give, open_tab, violations


@pytest.mark.parametrize("tab", [390, 1280], indirect=True)
def test_a_photo_goes_through_every_method(tab: Page, photo: Path, tmp_path: Path) -> None:
    assert violations(tab) == []
    give(tab, photo)
    expect(tab.get_by_text("Done: 96 × 64 pixels in")).to_be_visible(timeout=SECONDS)
    expect(tab.locator("#methods .caption-label")).to_have_text(["photo", "classic", "patches"])
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(tab) == []
    expect(tab.get_by_text("The photo to the left, classic to the right")).to_be_visible()
    tab.get_by_role("radio", name="patches").check()
    expect(tab.get_by_text("The photo to the left, patches to the right")).to_be_visible(timeout=SECONDS)
    for button, name, size in (
        ("Download this cartoon", "disk-patches-2.png", (96, 64)),
        ("Download the sheet of all", "disk-sheet.png", None),
    ):
        with tab.expect_download() as download:
            tab.get_by_text(button).click()
        assert download.value.suggested_filename == name
        download.value.save_as(tmp_path / name)
        with Image.open(tmp_path / name) as picture:
            assert picture.size == size or (size is None and picture.width > 3 * 96)


def test_everything_can_be_done_by_keys(tab: Page, photo: Path) -> None:
    give(tab, photo)
    expect(tab.get_by_text("Done:")).to_be_visible(timeout=SECONDS)
    tab.get_by_role("radio", name="patches").press("Space")
    expect(tab.get_by_text("patches to the right")).to_be_visible(timeout=SECONDS)
    tab.get_by_role("button", name="Thumbnail 2 of 3").press("Enter")
    expect(tab.get_by_text("classic to the right")).to_be_visible(timeout=SECONDS)
    tab.get_by_label("number input for Longer side of the cartoons").fill("256")
    tab.get_by_role("button", name="Cartoonize at this size").press("Enter")
    expect(tab.get_by_text("Done:")).to_be_visible(timeout=SECONDS)
    line = tab.locator(".slider-wrap .outer")
    before = line.get_attribute("style") or ""
    tab.get_by_label("range slider for Line between").press("ArrowLeft")
    expect(line).not_to_have_attribute("style", before, timeout=SECONDS)


def test_samplers_show_where_they_look_and_follow_the_sliders(tab: Page, photo: Path) -> None:
    give(tab, photo)
    expect(tab.get_by_text("Done:")).to_be_visible(timeout=SECONDS)
    open_tab(tab, "Where samplers look")
    captions = tab.locator("#looks .caption-label")
    expect(captions).to_contain_text(["filtered", "chosen patches", "saliency", "seen 1", "seen 2"], timeout=SECONDS)
    tab.get_by_label("range slider for k").press("ArrowRight")
    expect(tab.get_by_role("alert")).to_contain_text("3", timeout=SECONDS)  # so many fit into no picture of 32x21
    tab.get_by_label("number input for Longer side of the picture").fill("96")
    tab.get_by_label("number input for Longer side of the picture").press("Enter")
    expect(captions).to_have_count(6, timeout=SECONDS)
    tab.get_by_label("range slider for k").press("ArrowRight")
    expect(captions).to_have_count(7, timeout=SECONDS)
    tab.get_by_label("number input for Patch size").fill("200")
    tab.get_by_label("number input for Patch size").press("Enter")
    expect(tab.get_by_role("alert")).to_contain_text("200", timeout=SECONDS)
    tab.get_by_label("Sampler").click()
    tab.get_by_role("option", name="random_patches").click()
    expect(captions.first).to_have_text("chosen patches", timeout=SECONDS)
    assert violations(tab) == []


def test_a_file_that_is_no_photo_is_told_and_taken_away(tab: Page, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("no picture")
    give(tab, tmp_path / "notes.jpg")
    expect(tab.get_by_role("alert")).to_have_text(
        "notes.jpg: is not a picture that can be read; choose another photo, such as a JPEG or PNG file",
        timeout=SECONDS,
    )
    expect(tab.get_by_text("Drop a photo here, or choose one")).to_be_visible(timeout=SECONDS)
    give(tab, photo)  # and the next one is taken
    expect(tab.get_by_text("Done:")).to_be_visible(timeout=SECONDS)


def test_a_file_that_is_too_large_is_refused(serving: App, browser: Browser, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (700, 700, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")  # 1.5 MB, and the limit is 1 MB
    page = browser.new_page()
    page.goto(serving.address)
    expect(page.get_by_text("Choose a photo to begin.")).to_be_visible(timeout=SECONDS)
    give(page, tmp_path / "large.png")
    expect(page.get_by_text("maximum allowed size")).to_be_visible(timeout=SECONDS)
    page.close()

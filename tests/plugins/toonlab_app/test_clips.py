"""Clips on the page: made, stopped, refused; in the browser and without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from playwright.sync_api import Browser, Page, expect
from rendered_clips import encode, packets, shown

from toonlab import ToonlabError
from toonlab_app.clips import Clips
from toonlab_app.methods import load_methods
from toonlab_app.photos import WorkFolder

from .conftest import SECONDS, App, give, open_tab, violations

VISITOR = "visitor"


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MKV file of 1 second, 25 frames of 96x64 pixels, with sound."""
    return encode(tmp_path_factory.mktemp("clips") / "pan.mkv", range(0, 25 * 512, 512))


@pytest.fixture(scope="module")
def clips(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Clips:
    methods, _ = load_methods(["study"], runs, "cpu")
    return Clips(methods, WorkFolder(tmp_path_factory.mktemp("work")), "cpu", 3, Event())


def nothing(share: float, text: str) -> None:
    pass


def test_a_clip_becomes_one_that_browsers_play_with_its_times_and_its_sound(clips: Clips, clip: Path) -> None:
    told = list[float]()
    made, notes = clips.make(clip, "classic", 96, 0.0, VISITOR, lambda share, _: told.append(share))
    assert made.name == "pan-classic.mp4"
    assert notes == []
    assert shown(made)[0] == shown(clip)[0]
    assert [data for _, data in packets(made)] == [data for _, data in packets(clip)]
    assert told == sorted(told)
    assert told[-1] > 0.8


def test_clips_that_are_none_are_too_long_or_cut_off_are_told(clips: Clips, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("no clip")
    with pytest.raises(ToonlabError, match=r"^notes\.mp4: can't be read as a clip"):
        clips.make(tmp_path / "notes.mp4", "classic", 96, 0.0, VISITOR, nothing)
    long = encode(tmp_path / "long.mp4", range(0, 90 * 512, 512))
    with pytest.raises(
        ToonlabError, match=r"^long\.mp4: longer than 3 seconds; cut it, or start the app with a larger"
    ):
        clips.make(long, "classic", 96, 0.0, VISITOR, nothing)
    whole = encode(tmp_path / "whole.mkv", range(0, 70 * 512, 512)).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 3])
    made, notes = clips.make(tmp_path / "cut.mkv", "classic", 96, 0.0, VISITOR, nothing)
    assert 0 < len(shown(made)[0]) < 70
    assert "cut.mkv: can be read up to" in notes[0]
    assert str(tmp_path) not in notes[0]


def test_its_visitor_and_the_end_of_the_server_stop_it(clips: Clips, clip: Path) -> None:
    frames = list[float]()

    def stop(by: Callable[[], object]) -> None:
        def told(share: float, _: str) -> None:
            frames.append(share)
            by()

        with pytest.raises(ToonlabError, match=r"^stopped$"):
            clips.make(clip, "patches", 96, 0.0, VISITOR, told)

    stop(lambda: clips.stopped.add(VISITOR))
    assert len(frames) == 1
    clips.make(clip, "classic", 96, 0.0, VISITOR, lambda *_: clips.stopped.add("another"))
    stop(clips.ending.set)
    clips.ending.clear()


@pytest.mark.parametrize("tab", [390, 1280], indirect=True)
def test_the_page_plays_the_cartoon_next_to_the_clip(tab: Page, clip: Path, tmp_path: Path) -> None:
    open_tab(tab, "Clips")
    tab.get_by_role("button", name="Cartoonize the clip").press("Enter")
    expect(tab.get_by_text("Choose a clip first.")).to_be_visible(timeout=SECONDS)
    (tmp_path / "notes.mp4").write_text("no clip")
    give(tab, tmp_path / "notes.mp4", "video")
    tab.get_by_role("button", name="Cartoonize the clip").press("Enter")
    expect(tab.get_by_role("alert")).to_contain_text("notes.mp4: can't be read as a clip", timeout=SECONDS)
    tab.get_by_label("Clear").last.click()
    give(tab, clip, "video")
    tab.get_by_role("button", name="Cartoonize the clip").press("Enter")
    expect(tab.get_by_text("Done in")).to_be_visible(timeout=SECONDS)
    with tab.expect_download() as download:
        tab.get_by_text("Download this clip").click()
    assert download.value.suggested_filename == "pan-classic.mp4"
    video = tab.locator("video").last
    width = "v => new Promise(r => v.readyState > 1 ? r(v.videoWidth) : v.onloadeddata = () => r(v.videoWidth))"
    assert video.evaluate(width) == 96
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(tab) == []


def test_ctrl_c_ends_a_clip_in_progress(
    runs: Path, start: Callable[..., App], tmp_path: Path, browser: Browser
) -> None:
    app = start("study", "--runs", runs, temporary=tmp_path)
    long = encode(tmp_path / "long.mp4", range(0, 400 * 512, 512))
    page = browser.new_page()
    page.goto(app.address)
    open_tab(page, "Clips")
    give(page, long, "video")
    page.get_by_label("number input for Longer side of the clip").fill("1024")
    page.get_by_role("button", name="Cartoonize the clip").click()
    expect(page.get_by_text("s of the clip")).to_be_visible(timeout=SECONDS)
    code, errors = app.end()
    page.close()
    assert (code, "Traceback" in errors) == (0, False), errors
    assert list(tmp_path.glob("toonlab-app-*")) == []

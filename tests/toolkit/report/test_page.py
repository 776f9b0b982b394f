"""The page in a real browser: it asks nobody for anything, fits any screen, and can be used by keyboard and by ear."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from toonlab.report import write_report
from toonlab.studies.results.results import StudyResults

SIZES = [(390, 844), (1280, 900)]
SCHEMES = ["light", "dark"]
PATIENCE = 120_000  # ms: machines are shared
KINDS = ["comparison", "search", "factorial"]
Open = Callable[..., Page]
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def pages(page: Path, budgeted: StudyResults, factorial: StudyResults) -> dict[str, Path]:
    results = {"search": budgeted, "factorial": factorial}
    return {"comparison": page} | {name: write_report(given) for name, given in results.items()}


@pytest.fixture
def visit(browser: Browser, pages: dict[str, Path]) -> Iterator[Open]:
    """`visit(width=390, color_scheme="dark")` opens the page, which must ask for nothing and complain of nothing."""
    contexts, requests, complaints = [], [], []

    def visit(width: int = 1280, height: int = 900, kind: str = "comparison", **others: object) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **others)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        tab = context.new_page()
        tab.on("request", lambda request: requests.append(request.url))
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.goto(pages[kind].as_uri())
        return tab

    yield visit
    for context in contexts:
        context.close()
    assert {url for url in requests if not url.startswith("data:")} <= {page.as_uri() for page in pages.values()}
    assert complaints == []


def unfold(tab: Page) -> None:
    """Open all that can be opened."""
    tab.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    tab.evaluate("document.querySelectorAll('.more').forEach((one) => one.click())")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_everyone_can_read_it(visit: Open, kind: str, width: int, height: int, scheme: str) -> None:
    """axe-core finds nothing: contrast, alternative texts, labels, headings, landmarks, keyboard."""
    tab = visit(width, height, kind, color_scheme=scheme)
    unfold(tab)
    found = Axe().run(tab, options={"resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [width for width, _ in SIZES])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_wider_than_the_screen(visit: Open, kind: str, width: int) -> None:
    tab = visit(width, kind=kind)
    unfold(tab)
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    outside = """[...document.querySelectorAll('main *')]
        .filter((one) => !one.closest('.scroll, pre, svg, .unseen, .stage'))
        .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
        .map((one) => one.outerHTML.slice(0, 90))"""
    assert tab.evaluate(outside) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_colours_of_charts_stand_out(visit: Open, scheme: str) -> None:
    """WCAG 2.2: 4.5 to 1 for text, 3 to 1 for what else has to be seen. axe-core does not look into figures."""
    tab = visit(color_scheme=scheme)
    text = ["ink", "soft", "better", "worse", "open", "accent"]
    parts = [f"series-{number}" for number in range(7)] + ["edge", "focus"]
    script = """(names) => {
        const style = getComputedStyle(document.documentElement);
        return names.map((name) => style.getPropertyValue(`--${name}`).trim());
    }"""
    paper, panel, *colors = tab.evaluate(script, ["paper", "panel", *text, *parts])
    for name, color in zip([*text, *parts], colors, strict=True):
        assert contrast(color, paper) >= (4.5 if name in text else 3), (name, color)
        assert name not in text or contrast(color, panel) >= 4.5, (name, color)
    assert tab.locator(".chart svg text").first.evaluate("(one) => getComputedStyle(one).fill") == rgb(colors[1])


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def rgb(color: str) -> str:
    return f"rgb({', '.join(str(int(color[place : place + 2], 16)) for place in (1, 3, 5))})"


# -- the table


def order(tab: Page) -> list[str]:
    return [text.strip() for text in tab.locator("tr.line :is(.more, .bare)").all_inner_texts()]


def test_columns_are_sorted_by_mouse_and_by_keyboard(visit: Open) -> None:
    tab = visit()
    asked = order(tab)
    assert asked == ["patches", "lone", "untouched"]
    header = tab.get_by_role("button", name=re.compile("lines"))
    header.click()
    cell = tab.locator("th", has=header)
    expect(cell).to_have_attribute("aria-sort", "descending")
    values = [float(td.get_attribute("data-sort") or "nan") for td in tab.locator("tr.line td:nth-child(3)").all()]
    assert values == sorted(values, reverse=True)
    best_first = order(tab)
    header.focus()
    tab.keyboard.press("Enter")
    expect(cell).to_have_attribute("aria-sort", "ascending")
    assert order(tab) == best_first[::-1]
    tab.get_by_role("button", name="method").focus()
    tab.keyboard.press("Space")
    assert order(tab) == sorted(asked)
    assert tab.locator("th[aria-sort]").count() == 1


def test_what_has_no_value_comes_last_either_way(visit: Open) -> None:
    tab = visit()
    header = tab.get_by_role("button", name=re.compile("seconds_per_step"))
    for _ in range(2):
        header.click()
        assert order(tab)[-1] == "untouched"


def test_every_seed_is_behind_its_row(visit: Open) -> None:
    tab = visit()
    row = tab.locator(".more", has_text="patches")
    seeds = tab.locator("#" + (row.get_attribute("aria-controls") or ""))
    expect(seeds).to_be_hidden()
    row.focus()
    tab.keyboard.press("Enter")
    expect(row).to_have_attribute("aria-expanded", "true")
    expect(seeds).to_be_visible()
    assert len(re.findall(r"seed \d", seeds.locator("tr", has_text="lines").inner_text())) == 3
    tab.get_by_role("button", name="method").click()  # the details stay with their row
    assert tab.locator("tbody", has=row).locator("tr.details").is_visible()


def test_without_scripts_everything_is_open(visit: Open) -> None:
    tab = visit(java_script_enabled=False)
    visible = {kind: [one.is_visible() for one in tab.locator(kind).all()] for kind in ("tr.details", ".scene")}
    assert all(visible["tr.details"])
    assert all(visible[".scene"])
    assert len(visible["tr.details"]) > 1
    assert len(visible[".scene"]) > 1
    assert not tab.locator(".viewer").is_visible()
    assert not any(one.is_visible() for one in tab.locator(".copy").all())


@pytest.mark.parametrize(("name", "suffix"), [("CSV", "csv"), ("Markdown", "md"), ("LaTeX", "tex")])
def test_tables_are_copied_as_they_are_written(visit: Open, page: Path, name: str, suffix: str) -> None:
    tab = visit(permissions=["clipboard-read", "clipboard-write"])
    tab.get_by_role("button", name=f"Copy {name}").click()
    expect(tab.locator("#table .status")).to_have_text(f"{name} copied")
    assert tab.evaluate("navigator.clipboard.readText()") == page.with_name(f"table.{suffix}").read_text()


def test_copying_works_where_the_clipboard_is_closed(visit: Open) -> None:
    tab = visit(permissions=["clipboard-read"])
    tab.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('closed')); }")
    tab.get_by_role("button", name="Copy the command").click()
    expect(tab.locator("#reproducibility .status")).to_have_text("command copied")
    assert tab.evaluate("navigator.clipboard.readText()") == "toonlab compare study.yaml"


# -- pictures and curves


def test_the_slider_moves_by_keyboard_and_says_where_it_is(visit: Open) -> None:
    tab = visit()
    slider = tab.get_by_role("slider")
    left = tab.locator(".half.left")
    clip = "(one) => parseFloat(getComputedStyle(one).clipPath.split(' ')[1])"  # per cent, from the right
    slider.focus()
    expect(slider).to_have_attribute("aria-valuetext", re.compile("^50 % photo, 50 % "))
    assert left.evaluate(clip) == 50
    for _ in range(10):
        tab.keyboard.press("ArrowRight")
    expect(slider).to_have_value("60")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("^60 % photo, 40 % "))
    assert left.evaluate(clip) == 40
    tab.keyboard.press("End")
    assert left.evaluate(clip) == 0
    assert (
        tab.locator(".handle").evaluate("(one) => getComputedStyle(one, '::after').backgroundColor")
        != "rgb(255, 255, 255)"
    )


def test_the_slider_moves_by_mouse(visit: Open) -> None:
    tab = visit()
    tab.locator(".stage").scroll_into_view_if_needed()
    box = tab.get_by_role("slider").bounding_box()
    tab.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + 40)
    assert abs(int(tab.get_by_role("slider").input_value()) - 25) <= 1


def test_any_two_pictures_of_any_scene_are_side_by_side(visit: Open) -> None:
    tab = visit()
    expect(tab.locator(".scene:visible")).to_have_count(1)
    tab.get_by_label("Left", exact=True).select_option("lone")
    tab.locator(".scene:visible").get_by_role("button", name=re.compile("truth")).click()
    expect(tab.get_by_label("Right", exact=True)).to_have_value("truth")
    tab.get_by_role("radio").first.focus()
    tab.keyboard.press("ArrowRight")
    shown = tab.locator(".stage img")
    assert [one.get_attribute("alt") for one in shown.all()] == ["toonworld-0001: truth", "toonworld-0001: lone"]
    assert all(one.evaluate("(one) => one.complete && one.naturalWidth === 32") for one in shown.all())
    expect(tab.locator(".scene:visible .pick[aria-pressed=true]")).to_have_count(2)


def test_patches_are_laid_over_the_picture_on_demand(visit: Open) -> None:
    tab = visit()
    tab.get_by_label("Right", exact=True).select_option("patches")
    expect(tab.locator(".stage .patches.on")).to_have_count(0)
    tab.get_by_label("Patches of critic").select_option("patch")
    overlay = tab.locator(".stage .half.right .patches.on")
    expect(overlay.locator(".box")).to_have_count(2)
    box, stage = overlay.locator(".box").first.bounding_box(), tab.locator(".stage").bounding_box()
    assert box["width"] == pytest.approx(stage["width"] / 2, rel=0.02)  # 16 of 32 pixels


def test_one_method_can_be_picked_out_of_the_curves(visit: Open) -> None:
    tab = visit()
    button = tab.locator("[data-highlight]", has_text="lone")
    button.focus()
    tab.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "true")
    opacity = "(one) => getComputedStyle(one).opacity"
    number = button.get_attribute("data-highlight")
    curves = tab.locator(".chart [data-series]")
    assert {curve.evaluate(opacity) for curve in curves.all() if curve.get_attribute("data-series") == number} == {"1"}
    assert {curve.evaluate(opacity) for curve in curves.all() if curve.get_attribute("data-series") != number} == {
        "0.1"
    }
    tab.keyboard.press("Enter")
    assert {curve.evaluate(opacity) for curve in curves.all()} == {"1"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_text_of_figures_is_readable_on_any_screen(visit: Open, width: int, kind: str) -> None:
    tab = visit(width, kind=kind)
    unfold(tab)
    figures = tab.locator(".chart svg")
    sizes = """(all) => all.map((one) => {
        const scale = one.getBoundingClientRect().width / one.viewBox.baseVal.width;
        const texts = [...one.querySelectorAll('text')];
        return texts.map((text) => scale * parseFloat(getComputedStyle(text).fontSize));
    }).flat()"""
    assert figures.count() >= {"comparison": 7, "search": 5, "factorial": 3}[kind]
    pixels = figures.evaluate_all(sizes)
    assert min(pixels) >= 7.5 if width == 320 else min(pixels) >= 9
    assert max(pixels) <= 16

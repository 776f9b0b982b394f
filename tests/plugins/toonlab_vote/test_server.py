"""The server of a vote, by a real client: what it tells, what it keeps to itself, and what is on the disk."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from math import exp
from pathlib import Path
from random import Random
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from toonlab.report import write_report
from toonlab.studies.results.results import StudyResults
from toonlab_vote.server import LARGEST, Voting
from toonlab_vote.trials import plan

from .conftest import Serving

Serve = Callable[..., Serving]
TRUE = {"identity": -1.0, "classic": 1.0, "canny": 0.0}


def answer_all(serving: Serving, rater: str, choose: Callable[[int, str], str]) -> int:
    """Answer each question of a rater by `choose(trial, question)`; the number of answers."""
    told, given = serving.ask("begin", {"rater": rater}).json, 0
    while not told.get("finished"):
        (step, question) = (told["step"], told["question"])
        told = serving.ask(
            "answer", {"rater": rater, "step": step, "answer": choose(step, question), "seconds": 1}
        ).json
        given += 1
    return given


def test_nothing_that_a_rater_gets_names_a_method(serve: Serve) -> None:
    serving = serve(pairs=12)
    sent, labels = b"", [label.encode() for label in (*TRUE, "yard")]
    for path in ("", "vote.js", "vote.css"):
        answer = serving.ask(path)
        assert answer.status == 200
        sent += answer.body
    told, seen = serving.ask("begin", {"rater": "a"}).json, set[str]()
    while not told.get("finished"):
        sent += json.dumps(told).encode()
        for address in told["pictures"].values():
            picture = serving.ask(address)
            with Image.open(io.BytesIO(picture.body)) as image:
                assert (image.format, image.size, image.info) == ("PNG", (32, 32), {})
            sent += json.dumps(picture.headers).encode()
        seen |= set(told["pictures"].values())
        told = serving.ask("answer", {"rater": "a", "step": told["step"], "answer": "left"}).json
    assert not any(label in sent for label in labels)
    assert len(seen) == 3 * len({vote.trial for vote in serving.poll.votes()})  # other addresses in each trial


def test_pictures_are_those_of_the_vote_that_is_written(serve: Serve) -> None:
    serving = serve(pairs=6)
    told = serving.ask("begin", {"rater": "a"}).json
    while not told.get("finished"):
        shown = {side: serving.ask(address).body for side, address in told["pictures"].items()}
        told = serving.ask("answer", {"rater": "a", "step": told["step"], "answer": "tie"}).json
        vote = serving.poll.votes()[-1]
        if vote.kind != "photo":
            for side, label in (("left", vote.left), ("right", vote.right)):
                with (
                    Image.open(serving.poll.pictures.fakes[vote.photo][label]) as file,
                    Image.open(io.BytesIO(shown[side])) as got,
                ):
                    assert file.convert("RGB").tobytes() == got.tobytes()
        else:
            same = shown["left" if vote.left == "photo" else "right"]
            assert same == shown["photo"] != shown["right" if vote.left == "photo" else "left"]


def test_a_rater_who_comes_back_goes_on_and_a_torn_line_is_mended(serve: Serve) -> None:
    serving = serve()
    for step in range(4):
        serving.ask("answer", {"rater": "Ann-7", "step": step, "answer": "left", "seconds": 2.5})
    before = serving.poll.path.read_bytes()
    assert before.count(b"\n") == 5
    assert json.loads(before.splitlines()[-1])["rater"] == "ann-7"
    with serving.poll.path.open("ab") as file:
        file.write(b'{"rater": "ann-7", "trial": 1, "quest')
    serving = serve()
    assert serving.poll.path.read_bytes() == before
    assert serving.ask("begin", {"rater": "ANN-7 "}).json["step"] == 4
    assert serving.ask("begin", {"rater": "ben"}).json["step"] == 0


def test_an_answer_counts_once_and_can_be_corrected(serve: Serve) -> None:
    serving = serve()
    for word, step in (("left", 0), ("left", 0), ("right", 1), ("back", 2), ("tie", 1)):  # the second comes too late
        told = serving.ask("answer", {"rater": "a", "step": step, "answer": word}).json
    assert told["step"] == 2
    assert [vote.answer for vote in serving.poll.votes()] == ["left", "tie"]
    assert serving.poll.path.read_text().count("\n") == 4  # the ballot, and all that was said


@pytest.mark.parametrize(
    ("given", "kind", "says"),
    [
        ({"rater": "a b", "answer": "left"}, "application/json", "A code has up to 20 letters"),
        ({"rater": "a", "answer": "up"}, "application/json", "got 'up'; expected left, tie, right or back"),
        (b"[]", "application/json", "expected a JSON object"),
        (b"{", "application/json", "expected a JSON object"),
        (b" " * (LARGEST + 1), "application/json", "more than 2000 bytes"),
        ({"rater": "a", "answer": "left"}, "text/plain", "expected JSON"),  # what a page of another site could send
    ],
)
def test_what_the_page_does_not_send_is_refused(serve: Serve, given: Any, kind: str, says: str) -> None:
    serving = serve()
    answer = serving.ask("answer", given, kind=kind)
    assert answer.status == 400
    assert says in answer.json["error"]
    assert serving.poll.votes() == []


def test_it_answers_to_its_own_name_or_to_those_who_have_the_token(serve: Serve) -> None:
    serving = serve()
    assert serving.ask("", host="elsewhere.example").status == 400
    assert serving.ask("picture/0123").status == 404
    assert serving.ask("../results.json").status == 404
    serving = serve(token="se-cret", hosts=())
    assert serving.ask("", host="192.168.1.7:8766").status == 200
    assert serving._replace(root="/").ask("").status == 404
    assert serving._replace(root="/").ask("begin", {"rater": "a"}).status == 404


def test_a_full_disk_is_told_and_nothing_is_counted(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    serving = serve()

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    before = serving.poll.path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        answer = serving.ask("answer", {"rater": "a", "step": 0, "answer": "left"})
    assert answer.status == 500
    assert "No space left on device" in answer.json["error"]
    assert serving.poll.path.read_bytes() == before
    assert serving.ask("begin", {"rater": "a"}).json["step"] == 0


def test_simulated_raters_at_once_and_the_report_recovers_their_order(serve: Serve, runs: Path) -> None:
    """Five raters of known taste and one who clicks at random, all at the same time, through the server."""
    serving = serve(pairs=10)
    voting = Voting(serving.poll, 10)

    def choose(rater: str) -> Callable[[int, str], str]:
        random, steps = Random(rater), voting.rater(rater).steps
        trials = plan(rater, serving.poll.methods, serving.poll.photos, serving.poll.questions, 10)

        def answer(step: int, question: str) -> str:
            number, name = steps[step]
            trial = trials[number]
            if rater == "random":
                return random.choice(["left", "right"])
            if trial.kind == "photo":
                right = {"cartoon": "effect", "scene": "photo"}[name]
                return "left" if trial.left == right else "right"
            share = 1 / (1 + exp(2 * (TRUE[trial.right] - TRUE[trial.left])))
            drawn = random.random()
            return "tie" if abs(drawn - share) < 0.05 else "left" if drawn < share else "right"

        return answer

    raters = ["a", "b", "c", "d", "e", "random"]
    with ThreadPoolExecutor(len(raters)) as pool:
        counts = list(pool.map(lambda rater: answer_all(serving, rater, choose(rater)), raters))
    votes = serving.poll.votes()
    assert sum(counts) == len(votes) == serving.poll.path.read_text().count("\n") - 1
    page = write_report(StudyResults.read(runs / "three")).read_text()
    section = page[page.index('<section id="votes"') :].partition("</section>")[0]
    assert f"{len(votes)} votes of 6 raters on 4 photos" in section
    order = [section.index(f">{label}</th>") for label in ("classic", "canny", "identity")]
    assert order == sorted(order)


@pytest.fixture
def tab(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": getattr(request, "param", 1280), "height": 844})
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("tab", [390, 1280], indirect=True)
def test_keys_in_a_browser(serve: Serve, tab: Page) -> None:
    serving = serve(pairs=2)
    asked, complaints = list[str](), list[str]()
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    axe = Axe()

    def fits() -> None:
        width = (tab.viewport_size or {})["width"]
        assert tab.evaluate("document.documentElement.scrollWidth") == width
        assert axe.run(tab, options={"resultTypes": ["violations"]}).violations_count == 0

    tab.goto(serving.url)
    fits()
    tab.get_by_label("Your code").fill("Ann")
    tab.keyboard.press("Enter")
    question = tab.get_by_role("heading")
    expect(question).to_have_text("Which is more like a cartoon?")
    expect(question).to_be_focused()
    fits()
    for key, asks, count in (
        ("ArrowLeft", "Which keeps the scene better?", 2),
        ("Space", "Which do you like better overall?", 3),
        ("Backspace", "Which keeps the scene better?", 2),
        ("ArrowRight", "Which do you like better overall?", 3),
    ):
        tab.keyboard.press(key)
        expect(tab.locator("#count")).to_have_text(f"{count} of 11")
        expect(question).to_have_text(asks)
        expect(question).to_be_focused()
    assert [vote.answer for vote in serving.poll.votes()] == ["left", "right"]
    tab.reload()  # the same rater, where they stopped
    expect(tab.locator("#count")).to_have_text("3 of 11")
    expect(question).to_be_focused()
    tab.get_by_role("button", name="A tie").click()
    expect(tab.locator("#count")).to_have_text("4 of 11")
    expect(question).to_be_focused()
    tab.get_by_role("button", name="The picture at the right").click()
    expect(tab.locator("#count")).to_have_text("5 of 11")
    for count in range(6, 12):
        expect(question).to_be_focused()
        tab.keyboard.press("ArrowLeft")
        expect(tab.locator("#count")).to_have_text(f"{count} of 11")
    expect(question).to_be_focused()
    tab.keyboard.press("Space")
    expect(tab.get_by_text("All of your answers are saved")).to_be_visible()
    fits()
    assert [vote.answer for vote in serving.poll.votes()] == ["left", "right", "tie", "right", *["left"] * 6, "tie"]
    assert all(url.startswith((serving.url, "data:")) for url in asked)
    assert complaints == []


def test_a_server_that_is_away_is_told_and_the_vote_can_be_sent_again(serve: Serve, tab: Page) -> None:
    serving = serve()
    tab.goto(f"{serving.url}#ben")
    question = tab.get_by_role("heading")
    expect(question).to_be_focused()
    tab.context.set_offline(True)
    tab.keyboard.press("ArrowLeft")
    expect(tab.get_by_text("Not saved: the server does not answer. Try again.")).to_be_visible()
    tab.context.set_offline(False)
    tab.keyboard.press("ArrowLeft")
    expect(tab.locator("#count")).to_have_text("2 of 14")
    assert len(serving.poll.votes()) == 1
    assert serving.poll.votes()[0].time == pytest.approx(time.time(), abs=600)

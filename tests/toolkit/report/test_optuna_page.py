"""Optuna's plots of a search: the trials as they were, drawn in a browser without a network."""

from __future__ import annotations

from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState
from playwright.sync_api import Browser, Request

from toonlab.report import write_report
from toonlab.report.findings import Findings
from toonlab.report.optuna_page import as_study, optuna_page
from toonlab.report.search import Search, searches_of
from toonlab.studies.results.results import SearchTrial, StudyResults


def of(results: StudyResults, space: dict[str, Any], *trials: SearchTrial) -> Search:
    assert results.search is not None
    search = replace(results.search, space=space, trials=trials)
    return searches_of(Findings(replace(results, search=search, further=[])))[0]


def test_a_study_has_the_trials_that_have_values(budgeted: StudyResults) -> None:
    space = {
        "a.k": {"low": 1, "high": 4, "step": 1, "integer": True},
        "a.rate": {"low": 1e-3, "high": 1e-1, "log": True},
        "a.mode": {"choices": [{"use": "x"}, None]},
    }
    search = of(
        budgeted,
        space,
        SearchTrial(0, {"a.k": 9, "a.rate": 1e-2, "a.mode": {"use": "x"}}, value=0.5),  # 9: a default out of the range
        SearchTrial(1, {"a.k": 2, "a.rate": 2e-3, "a.mode": None}, state="pruned", intermediate={"20": 0.1}),
        SearchTrial(2, {"a.k": 3, "a.rate": 2e-3, "a.mode": None}, state="infeasible"),
        SearchTrial(3, {"a.k": 3}, state="failed"),
        SearchTrial(4, {"a.k": 3}, state="complete"),  # of a damaged file
        SearchTrial(5, {"a.k": 3}, state="complete", value=nan),
    )
    study = as_study(search)
    done, pruned = study.trials
    assert (done.state, done.value, done.params) == (TrialState.COMPLETE, 0.5, {"k": 9, "rate": 1e-2, "mode": "x"})
    assert (pruned.state, pruned.intermediate_values, pruned.params["mode"]) == (TrialState.PRUNED, {20: 0.1}, "off")
    assert done.distributions == {
        "k": IntDistribution(1, 9),
        "rate": FloatDistribution(1e-3, 1e-1, log=True),
        "mode": CategoricalDistribution(["off", "x"]),
    }


def test_a_default_that_has_no_place_on_an_axis_is_left_out_there(budgeted: StudyResults) -> None:
    space = {"a.k": {"low": 1, "high": 4, "integer": True}, "a.rate": {"low": 1e-3, "high": 1e-1, "log": True}}
    search = of(
        budgeted,
        space,
        SearchTrial(0, {"a.k": None, "a.rate": 0.0}, value=0.5),
        SearchTrial(1, {"a.k": 2, "a.rate": 2e-3}, value=0.6),
    )
    assert [trial.params for trial in as_study(search).trials] == [{}, {"k": 2, "rate": 2e-3}]
    assert optuna_page("s", "report.html", [search]).count('<div class="plot"') == 2  # parallel coordinates, contours


def test_a_front_of_many_objectives_shows_three(budgeted: StudyResults) -> None:
    assert budgeted.search is not None
    names = ["lines", "psnr", "ssim", "colours"]
    trials = [SearchTrial(n, {"k": n}, value=n, values=dict.fromkeys(names, n)) for n in range(2)]
    found = replace(budgeted.search, trials=trials, front=[1], objectives=dict.fromkeys(names, "maximize"))
    page = optuna_page("s", "report.html", searches_of(Findings(replace(budgeted, search=found, further=[]))))
    assert "The front" in page
    drawn = [name for name in names if f'"title":{{"text":"{name}"}}' in page]
    assert drawn == names[:3]


@pytest.mark.parametrize("kind", ["budgets", "front"])
def test_a_browser_draws_every_plot_without_a_network(
    browser: Browser, budgeted: StudyResults, fronted: StudyResults, kind: str, tmp_path: Path
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    asked: list[Request] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request))
    page.on("pageerror", lambda error: errors.append(str(error)))
    report = write_report(budgeted if kind == "budgets" else fronted, tmp_path / "study.html")
    page.goto(report.as_uri())
    page.get_by_role("link", name="Optuna's interactive plots").click()
    page.wait_for_selector(".main-svg")
    pair = ["All parameters side by side", "Contours"]
    titles = {"budgets": pair * 2, "front": ["The front", *pair]}[kind]  # with one parameter, plain has none
    assert page.locator("h3").all_text_contents() == titles
    assert all(plot.locator(".main-svg").count() for plot in page.locator(".plot").all())
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert not errors
    assert {request.url.split(":")[0] for request in asked} <= {"file", "data", "blob"}
    page.get_by_role("link", name="The report").click()
    assert page.url.endswith("study.html")
    page.close()

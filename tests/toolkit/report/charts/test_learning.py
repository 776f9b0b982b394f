"""Learning curves, and quality against cost."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from toonlab.report.charts.learning import cost, learning
from toonlab.report.findings import Findings
from toonlab.report.history import LOSS

Made = Callable[..., Findings]


def logged(found: Findings, kind: str, name: str, values: Sequence[float]) -> None:
    """Every run has logged the values, plus its seed, at steps 10, 20, … and as many seconds."""
    for cell in found.results.cells:
        folder = found.results.directory / cell.run
        folder.mkdir(parents=True, exist_ok=True)
        lines = [
            {"step": 10 * n, "time": 1000 + 5 * n, kind: {name: value + cell.seed}} for n, value in enumerate(values, 1)
        ]
        Path(folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def lines(axes: Any) -> dict[str, list[list[tuple[float, float]]]]:
    found: dict[str, list[list[tuple[float, float]]]] = {}
    for line in axes.lines:
        found.setdefault(line.get_gid(), []).append(
            list(zip(line.get_xdata().tolist(), line.get_ydata().tolist(), strict=True))
        )
    return found


def test_each_seed_is_thin_and_their_mean_bold(made: Made, figure: Any) -> None:
    found = made({"a": [0.5, 0.6], "b": [0.4, 0.3]})
    logged(found, "evaluation", "lines", [0.25, 0.5])
    over_steps, over_seconds = learning(found)
    drawn = lines(figure(over_steps).axes[0])
    assert drawn["series-0-seed"] == [[(10, 0.25), (20, 0.5)], [(10, 1.25), (20, 1.5)]]
    assert drawn["series-0-mean"] == [[(10, 0.75), (20, 1.0)]]
    assert set(drawn) == {"series-0-seed", "series-0-mean", "series-1-seed", "series-1-mean"}
    assert [x for x, _ in lines(figure(over_seconds).axes[0])["series-1-mean"][0]] == [0, 5]
    assert over_steps.title == "lines over steps"
    assert "thin: each seed" in over_steps.caption
    assert over_steps.description == "lines over steps; at the end a 1.000; b 1.000."


def test_a_single_seed_is_drawn_once(made: Made, figure: Any) -> None:
    found = made({"a": [0.5]})
    logged(found, "evaluation", "lines", [0.25, 0.5])
    assert list(lines(figure(next(learning(found))).axes[0])) == ["series-0-mean"]


def test_the_loss_is_drawn_where_runs_were_evaluated_once(made: Made, figure: Any) -> None:
    found = made({"a": [0.5]})
    logged(found, "scalars", LOSS, [20.0, 2.0])
    chart = next(learning(found))
    assert chart.title == "The generator's loss over steps"
    assert chart.caption.startswith("Methods' losses are made of different terms")
    assert figure(chart).axes[0].get_yscale() == "log"


def test_without_curves_there_is_no_chart(made: Made) -> None:
    found = made({"a": [0.5]})
    assert list(learning(found)) == []
    logged(found, "evaluation", "lines", [0.25])
    assert list(learning(found)) == []


def priced(found: Findings, costs: dict[str, float], step: int) -> Findings:
    cells = [
        replace(cell, outcome={**(cell.outcome or {}), "step": step, "costs": {"seconds_per_step": costs[label]}})
        if (label := cell.variant.label) in costs
        else replace(cell, outcome={**(cell.outcome or {}), "step": 0})
        for cell in found.results.cells
    ]
    return Findings(replace(found.results, cells=cells))


def test_quality_is_drawn_against_the_seconds_of_a_step(made: Made, figure: Any, texts: Any, tips: Any) -> None:
    found = priced(made({"a": [0.5, 0.7], "b": [0.4], "free": [0.3]}), {"a": 0.25, "b": 0.5}, step=100)
    chart = cost(found)
    assert chart is not None
    axes = figure(chart).axes[0]
    points = {c.get_gid(): c.get_offsets().tolist() for c in axes.collections}
    assert points["series-0-cost"] == [[0.25, 0.5], [0.25, 0.7]]
    assert points["series-0-cost-mean"] == [pytest.approx([0.25, 0.6])]
    assert points["series-2-cost-mean"] == [[0.0, 0.3]]  # trains nothing
    assert "a: 0.600 at 0.250 s" in tips(chart)
    assert {"a", "b", "free", "seconds per training step"} <= set(texts(chart))
    assert chart.description.startswith("lines against seconds per training step: a 0.600 at 0.250 s; ")


def test_without_timed_steps_there_is_no_chart_of_costs(made: Made) -> None:
    assert cost(made({"a": [0.5], "b": [0.4]})) is None
    assert cost(priced(made({"a": [0.5]}), {"a": 0.25}, step=100)) is None

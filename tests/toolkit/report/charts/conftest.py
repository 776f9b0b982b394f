"""What tests of charts look at in an SVG."""

import re
from collections.abc import Callable

import pytest
from matplotlib.figure import Figure

from toonlab.report.charts.chart import Chart


@pytest.fixture(scope="session")
def texts() -> Callable[[Chart], list[str]]:
    """`texts(chart)`: what is written in a chart."""
    return lambda chart: re.findall(r"<text[^>]*>([^<]+)</text>", chart.svg())


@pytest.fixture(scope="session")
def tips() -> Callable[[Chart], list[str]]:
    """`tips(chart)`: what its points say when they are pointed at."""
    return lambda chart: re.findall(r"<title>([^<]+)</title>", chart.svg())


@pytest.fixture(scope="session")
def figure() -> Callable[[Chart], Figure]:
    """`figure(chart)`: as matplotlib has it."""

    def draw(chart: Chart) -> Figure:
        made = Figure(figsize=(368 / 72, chart.height / 72))
        chart.draw(made)
        return made

    return draw

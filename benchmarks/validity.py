"""Test every metric's claims on ToonWorld, and write docs/metrics-validity.md with its plots.

    python benchmarks/validity.py                       # about five minutes on two cores
    python benchmarks/validity.py --weights INCEPTION   # KID and FID, too

Exits with 1 if a claim fails of a metric that has no `caveat`, which is what marks it in every table.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure

from toonlab import ToonlabError, discover
from toonlab_lite0 import KIDLite0
from toonlab_metrics import METRICS
from toonlab_metrics.degenerate import NAMES, PATTERNS
from toonlab_metrics.degrade import DEGRADATIONS
from toonlab_metrics.frechet import KID
from toonlab_metrics.validity import ALIKE, MONOTONE, STILL, ReferenceData, Trial, examine

ROOT = Path(__file__).parents[1]
PAGE, PLOT = ROOT / "docs" / "metrics-validity.md", ROOT / "docs" / "pictures" / "metrics-validity.png"
RESULTS = ROOT / "benchmarks" / "results" / "metrics-validity.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=32)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--weights", type=Path, help="of Inception, for KID and FID")
    options = parser.parse_args()
    torch.set_num_threads(2)
    warnings.filterwarnings("ignore", message="fid: ")  # that there are fewer than 2,000 pictures is said on the page
    trials = [Trial(metric) for metric in _metrics(options.weights, options.scenes)]
    datasets = [reference_data(style, options.scenes, options.size) for style in ("bold", "soft", "flat")]
    examine(trials, datasets, lambda text: print(text, file=sys.stderr, flush=True))
    untested = [metric.name for metric in METRICS if metric.name not in {one.metric.name for one in trials}]
    PAGE.write_text(page(trials, untested, options.scenes, options.size), encoding="utf-8")
    plot(trials)
    RESULTS.write_text(json.dumps({one.metric.name: to_json(one) for one in trials}, indent=1) + "\n", encoding="utf-8")
    unmarked = [one for one in trials if not one.metric.caveat and not all(f.holds for f in one.findings())]
    for one in unmarked:
        failed = [f"{f.claim} ({f.measured})" for f in one.findings() if not f.holds]
        print(f"{one.metric.name}: give it a caveat, or another claim: {'; '.join(failed)}", file=sys.stderr)
    sys.exit(bool(unmarked))


def _metrics(weights: Path | None, scenes: int) -> Iterator[Any]:
    """All metrics, without those that have no weights, or need more scenes."""
    for metric in (*METRICS, KIDLite0):
        try:
            made = metric(weights=weights) if issubclass(metric, KID) else metric()
        except ToonlabError:
            continue  # its weights are not here
        if getattr(made, "fewest", 0) <= scenes:
            yield made


def reference_data(style: str, scenes: int, size: int) -> ReferenceData:
    """Scenes of ToonWorld drawn in a style, cartoons of other scenes, and what the three methods make of the photos."""
    catalogue = discover()
    data = catalogue.make("datasets", "toonworld", style=style, size=size, scenes=scenes, evaluation_scenes=scenes)
    classic = catalogue.make("generators", "classic")
    samples = list(data.evaluation())
    methods = {
        "identity": [sample.photo for sample in samples],
        "classic": [classic(sample.photo[None])[0].clamp(-1, 1) for sample in samples],
        "truth": [sample.truth.cartoon for sample in samples],
    }
    return ReferenceData(style, samples, data.train()[1], methods)


def to_json(one: Trial) -> dict[str, object]:
    found = [{"claim": f.claim, "measured": f.measured, "holds": f.holds} for f in one.findings()]
    return {"findings": found, "curves": one.curves, "pictures": one.pictures, "ranks": one.ranks, "halves": one.halves}


INTRODUCTION = f"""\
# Metrics, tested

Written by `python benchmarks/validity.py --scenes {{scenes}} --size {{size}}` on {{date}}, which reproduces it.
[Cards](metrics.md) say what each metric measures. The scenes are those of ToonWorld's default, `difficulty: 1`.

The true cartoons of ToonWorld are degraded in seven ways, each in growing amounts. A metric that claims to
*see* a degradation must get worse with each amount (Spearman's rank correlation at least {MONOTONE}). A degradation
that it claims to *ignore* may change its score by at most {100 * STILL:.0f} % of the distance between
the truth and the photo.
In each of the three styles the truth must score best (for *content kept*: the photo). A metric that may lead a
table must also rank `classic`, a non-learned effect, above the unmodified photo. `flatness` does so on
easy scenes only, and may lead nevertheless: without a truth or downloaded weights nothing else could. The scores of
`classic` on two halves of the scenes may differ by at most {ALIKE:.0f} standard deviations over random halves.

`+0.98`: claimed and seen. `still`: claimed and ignored. In brackets: no claim, for information only. ✗: a failed
claim.
"""


PICTURES = """\
## Degenerate pictures

What metrics give pictures that are no cartoons, on the scale where the unmodified photo has 0 and the
true cartoon 1. Patterns (\\*) say nothing about a scene: a metric that gives one much more than 0 can be won by it. The
others paint the photo's edges black or change the photo. On easier scenes almost every edge is an outline, and Canny's
edges are a strong baseline: a comparison should show it, as the recipe `canny`. `flatness` compares sets and knows no
scene, so another scene's truth is as good as the own.
"""


def page(trials: Sequence[Trial], untested: Sequence[str], scenes: int, size: int) -> str:
    """The whole of `docs/metrics-validity.md`."""
    plot = (
        f"![Scores at growing amounts of each degradation](pictures/{PLOT.name})\n\n"
        "Green: claimed to be seen; gray: claimed to be ignored; pale: no claim. Higher on the axis is better.\n"
    )
    sections = [
        INTRODUCTION.format(scenes=scenes, size=size, date=date.today().isoformat()),
        _table(trials),
        plot,
        *_failures(trials),
        _pictures(trials),
        _scores(trials),
    ]
    if untested:
        names = ", ".join(f"`{name}`" for name in untested)
        sections.append(
            f"## Not tested here\n\n{names}: their networks' weights were not available (of Inception: `--weights`).\n"
        )
    return "\n".join(sections)


def _table(trials: Sequence[Trial]) -> str:
    names = " | ".join(name.replace("_", " ") for name in DEGRADATIONS)
    lines = [f"| metric | {names} | order | halves | may lead |", "|---" * (len(DEGRADATIONS) + 4) + "|"]
    return "\n".join([*lines, *map(_row, trials), ""])


def _failures(trials: Sequence[Trial]) -> list[str]:
    """Failed claims, and metrics that may not lead a table."""
    failed = [
        f"- `{one.metric.name}`: {f.claim}: {f.measured}" for one in trials for f in one.findings() if not f.holds
    ]
    led = [f"- `{one.metric.name}`: {one.metric.caveat}." for one in trials if not one.metric.leads]
    return [
        "\n".join(["## Failed claims", "", *(failed or ["None."]), ""]),
        "\n".join(["## Metrics that may not lead a table", "", *led, ""]),
    ]


def _pictures(trials: Sequence[Trial]) -> str:
    """The scores of degenerate pictures by the metrics that may lead, the guards, and one that they fool."""
    shown = [one for one in trials if one.metric.name in ("lines", "flatness", "surfaces", "colours", "outline_f1")]
    lines = [PICTURES, "", "| picture | " + " | ".join(f"`{one.metric.name}`" for one in shown) + " |"]
    lines += ["|---" * (len(shown) + 1) + "|"]
    for name in NAMES:
        mark = " \\*" if name in PATTERNS else ""
        lines.append(f"| {name}{mark} | " + " | ".join(f"{one.scaled(name):.2f}" for one in shown) + " |")
    return "\n".join([*lines, ""])


def _scores(trials: Sequence[Trial]) -> str:
    lines = ["## Scores", "", "| metric | style | identity | classic | truth |", "|---|---|---|---|---|"]
    for one in trials:
        for style, scores in one.ranks.items():
            values = " | ".join(f"{scores[name]:.3g}" for name in ("identity", "classic", "truth"))
            lines.append(f"| {one.metric.name} | {style} | {values} |")
    return "\n".join([*lines, ""])


def _row(one: Trial) -> str:
    cells = []
    for name in DEGRADATIONS:
        rho, still = one.monotony(name), one.change(name) <= STILL
        if name in one.metric.sees:
            cells.append(f"{rho:+.2f}" + ("" if rho >= MONOTONE else " ✗"))
        elif name in one.metric.ignores:
            cells.append("still" if still else f"moves {100 * one.change(name):.0f} % ✗")
        else:
            cells.append("(still)" if still else f"({rho:+.2f})")
    *_, halves = found = list(one.findings())
    order = all(f.holds for f in found if f.claim.partition(":")[0] in one.ranks)
    cells += ["yes" if order else "✗", "alike" if halves.holds else "✗", "yes" if one.metric.leads else "no"]
    return f"| `{one.metric.name}` | " + " | ".join(cells) + " |"


def plot(trials: Sequence[Trial]) -> None:
    """A row for each metric, a column for each degradation."""
    figure = Figure(figsize=(1.6 * len(DEGRADATIONS) + 1, 1.05 * len(trials)), dpi=80, layout="constrained")
    axes = figure.subplots(len(trials), len(DEGRADATIONS), sharex="col", sharey="row", squeeze=False)
    for row, one in zip(axes, trials, strict=True):
        for cell, name in zip(row, DEGRADATIONS, strict=True):
            seen, ignored = name in one.metric.sees, name in one.metric.ignores
            color = "#1a7f37" if seen else "#57606a" if ignored else "#c8ccd1"
            cell.plot(range(len(one.curves[name])), one.curves[name], "o-", color=color, markersize=3, linewidth=1.2)
            cell.tick_params(labelsize=6)
            if one is trials[0]:
                cell.set_title(name.replace("_", " "), fontsize=8)
        if not one.metric.higher_is_better:
            row[0].invert_yaxis()
        row[0].set_ylabel(one.metric.name, fontsize=7, rotation=0, ha="right", va="center")
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT)


if __name__ == "__main__":
    main()

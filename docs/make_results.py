"""Write the tables of README and docs from the results of studies, which are committed as numbers alone.

    python docs/make_results.py                  # writes the tables
    python docs/make_results.py runs/STUDY ...   # before that, takes the studies' results: docs/results/STUDY/

A table stands between `<!-- results: STUDY, column, column -->` and `<!-- end of results -->`; without columns it has
all of the study's. The line below it says what was measured, where, when, and by which command. `<!-- results: STUDY:
budgets -->` is what searches with one budget found, recipe by recipe.
"""

import argparse
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from toonlab.report.findings import Findings
from toonlab.report.format import difference_text
from toonlab.report.search import POINTS, searches_of
from toonlab.report.table import as_table
from toonlab.studies.results.results import FILE, StudyResults

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
PAGES = [*sorted(ROOT.glob("README*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
TABLE = re.compile(r"(<!-- results: ([^,>]+?)((?:, [^,>]+?)*) -->\n).*?(<!-- end of results -->)", re.DOTALL)
DIGITS = 5  # of the scores of scenes


def take(study: Path) -> None:
    """Keep a study's numbers, but the scores of scenes only where words rest on them, and its hardware.

    Logs and the addresses of storages are left out: they name the folders of the machine.
    """
    results = StudyResults.read(study)
    judged = {results.metrics[0], *results.guards}
    cells = [
        replace(cell, log=(), outcome=cell.outcome and _slim(dict(cell.outcome), judged)) for cell in results.cells
    ]
    folder = RESULTS / study.name
    search = results.search and replace(results.search, storage="")
    further = [replace(each, storage="") for each in results.further]
    replace(results, cells=cells, search=search, further=further, directory=folder).write()
    (folder / "results.md").unlink()
    record = json.loads((folder / FILE).read_text(encoding="utf-8"))
    (folder / FILE).write_text(json.dumps(record) + "\n", encoding="utf-8")
    environment = json.loads((study / results.cells[0].run / "environment.json").read_text(encoding="utf-8"))
    kept = {"hardware": f"{environment['device_name']}, {environment['cpus']} cores"}
    kept |= {"torch": environment["versions"]["torch"], "date": environment["date"][:10]}
    (folder / "environment.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def _slim(outcome: dict[str, Any], judged: set[str]) -> dict[str, Any]:
    """The outcome with the scores of scenes, and those of the photos, that words rest on."""
    for kind in ("scores", "photo_scores"):
        outcome[kind] = {
            name: [value if value is None else round(value, DIGITS) for value in values]
            for name, values in outcome.get(kind, {}).items()
            if name in judged
        }
    return outcome


def table(study: str, columns: list[str]) -> str:
    """A study's table as Markdown, and the line below it."""
    study, _, kind = study.partition(":")
    results = StudyResults.read(RESULTS / study)
    if kind:
        return budgets(results)
    seeds = sorted({cell.seed for cell in results.cells if cell.status == "finished"})
    text = as_table(Findings(replace(results, metrics=columns or results.metrics))).markdown()
    where = json.loads((RESULTS / study / "environment.json").read_text(encoding="utf-8"))
    first, last = seeds[0], seeds[-1]
    whole = len(seeds) > 1 and seeds == list(range(first, last + 1))
    named = f"seeds {first} to {last}" if whole else f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
    line = f"`{results.command}`: {named}; {where['hardware']}, torch {where['torch']}, {where['date']}"
    return f"{text}\n{line} ([all numbers](LINK)).\n"


def budgets(results: StudyResults) -> str:
    """The searches of a study as Markdown: the default, the best trial, and the expected best of so many trials."""
    searches = searches_of(Findings(results))
    points = [n for n in POINTS if any(n in each.expected for each in searches)]
    head = ["recipe", "trials", "default", "best trial", *(f"best of {n}" for n in points), "tuned, on fresh seeds"]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for each in searches:
        gain = next((gain for gain in each.gains if gain.confirmed), None)
        told = f"{difference_text(gain.confirmed, each.digits)} {gain.word}".strip() if gain and gain.confirmed else "–"
        bests = [f"{each.expected[n]['value']:.3f}" if n in each.expected else "–" for n in points]
        default = f"{each.default['value']:.3f}" if each.default else "–"
        states = Counter(trial["state"] for trial in each.trials)
        counts = f"{states['complete']} + {states['pruned']} pruned"
        lines.append([each.name, counts, default, f"{each.complete[0]['value']:.3f}", *bests, told])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def written(page: Path) -> str:
    """The page's text with its tables as the results have them."""

    def one(found: re.Match[str]) -> str:
        text = table(found[2], found[3].split(", ")[1:])
        link = os.path.relpath(RESULTS / found[2].partition(":")[0] / FILE, page.parent)
        return f"{found[1]}\n{text.replace('LINK', link)}\n{found[4]}"

    return TABLE.sub(one, page.read_text(encoding="utf-8"))


def tables(page: Path) -> Iterator[str]:
    """The names of the studies that a page shows."""
    return (found[2].partition(":")[0] for found in TABLE.finditer(page.read_text(encoding="utf-8")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("studies", type=Path, nargs="*")
    for study in parser.parse_args().studies:
        take(study)
    for page in PAGES:
        page.write_text(written(page), encoding="utf-8")


if __name__ == "__main__":
    main()

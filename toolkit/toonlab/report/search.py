"""The trials of a search, its gains, how much of them survived on fresh seeds, and the sentences that say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from toonlab.studies.results.results import short_names
from toonlab.utils.text import several

from .findings import Findings
from .format import listed, number, places, signed
from .summary import basis, in_numbers, sentence

if TYPE_CHECKING:
    from toonlab.stats.verdicts import TypicalDifference

Trial = Mapping[str, Any]


@dataclass(frozen=True)
class Gain:
    """The gain of one of the best trials over the default, in the search and on fresh seeds."""

    label: str
    trial: Trial
    searched: float
    confirmed: TypicalDifference | None
    word: str = ""

    @property
    def survived(self) -> float | None:
        """The share of the gain that is left on fresh seeds; None if none is left, or there was none."""
        if self.confirmed is None or self.searched == 0 or self.confirmed.median / self.searched <= 0:
            return None
        return self.confirmed.median / self.searched


@dataclass(frozen=True)
class Search:
    """`Results.search`, and the statistics derived from it."""

    found: Findings
    record: Mapping[str, Any]

    @property
    def metric(self) -> str:
        return str(self.record["objective"]["metric"])

    @property
    def higher(self) -> bool:
        return bool(self.record["objective"]["direction"] == "maximize")

    @property
    def trials(self) -> list[Trial]:
        return list(self.record["trials"])

    @property
    def complete(self) -> list[Trial]:
        """The trials that have a value, the best first; of equals the earlier."""
        done = [trial for trial in self.trials if trial["state"] == "complete" and trial["value"] is not None]
        return sorted(done, key=lambda trial: -trial["value"] if self.higher else trial["value"])

    @property
    def default(self) -> Trial | None:
        """The trial of the recipe as it is."""
        return next((trial for trial in self.complete if trial["params"] == self.record["default"]), None)

    @property
    def digits(self) -> int:
        """After the point, for all that is written in the metric's unit."""
        return places(trial["value"] for trial in self.complete)

    @property
    def names(self) -> dict[str, str]:
        """Dotted path -> short name."""
        return short_names(list(self.record["space"]))

    def text(self, params: Mapping[str, Any]) -> str:
        """`k 8, patch_size 24`."""
        return ", ".join(f"{self.names.get(path, path)} {value_text(value)}" for path, value in params.items())

    @property
    def gains(self) -> list[Gain]:
        """Of each confirmed variant, the best trial's first."""
        if (default := self.default) is None:
            return []
        differences, gains = self.found.differences.get(self.metric, {}), dict[str, Gain]()
        for trial in self.complete:
            for label in (v.label for v in self.found.results.variants if v.levels and v.levels == trial["params"]):
                searched = trial["value"] - default["value"]
                gain = Gain(label, trial, searched, differences.get(label), self.found.verdict(label))
                gains.setdefault(label, gain)
        return list(gains.values())


def search_of(found: Findings) -> Search | None:
    """The search of a study, if it is one."""
    record = found.results.search
    return Search(found, asdict(record)) if record and record.trials else None


def value_text(value: Any) -> str:
    """A parameter's value: `0.000474`, `off`, a part by its name."""
    if isinstance(value, float):
        return f"{value:.4g}".replace("-", "−")
    return "off" if value is None else str(value["use"] if isinstance(value, Mapping) and "use" in value else value)


# -- the three sentences that open the report of a search


def sentences(search: Search) -> tuple[str, str, str]:
    """What was searched, what was best, and how much of it survived on fresh seeds."""
    return sentence(_question(search)), sentence(_result(search)), sentence(_confirmation(search))


def _question(search: Search) -> list[str]:
    names, most = listed(list(search.names.values()), 6), "highest" if search.higher else "lowest"
    counts = Counter(trial["state"] for trial in search.trials).most_common()
    states = ", ".join(f"{count} {state}" for state, count in counts)
    trials, seeds = several(len(search.trials), "trial"), several(search.record["seeds_per_trial"], "seed")
    return [
        f"this search looked for the {names} of {search.record['recipe']} with the {most} {search.metric}",
        f"it made {trials} of {seeds} each ({states})",
    ]


def _result(search: Search) -> list[str]:
    if not search.complete:
        return ["no trial has a value, so nothing can be said"]
    best, default, digits = search.complete[0], search.default, search.digits
    text = f"the best trial, {best['number']} ({search.text(best['params'])}), reached {number(best['value'], digits)}"
    if default is None:
        return [text, "the default has no value to compare it with"]
    usual = number(default["value"], digits)
    if best is default:
        return [f"no trial was better than the default ({search.text(default['params'])}), which reached {usual}"]
    gain = signed(best["value"] - default["value"], digits)
    return [f"{text}, against the default's {usual} ({gain})", "the best of many trials is biased upwards"]


def _confirmation(search: Search) -> list[str]:
    gain = next((gain for gain in search.gains if gain.trial is search.complete[0]), None)
    if gain is None or gain.confirmed is None:
        return ["nothing was confirmed on fresh seeds, so what was found is no evidence"]
    found = gain.confirmed
    seeds, numbers = several(found.seeds, "fresh seed"), in_numbers(found, search.digits)
    if found.interval is None:
        return [f"on {seeds} the difference was {numbers}", "that is too few for a word, and no evidence"]
    share = "nothing of the gain survived" if gain.survived is None else f"{gain.survived:.0%} of the gain survived"
    if gain.word == "undecided":
        open_ = "which may be chance" if gain.survived is not None else "in these runs"
        return [
            f"on {seeds} its difference to the default is undecided ({numbers})",
            f"{share}, {open_}",
            *basis(search.found),
        ]
    if gain.word == "at the floor":
        return [f"on {seeds} it is at the floor, not shown to be above the unmodified photo", *basis(search.found)]
    than = "to" if gain.word == "equivalent" else "than"
    return [f"on {seeds} it is {gain.word} {than} the default ({numbers})", share, *basis(search.found)]

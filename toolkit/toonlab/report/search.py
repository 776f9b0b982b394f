"""The trials of a search, its gains, how much of them survived on fresh seeds, and the sentences that say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from toonlab.studies.results.results import SearchTrial, short_names
from toonlab.studies.results.searches import front
from toonlab.utils.text import several, shown

from .findings import Findings
from .format import listed, number, places, signed
from .summary import basis, in_numbers, sentence

if TYPE_CHECKING:
    from toonlab.stats.verdicts import TypicalDifference

Trial = Mapping[str, Any]
POINTS = (1, 2, 5, 12, 24, 40, 100)  # numbers of trials at which expected bests are written
_MIRRORED = {"better": "worse", "worse": "better", "at the floor": ""}  # which is said of the default alone


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


class Change(NamedTuple):
    """What the winner changes of the default's values, and the end of the range that was hit, `low` or `high`."""

    path: str
    old: Any
    new: Any
    edge: str | None


@dataclass(frozen=True)
class Search:
    """One of `Results.searches`, and the statistics derived from it."""

    found: Findings
    record: Mapping[str, Any]

    @property
    def metric(self) -> str:
        return str(self.record["objective"]["metric"])

    @property
    def higher(self) -> bool:
        return bool(self.record["objective"]["direction"] == "maximize")

    @property
    def name(self) -> str:
        """The recipe; of a control, `ctss (random)`."""
        control = self.record["control"]
        return f"{self.record['recipe']} ({control})" if control else str(self.record["recipe"])

    @property
    def trials(self) -> list[Trial]:
        return list(self.record["trials"])

    @property
    def front(self) -> list[Trial]:
        """Of several objectives, the trials that no other one surpasses, the best of the first metric first."""
        numbered = {trial["number"]: trial for trial in self.complete}
        front_of = self.record["front"] if self.record["objectives"] else []
        return [numbered[number] for number in front_of if number in numbered]

    @property
    def confirmed_front(self) -> list[str]:
        """The labels of the confirmed variants, the default among them, that none surpasses on fresh seeds."""
        directions, found = self.record["objectives"], self.found
        means = {label: {name: found.mean(name, label) for name in directions} for label in found.labels}
        whole = {label: values for label, values in means.items() if None not in values.values()}
        trials = [SearchTrial(n, {}, values=values) for n, values in enumerate(whole.values())]  # type: ignore[arg-type]
        return [list(whole)[number] for number in front(trials, directions)]

    @property
    def expected(self) -> dict[int, Mapping[str, float]]:
        """The number of trials -> the best value that may be expected of so many, with its interval."""
        return {point["trials"]: point for point in self.record["expected"]}

    @property
    def changes(self) -> list[Change]:
        """Each parameter, the winner's value and the default's; none without a winner."""
        best, default, edges = [] if self.front else self.complete[:1], self.record["default"], self.record["edges"]
        return [
            Change(path, default.get(path), value, edges.get(path))
            for trial in best
            for path, value in trial["params"].items()
            if value != default.get(path) or path in edges
        ]

    @cached_property
    def complete(self) -> list[Trial]:
        """The trials that have their values, the best first; of equals the earlier."""
        done = list(filter(self.is_complete, self.trials))
        return sorted(done, key=lambda trial: -trial["value"] if self.higher else trial["value"])

    def values(self, trial: Trial) -> list[Any]:
        """A trial's values: one, or those of the objectives."""
        return [trial["values"].get(name) for name in self.record["objectives"]] or [trial["value"]]

    def is_complete(self, trial: Trial) -> bool:
        """Whether a trial is complete and has its values, which a damaged file may lack."""
        values = (trial["value"], *self.values(trial))
        return trial["state"] == "complete" and all(value is not None and isfinite(value) for value in values)

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

    def is_numeric(self, path: str) -> bool:
        """Whether a range is searched, not a list of choices."""
        return self.record["space"][path].get("choices") is None

    def text(self, params: Mapping[str, Any]) -> str:
        """`k 8, patch_size 24`."""
        return ", ".join(f"{self.names.get(path, path)} {value_text(value)}" for path, value in params.items())

    @property
    def gains(self) -> list[Gain]:
        """Of each confirmed variant, the best trial's first."""
        if (default := self.default) is None:
            return []
        gains, finals = dict[str, Gain](), self.record["finals"]
        old = not finals and not self.record["control"]  # results of before there were finals
        for trial in self.complete:
            for variant in self.found.results.variants:
                number, levels = finals.get(variant.label), variant.levels
                if number == trial["number"] or (old and levels and levels == trial["params"]):
                    gain = Gain(
                        variant.label, trial, trial["value"] - default["value"], *self._confirmed(variant.label)
                    )
                    gains.setdefault(variant.label, gain)
        return list(gains.values())

    def _confirmed(self, label: str) -> tuple[TypicalDifference | None, str]:
        """The difference of a variant to its default, and its word; of several recipes, the default's turned round."""
        results, differences = self.found.results, self.found.differences.get(self.metric, {})
        default = next((v.label for v in results.variants if v.recipe == self.record["recipe"] and not v.levels), "")
        if results.baselines.get(default) != label:
            return differences.get(label), self.found.verdict(label)
        word, found = self.found.verdict(default), differences.get(default)
        if found is None:
            return None, word
        turned = found.interval and (-found.interval[1], -found.interval[0])
        return replace(found, median=-found.median, interval=turned), _MIRRORED.get(word, word)


def searches_of(found: Findings) -> list[Search]:
    """The searches of a study: one for each recipe and each control; none of a comparison."""
    return [Search(found, asdict(record)) for record in found.results.searches if record.trials]


def value_text(value: Any) -> str:
    """A parameter's value: `0.000474`, `off`, a part by its name."""
    if isinstance(value, float):
        return f"{value:.4g}".replace("-", "−")
    return "off" if value is None else str(value["use"] if isinstance(value, Mapping) and "use" in value else value)


# -- the three sentences that open the report of a search


def sentences(searches: Sequence[Search]) -> tuple[str, str, str]:
    """What was searched, what was best, and how much of it survived on fresh seeds."""
    own = [search for search in searches if not search.record["control"]]
    if own[0].record["objectives"]:
        return sentence(_question(own[0])), sentence(_front(own[0])), sentence(_front_confirmed(own[0]))
    if len(own) > 1:
        return sentence(_budgets(searches, own)), sentence(_winners(own)), sentence(_finals(own))
    return sentence(_question(own[0])), sentence(_result(own[0])), sentence(_confirmation(own[0]))


def _budgets(searches: Sequence[Search], own: Sequence[Search]) -> list[str]:
    first, most = own[0], "highest" if own[0].higher else "lowest"
    budget = " and ".join(f"{amount:,} {unit}" for unit, amount in first.record["budget"].items())
    states = Counter(trial["state"] for search in searches for trial in search.trials).most_common()
    control = ["each has a control of the same budget, which draws at random"] if len(searches) > len(own) else []
    return [
        f"this study gave {listed([search.name for search in own], 9)} {budget} each, and looked for the {most} "
        f"{first.metric}",
        f"it made {several(sum(count for _, count in states), 'trial')} of "
        f"{several(first.record['seeds_per_trial'], 'seed')} each ({', '.join(f'{n} {state}' for state, n in states)})",
        *control,
    ]


def _winners(own: Sequence[Search]) -> list[str]:
    told = []
    for search in sorted((each for each in own if each.complete), key=_best_value, reverse=own[0].higher):
        text = f"{search.name} {number(search.complete[0]['value'], search.digits)}"
        default = search.default
        told.append(f"{text} (default {number(default['value'], search.digits)})" if default else text)
    if not told:
        return ["no trial has a value, so nothing can be said"]
    return [f"in the search the best trials reached {listed(told, 9)}", "the best of many trials is biased upwards"]


def _best_value(search: Search) -> float:
    return float(search.complete[0]["value"])


def _finals(own: Sequence[Search]) -> list[str]:
    found, digits = own[0].found, own[0].digits
    first = found.results.baseline or ""
    rivals = [label for label in found.labels if found.results.baseline_of(label) == first != label]
    rivals = [label for label in rivals if label not in found.results.baselines]
    told = [f"{shown(label)} {found.verdict(label)} ({in_numbers(one, digits)})"
            for label in rivals if (one := found.difference(label))]  # fmt: skip
    moved = [f"{' '.join(filter(None, [search.name, gain.word]))} ({in_numbers(gain.confirmed, digits)})"
             for search in own for gain in search.gains if gain.confirmed]  # fmt: skip
    if not told and not moved:
        return ["nothing was confirmed on fresh seeds, so what was found is no evidence"]
    clauses = [f"on fresh seeds, compared with {shown(first)}: {listed(told, 9)}"] if told else []
    clauses += [f"tuned, compared with their own defaults: {listed(moved, 9)}"] if moved else []
    return [*clauses, *(basis(found) or ["that is too few seeds for a word, and no evidence"])]


def _question(search: Search) -> list[str]:
    names, most = listed(list(search.names.values()), 6), "highest" if search.higher else "lowest"
    objectives = listed(list(search.record["objectives"]))
    aim = f"best trade-offs of {objectives}" if objectives else f"{most} {search.metric}"
    counts = Counter(trial["state"] for trial in search.trials).most_common()
    states = ", ".join(f"{count} {state}" for state, count in counts)
    trials, seeds = several(len(search.trials), "trial"), several(search.record["seeds_per_trial"], "seed")
    return [
        f"this search looked for the {names} of {search.record['recipe']} with the {aim}",
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


def _front(search: Search) -> list[str]:
    if not search.front:
        return ["no trial has a value, so nothing can be said"]
    count, done = len(search.front), len(search.complete)
    ends = [
        f"{name} {number(values[0])} to {number(values[-1])}"
        for name in search.record["objectives"]
        if (values := sorted(trial["values"][name] for trial in search.front))
    ]
    told = f"{count} of {several(done, 'complete trial')} {_is(count)} surpassed by no other"
    return [f"{told}: {', '.join(ends)}"]


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _front_confirmed(search: Search) -> list[str]:
    points = [gain for gain in search.gains if gain.confirmed]
    if not points:
        return ["nothing was confirmed on fresh seeds, so what was found is no evidence"]
    kept = [gain.label for gain in points if gain.label in search.confirmed_front]
    words = Counter(gain.word for gain in points).most_common()
    seeds = several(max(gain.confirmed.seeds for gain in points if gain.confirmed), "fresh seed")
    return [
        f"by the means of {seeds}, {len(kept)} of {several(len(points), 'confirmed point')} {_is(len(kept))} "
        "surpassed by no other",
        f"compared with the default: {listed([f'{word} ({count})' for word, count in words])}",
        *(basis(search.found) or ["that is too few seeds for a word, and no evidence"]),
    ]


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

"""The three sentences that the report of a search begins with."""

from __future__ import annotations

from collections import Counter

from .format import listed, number, several, signed
from .search import Search
from .summary import in_numbers, sentence


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
    found, seeds = gain.confirmed, several(gain.confirmed.n, "fresh seed")
    numbers = in_numbers(found, search.digits)
    if found.verdict == "untested":
        return [f"on {seeds} the difference was {numbers}", "that is too few for a test, and no evidence"]
    share = "nothing of the gain survived" if gain.survived is None else f"{gain.survived:.0%} of the gain survived"
    if found.verdict == "inconclusive":
        open_ = "which may be chance" if gain.survived is not None else "in these runs"
        return [f"on {seeds} its difference to the default is inconclusive ({numbers})", f"{share}, {open_}"]
    return [f"on {seeds} it is {found.verdict} than the default ({numbers})", share]

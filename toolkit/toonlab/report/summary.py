"""Words, and the three sentences that open a report: the question, the result and its limits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from toonlab.stats.verdicts import LEAST_SCENES, LOOKS, TypicalDifference, fewest_seeds, level_of
from toonlab.studies.results import registration
from toonlab.studies.results.comparisons import Comparison, above_floor, by_label, family
from toonlab.utils.text import several, shown

from .findings import Findings
from .format import interval, listed, number, signed

SYMBOLS = {
    **{"better": "▲", "worse": "▼", "trade-off": "◆", "equivalent": "="},
    **{"undecided": "≈", "at the floor": "▁", "baseline": "·"},
}
Group = Mapping[str, Comparison]


def sentences(found: Findings) -> tuple[str, str, str]:
    """The three sentences of a comparison; they claim no more than its words."""
    return sentence([_question(found), _finished(found)]), sentence(_result(found)), sentence(_limits(found))


def by_word(found: Findings) -> dict[str, Group]:
    """word -> label -> comparison, in the order in which they are told; without floors, and words that none has."""
    verdicts = _methods(found)
    groups = {
        word: {n: verdicts[n] for n in found.labels if n in verdicts and verdicts[n].word == word} for word in SYMBOLS
    }
    return {word: group for word, group in groups.items() if group}


def _methods(found: Findings) -> Group:
    """The comparisons of those that are no floors."""
    return {label: one for label, one in found.results.verdicts.items() if label not in found.results.floors}


def in_numbers(difference: TypicalDifference, digits: int) -> str:
    """`+0.042, interval +0.021 to +0.063`."""
    between = [f"interval {interval(difference.interval, digits)}"] if difference.interval else []
    return ", ".join([signed(difference.median, digits), *between])


def sentence(clauses: Sequence[str]) -> str:
    """Clauses with a capital and a full stop; none begins with a name, whose spelling must not change."""
    text = "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}."


# -- the question


def _question(found: Findings) -> str:
    labels, results = found.labels, found.results
    against = results.baseline in labels and len(labels) > 1
    compared = [label for label in labels if not results.is_baseline(label)] if against else labels
    who = listed([*map(shown, compared)], 7) if len(compared) <= 7 else several(len(compared), "variant")
    guards = f", guarded by {listed(results.guards)}" if results.guards else ""
    by = f"by {found.primary} ({'more' if found.higher(found.primary) else 'less'} is better){guards}"
    to = f" with {shown(results.baseline_text)}" if against else ""
    return f"this study compares {who}{to} {by} over {several(len(found.seeds), 'seed')}"


def _finished(found: Findings) -> str:
    done, total = len(found.finished), len(found.results.cells)
    return f"all {total} runs finished" if 1 < done == total else f"{done} of {several(total, 'run')} finished"


# -- the result


def _result(found: Findings) -> list[str]:
    ranked, groups, digits = found.ranked(found.primary), by_word(found), found.digits(found.primary)
    if not ranked:
        return [f"no run has a value of {found.primary}, so nothing can be said"]
    if why := _why_nothing(found):
        best = number(found.mean(found.primary, ranked[0]) or 0.0, digits)
        chance = "; it may lead by chance" if len(ranked) > 1 else ""
        return [f"nothing is decided, as {why}", f"the best mean is {best}, of {shown(ranked[0])}{chance}"]
    floors = listed(["the unmodified photo", *map(shown, found.results.floors)])
    clauses = [_clause(word, group, digits, floors) for word, group in groups.items()]
    return [f"compared with {shown(found.results.baseline_text)}, {clauses[0]}", *clauses[1:]]


def _clause(word: str, group: Group, digits: int, floors: str) -> str:
    """The clause for the variants with one word; with numbers if they are few."""
    few, one = len(group) <= 2, len(group) == 1
    numbers = {n: f" ({in_numbers(c.primary, digits)})" if few and c.primary.interval else "" for n, c in group.items()}
    who = listed([f"{shown(label)}{text}" for label, text in numbers.items()])
    if word == "undecided":
        return f"the difference of {who} is undecided" if one else f"the differences of {who} are undecided"
    noun = {"trade-off": "a trade-off: better, but worse in a guard"} if one else {"trade-off": "trade-offs"}
    floor = {"at the floor": f"at the floor: not shown to be above {floors}"}
    return f"{who} {'is' if one else 'are'} {(noun | floor).get(word, word)}"


def _why_nothing(found: Findings) -> str | None:
    """Why no comparison has an interval or is at the floor; None if one has."""
    results, verdicts = found.results, _methods(found)
    if any(one.primary.interval or one.word != "undecided" for one in verdicts.values()):
        return None
    if results.baseline is None or results.baseline not in found.labels:
        return "there is no baseline"
    if len(found.labels) == 1:
        return "there is nothing to compare with"
    if not any(found.values(found.primary, label) for label in filter(results.is_baseline, found.labels)):
        return f"no run of {results.baseline_text} has finished"
    if all(results.is_baseline(label) or label in results.floors for label in found.labels):
        return "there are only floors to compare with"
    if not verdicts:
        return f"none has a finished seed in common with {results.baseline_text}"
    if results.max_seeds:
        return f"the first look is at {next(iter(LOOKS))} seeds"
    fewest, least = fewest_seeds(level_of(family(results))), max(one.primary.seeds for one in verdicts.values())
    if 0 < least < fewest:
        return f"{several(least, 'seed')} {'is' if least == 1 else 'are'} too few; these comparisons need {fewest}"
    return f"fewer than {LEAST_SCENES} scenes are too few"


# -- the limits


def _limits(found: Findings) -> list[str]:
    failed, groups = len(found.results.failed), by_word(found)
    clauses = [f"{several(failed, 'run')} failed and {'counts' if failed == 1 else 'count'} nowhere"] if failed else []
    clauses += _registered(found)
    if not found.results.verdicts:
        return [*clauses, "these results are no evidence of a difference"]
    clauses += [*basis(found), *_looks(found)]
    results, measured, level = found.results, by_label(found.results), level_of(family(found.results))
    for baseline in [label for label in measured if results.is_baseline(label) and label not in results.floors]:
        if not above_floor(results, measured, baseline, level):
            clauses.append(f"{shown(baseline)} itself is not shown to be above the floor")
    if "undecided" in groups:
        return [*clauses, "undecided is not equal: --plan DELTA tells how many seeds a difference of DELTA takes"]
    return [*clauses, "results on other data or with other training may differ"]


def _registered(found: Findings) -> list[str]:
    """Whether what was registered before the study ran was kept."""
    if (registered := registration.read(found.results.directory)) is None:
        return []
    changed = registered.changed(found.results)
    kept = f"changed after that: {listed(changed, 9)}" if changed else "kept"
    return [f"the study was registered on {registered.date[:10]}, before it ran, and {kept}"]


def basis(found: Findings) -> list[str]:
    """What the words rest on: seeds, scenes, intervals, margin; nothing where none has an interval."""
    shown_ = {label: one for label, one in found.results.verdicts.items() if one.primary.interval}
    if not shown_:
        return []
    seeds = _range((one.primary.seeds for one in shown_.values() if one.primary.seeds), "seed")
    scenes = _range((one.primary.scenes for one in shown_.values() if one.primary.scenes), "scene")
    size = " and ".join(filter(None, [seeds, scenes]))
    levels = _ends([100 * (1 - one.level) for one in shown_.values()])
    count = family(found.results)
    together = f" ({count} of them hold together with a chance of 95 %)" if count > 1 else ""
    text = f"words rest on {size}, intervals of {levels} %{together} and a margin of {found.results.margin:g}"
    fixed = [shown(label) for label, one in shown_.items() if not one.primary.seeds]
    alone = (
        [f"{listed(fixed)} {'has' if len(fixed) == 1 else 'have'} no randomness: over scenes alone"] if fixed else []
    )
    sets = [shown(label) for label, one in shown_.items() if not one.primary.scenes]
    whole = [f"{found.primary} has no scores of scenes for {listed(sets)}: over seeds alone"] if sets else []
    return [text, *alone, *whole]


def _looks(found: Findings) -> list[str]:
    """At which look of a study that stops by itself each variant was decided."""
    most, looks = found.results.max_seeds, defaultdict[str, list[str]](list)
    for label, one in found.results.verdicts.items() if most else ():
        if one.word != "undecided":
            looks[f"decided at {one.look} seeds"].append(shown(label))
        elif one.look == most:
            looks[f"futile: undecided at {most} seeds"].append(shown(label))
    return [f"{when}: {listed(who)}" for when, who in looks.items()]


def _range(counts: Iterable[int], noun: str) -> str:
    ends = sorted(set(counts))
    return "" if not ends else several(ends[0], noun) if len(ends) == 1 else f"{ends[0]} to {several(ends[-1], noun)}"


def _ends(values: Sequence[float]) -> str:
    """`98.3`, or `98.3 to 99.5`."""
    return " to ".join(dict.fromkeys(f"{value:.4g}" for value in (min(values), max(values))))

"""What a rater is shown, in order: balanced pairs, and trials that show whether the rater looks.

The order follows from the rater's code, so that a rater who comes back goes on in the same one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal, Protocol

BLOCK = 10  # pairs, to which a repeated pair and the unmodified photo are added
SHARED = 4  # every so manieth pair is shown to all raters, so that their agreement can be measured
PHOTO, EFFECT = "photo", "effect"  # the sides of a trial with the unmodified photo
Unit = tuple[str, str, str]  # a photo and two methods


class Question(Protocol):
    """`photo`: whether the unmodified photo wins or loses it against any effect; None where neither is right."""

    @property
    def photo(self) -> str | None: ...


@dataclass(frozen=True)
class Trial:
    """A pair of pictures of a photo, and the names of the questions that are asked of it."""

    kind: Literal["pair", "repeat", "photo"]
    photo: str
    left: str
    right: str
    questions: Sequence[str]


def plan(
    rater: str, methods: Sequence[str], photos: Sequence[str], questions: Mapping[str, Question], pairs: int
) -> list[Trial]:
    """The trials of a rater: so many pairs, or all that there are, with two further trials for each ten of them,
    or a rest of five.

    Further trials are an earlier pair with its sides swapped and, if a question has a right answer for it, the
    unmodified photo against an effect.
    """
    sides = Random(f"sides of {rater}")
    asked, checked = tuple(questions), tuple(name for name, question in questions.items() if question.photo)
    shown = [
        Trial("pair", photo, *((one, other) if sides.random() < 0.5 else (other, one)), asked)
        for photo, one, other in _units(rater, methods, photos, pairs)
    ]
    found = list[Trial]()
    for start in range(0, len(shown), BLOCK):
        block, random = shown[start : start + BLOCK], Random(f"checks of {rater} from {start}")
        if start and len(block) < BLOCK // 2:
            return found + block
        repeated = random.randrange(max(1, len(block) // 2))
        again = replace(block[repeated], kind="repeat", left=block[repeated].right, right=block[repeated].left)
        further = [(random.randint(max(repeated + 1, len(block) - 3), len(block)), again)]
        if checked:
            left, right = random.sample((PHOTO, EFFECT), 2)
            further.append((random.randint(1, len(block)), Trial("photo", random.choice(photos), left, right, checked)))
        for place, trial in sorted(further, key=lambda item: -item[0]):
            block.insert(place, trial)
        found += block
    return found


def _units(rater: str, methods: Sequence[str], photos: Sequence[str], most: int) -> Iterator[Unit]:
    """Pairs that a rater sees once each: those of all raters, and three times as many of the rater's own.

    Own ones are of the methods that the rater has compared least, on the photo that was seen least.
    """
    shared, own = (list(_balanced(methods, photos, Random(seed))) for seed in ("shared", f"pairs of {rater}"))
    compared, seen = Counter[frozenset[str]](), Counter[str]()
    for number in range(min(most, len(own))):
        if number % SHARED == 0:
            unit = shared[0]
        else:
            unit = min(own, key=lambda unit: (compared[frozenset(unit[1:])], seen[unit[0]]))
        compared[frozenset(unit[1:])] += 1
        seen[unit[0]] += 1
        for units in (shared, own):
            units.remove(next(other for other in units if _key(other) == _key(unit)))
        yield unit


def _key(unit: Unit) -> tuple[str, frozenset[str]]:
    return unit[0], frozenset(unit[1:])


def _balanced(methods: Sequence[str], photos: Sequence[str], random: Random) -> Iterator[Unit]:
    """Every pair of methods on every photo, once.

    Each pair comes once before any comes twice; so does each method, one aside where their number is odd; and photos
    come equally often, give or take one.
    """
    pairs, order = [frozenset(pair) for pair in _rounds(methods, random)], random.sample(photos, len(photos))
    offsets = {pair: number % len(order) for number, pair in enumerate(random.sample(pairs, len(pairs)))}
    for turn in range(len(order)):
        for first, second in _rounds(methods, random):
            yield order[(offsets[frozenset((first, second))] + turn) % len(order)], first, second


def _rounds(methods: Sequence[str], random: Random) -> Iterator[tuple[str, str]]:
    """All pairs, as rounds of a tournament in which each method plays once: the circle method, in random order."""
    circle: list[str | None] = random.sample(methods, len(methods))
    circle += [None] * (len(circle) % 2)
    fixed, *others = circle
    turns = [[fixed, *others[turn:], *others[:turn]] for turn in range(len(others))]
    for turn in random.sample(turns, len(turns)):
        for first, second in zip(turn[: len(turn) // 2], reversed(turn), strict=False):
            if first is not None and second is not None:
                yield first, second

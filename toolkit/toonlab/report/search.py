"""The trials of a search, its gains, and how much of them survived on fresh seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from toonlab.studies.results.results import short_names

from .findings import Findings
from .format import places

if TYPE_CHECKING:
    from toonlab.stats.paired import Difference

Trial = Mapping[str, Any]


@dataclass(frozen=True)
class Gain:
    """The gain of one of the best trials over the default, in the search and on fresh seeds."""

    label: str
    trial: Trial
    searched: float
    confirmed: Difference | None

    @property
    def survived(self) -> float | None:
        """The share of the gain that is left on fresh seeds; None if none is left, or there was none."""
        if self.confirmed is None or self.searched == 0 or self.confirmed.mean / self.searched <= 0:
            return None
        return self.confirmed.mean / self.searched


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
        if self.default is None:
            return []
        differences, gains = self.found.differences.get(self.metric, {}), []
        for trial in self.complete:
            for variant in self.found.variants:
                if variant.levels and dict(variant.levels) == dict(trial["params"]):
                    gain = trial["value"] - self.default["value"]
                    gains.append(Gain(variant.label, trial, gain, differences.get(variant.label)))
        return list({gain.label: gain for gain in reversed(gains)}.values())[::-1]


def search_of(found: Findings) -> Search | None:
    """The search of a study, if it is one."""
    record = found.results.search
    return Search(found, asdict(record)) if record and record.trials else None


def value_text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}".replace("-", "−")
    return "off" if value is None else str(value["use"] if isinstance(value, Mapping) and "use" in value else value)

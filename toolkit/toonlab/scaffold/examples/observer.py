"""The observer `example`: every evaluation as a line of a table in the run's directory."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass

from toonlab import ObserverFactory, Run, hookimpl


@dataclass(frozen=True)
class ExampleObserver:
    """Writes `evaluations.csv` into the run's directory: a row for each evaluation, with the step and every metric.

    A run that is resumed from a checkpoint evaluates some steps again and writes their rows again.

    Args:
        digits: of the numbers.
    """

    digits: int = 4

    @hookimpl
    def on_evaluation_end(self, run: Run, step: int, metrics: Mapping[str, float]) -> None:
        path = run.directory / "evaluations.csv"
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines())) if path.exists() else []
        row = {name: str(round(value, self.digits)) for name, value in metrics.items()}
        rows = [*(old for old in rows if int(old["step"]) < step), {"step": str(step), **row}]
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(rows[-1]), extrasaction="ignore")
            table.writeheader()
            table.writerows(rows)

    @hookimpl
    def where_to_look(self, run: Run) -> str:
        return f"evaluations: {run.directory / 'evaluations.csv'}"


@hookimpl
def register_observers() -> Mapping[str, ObserverFactory]:
    return {"example": ExampleObserver}

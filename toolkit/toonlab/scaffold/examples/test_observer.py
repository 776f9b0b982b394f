from pathlib import Path

from toonlab import Run
from toonlab.scaffold.examples.observer import ExampleObserver
from toonlab.testing import ObserverTests


class TestExampleObserver(ObserverTests):
    factory = ExampleObserver


def test_a_step_that_is_evaluated_again_has_one_row(tmp_path: Path) -> None:
    run = Run(tmp_path, "study", "recipe", 0, "0123456789abcdef", {}, 100)
    run.directory.mkdir(parents=True)
    for step, value in ((50, 0.1), (100, 0.2), (100, 0.3)):
        ExampleObserver().on_evaluation_end(run, step, {"lines": value})
    assert (run.directory / "evaluations.csv").read_text().split() == ["step,lines", "50,0.1", "100,0.3"]

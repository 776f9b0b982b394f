"""Tests of observers."""

import json
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

from toonlab.registry.hookspecs import ObserverHooks
from toonlab.registry.observers import hook_manager
from toonlab.types import Outcome, Run

from .assertions import skip
from .frame import PartTests

_HOOKS = frozenset(name for name in vars(ObserverHooks) if not name.startswith("_"))
_STEPS = 40
_METRICS = {"lines": 0.5, "psnr": 14.0}
_LINES = [
    {"step": 20, "time": 1.7e9, "scalars": {"generator/total": 1.0}},
    {"step": 20, "time": 1.7e9, "evaluation": _METRICS},
]
_FILES = {"recipe.yaml": "about: a probe\n", "metrics.jsonl": "".join(json.dumps(line) + "\n" for line in _LINES)}
_folder = partial(tempfile.TemporaryDirectory, ignore_cleanup_errors=True)  # an observer's thread may write there still


class ObserverTests(PartTests):
    """`class TestMyObserver(ObserverTests): factory = MyObserver`. A short run is played to it, in an empty folder."""

    kind = "observers"

    def marked(self) -> set[str]:
        """The methods that are marked as hooks."""
        observer = self.make()
        found = {name: getattr(type(observer), name, None) for name in dir(type(observer))}
        found |= {name: getattr(observer, name, None) for name in _HOOKS}
        return {name for name, method in found.items() if hasattr(method, "toonlab_impl")}

    def test_it_hears_something(self) -> None:
        hooks = ", ".join(sorted(_HOOKS))
        text = "has no hooks; mark its methods with @toonlab.hookimpl, and call them as the hooks are called"
        self.expect(self.marked() & _HOOKS, f"{text}: {hooks}")

    def test_methods_that_are_named_like_hooks_are_marked(self) -> None:
        observer = self.make()
        unmarked = [name for name in _HOOKS - self.marked() if callable(getattr(observer, name, None))]
        self.expect(not unmarked, f"{', '.join(unmarked)} would never be called; mark with @toonlab.hookimpl")

    def test_marked_methods_are_hooks_that_exist(self) -> None:
        unknown = ", ".join(sorted(self.marked() - _HOOKS))
        self.expect(not unknown, f"there is no hook called {unknown}; there are {', '.join(sorted(_HOOKS))}")

    def test_arguments_are_those_of_the_hooks(self) -> None:
        if self.marked() - _HOOKS:
            skip("some hooks do not exist, as another test says")
        try:
            hook_manager({self.name: self.make()})
        except Exception as error:
            self.fail(f"{str(error).strip().splitlines()[-1]}; take only arguments that the hook has")

    def test_a_run_from_start_to_end(self) -> None:
        with _folder() as folder:
            self.play(folder, "finished")

    def test_a_run_that_fails(self) -> None:
        with _folder() as folder:
            self.play(folder, "failed")

    def test_a_run_that_goes_on_after_it_was_stopped(self) -> None:
        with _folder() as folder:
            self.play(folder, "stopped", stop=_STEPS // 2)
            self.play(folder, "finished", start=_STEPS // 2 - 5)

    def test_the_runs_own_files_are_left_as_they_are(self) -> None:
        with _folder() as folder:
            run = self.play(folder, "finished")
            for name, text in _FILES.items():
                same = (run.directory / name).is_file() and (run.directory / name).read_text() == text
                advice = "keep your own files next to it"
                self.expect(same, f"changes or deletes {name} of the run's directory; {advice}")

    def test_cost(self) -> None:
        with _folder() as folder:
            run, tell = _run(folder), self.teller()
            tell("on_run_start", run=run)

            def steps() -> None:
                for step in range(200):
                    tell("on_step_end", run=run, step=step, scalars=None)

            self.print_cost(steps, "200 steps that are not logged")
            tell("on_run_end", run=run, outcome=Outcome("finished", _STEPS, 1.0, None, _METRICS, _METRICS))

    def teller(self) -> Callable[..., None]:
        """Tells a new observer one hook at a time; an error is a failure that names it."""
        try:
            manager = hook_manager({self.name: self.make()})
        except Exception:
            skip("its hooks do not fit, as another test says")

        def tell(hook: str, **arguments: Any) -> None:
            try:
                getattr(manager.hook, hook)(**arguments)
            except Exception as error:
                self.fail(f"{hook} raises {type(error).__name__}: {error}; an observer that raises is dropped")

        return tell

    def play(
        self, folder: str, status: Literal["finished", "failed", "stopped"], start: int = 0, stop: int = _STEPS
    ) -> Run:
        """The events of a run, or of one process of it, to a new observer."""
        from PIL import Image

        run, tell = _run(folder), self.teller()
        picture = run.directory / "samples" / "step-20.png"
        Image.new("RGB", (8, 8)).save(picture)
        tell("on_run_start", run=run)
        for step in range(start, stop):
            tell("on_step_end", run=run, step=step, scalars={"generator/total": 1.0} if step % 10 == 9 else None)
            tell("stop_reason", run=run, step=step)
            if step % 20 == 19:
                tell("on_evaluation_end", run=run, step=step + 1, metrics=_METRICS, images={"grid": picture})
                tell("on_checkpoint", run=run, step=step + 1, path=run.directory / "checkpoints")
        failed = "generator/content is nan" if status == "failed" else None
        outcome = Outcome(status, stop, 1.0, failed, _METRICS if status == "finished" else {}, {"lines": 0.3})
        (run.directory / "outcome.json").write_text(json.dumps(outcome.to_json()))
        tell("on_run_end", run=run, outcome=outcome)
        tell("where_to_look", run=run)
        if status == "finished":
            page = run.root / "report.html"
            page.write_text("<html></html>")
            tell("on_report", run=run, path=page)
        return run


def _run(folder: str) -> Run:
    recipe = {"about": "a probe", "train": {"steps": _STEPS, "seed": 0}, "data": {"use": "toonworld"}}
    run = Run(Path(folder), "study", "probe", 0, "0" * 16, recipe, _STEPS, {"device": "cpu", "study": "probe"})
    (run.directory / "samples").mkdir(parents=True, exist_ok=True)
    for name, text in _FILES.items():
        (run.directory / name).write_text(text)
    return run

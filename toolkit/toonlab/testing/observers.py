"""Tests of observers."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from toonlab.registry.hookspecs import ObserverHooks
from toonlab.registry.observers import hook_manager
from toonlab.types import Outcome, Run

from .frame import PartTests, expect, fail, print_cost, skip, skip_unless

_HOOKS = frozenset(name for name in vars(ObserverHooks) if not name.startswith("_"))
_STEPS = 40


class ObserverTests(PartTests):
    """`class TestMyObserver(ObserverTests): factory = MyObserver`. A short run is played to it, in an empty folder."""

    kind = "observers"

    def test_it_hears_something(self) -> None:
        observer = self.make()
        heard = [name for name in _HOOKS if hasattr(getattr(observer, name, None), "toonlab_impl")]
        expect(
            heard,
            f"{self.name} has no hooks; mark its methods with @toonlab.hookimpl, and call them as the hooks are "
            f"called: {', '.join(sorted(_HOOKS))}",
        )

    def test_methods_that_are_named_like_hooks_are_marked(self) -> None:
        observer = self.make()
        named = [name for name in _HOOKS if callable(getattr(observer, name, None))]
        unmarked = [name for name in named if not hasattr(getattr(observer, name), "toonlab_impl")]
        expect(not unmarked, f"{self.name}: {', '.join(unmarked)} would never be called; mark with @toonlab.hookimpl")

    def test_marked_methods_are_hooks_that_exist(self) -> None:
        unknown = self._unknown()
        expect(
            not unknown,
            f"{self.name}: there is no hook called {', '.join(unknown)}; there are {', '.join(sorted(_HOOKS))}",
        )

    def _unknown(self) -> list[str]:
        """Marked methods that are no hooks."""
        cls = type(self.make())
        marked = {name for name in dir(cls) if hasattr(getattr(cls, name, None), "toonlab_impl")}
        return sorted(marked - _HOOKS)

    def test_arguments_are_those_of_the_hooks(self) -> None:
        skip_unless(not self._unknown(), "some hooks do not exist")
        try:
            hook_manager({self.name: self.make()})
        except Exception as error:
            fail(f"{self.name}: {str(error).strip().splitlines()[-1]}; take only arguments that the hook has")

    def test_a_run_from_start_to_end(self) -> None:
        self._hear("finished")

    def test_a_run_that_fails(self) -> None:
        self._hear("failed")

    def test_a_run_that_goes_on_after_it_was_stopped(self) -> None:
        with _folder() as folder:
            _play(self._told, self.make(), _run(folder), "stopped", 0, _STEPS // 2)
            _play(self._told, self.make(), _run(folder), "finished", _STEPS // 2 - 5, _STEPS)

    def test_the_runs_own_files_are_left_as_they_are(self) -> None:
        with _folder() as folder:
            run = _run(folder)
            _play(self._told, self.make(), run, "finished", 0, _STEPS)
            for name, text in _FILES.items():
                expect(
                    (run.directory / name).is_file() and (run.directory / name).read_text() == text,
                    f"{self.name} changes or deletes {name} of the run's directory; keep your own files next to it",
                )

    def test_cost(self) -> None:
        with _folder() as folder:
            run, tell = _run(folder), self._told(self.make())
            tell("on_run_start", run=run)

            def steps() -> None:
                for step in range(200):
                    tell("on_step_end", run=run, step=step, scalars=None)

            print_cost(self.name, steps, "200 steps that are not logged")
            tell("on_run_end", run=run, outcome=Outcome("finished", _STEPS, 1.0, None, _METRICS, _METRICS))

    def _hear(self, status: Literal["finished", "failed"]) -> None:
        with _folder() as folder:
            _play(self._told, self.make(), _run(folder), status, 0, _STEPS)

    def _told(self, observer: Any) -> Callable[..., None]:
        """Tells one hook at a time; an error is a failure that names it."""
        try:
            manager = hook_manager({self.name: observer})
        except Exception:
            skip("its hooks do not fit, as another test says")

        def tell(hook: str, **arguments: Any) -> None:
            try:
                getattr(manager.hook, hook)(**arguments)
            except Exception as error:
                fail(f"{self.name}: {hook} raises {type(error).__name__}: {error}; an observer that raises is dropped")

        return tell


_METRICS = {"outline_f1": 0.5, "psnr": 14.0}
_LINES = [
    {"step": 20, "time": 1.7e9, "scalars": {"generator/total": 1.0}},
    {"step": 20, "time": 1.7e9, "evaluation": {"outline_f1": 0.5, "psnr": 14.0}},
]
_FILES = {"recipe.yaml": "about: a probe\n", "metrics.jsonl": "".join(json.dumps(line) + "\n" for line in _LINES)}


def _folder() -> tempfile.TemporaryDirectory[str]:
    """An observer's thread may still be writing there when it goes."""
    return tempfile.TemporaryDirectory(ignore_cleanup_errors=True)


def _run(folder: str) -> Run:
    recipe = {"about": "a probe", "train": {"steps": _STEPS, "seed": 0}, "data": {"use": "toonworld"}}
    run = Run(Path(folder), "study", "probe", 0, "0" * 16, recipe, _STEPS, {"device": "cpu", "study": "probe"})
    (run.directory / "samples").mkdir(parents=True, exist_ok=True)
    for name, text in _FILES.items():
        (run.directory / name).write_text(text)
    return run


def _play(
    told: Callable[[Any], Callable[..., None]],
    observer: Any,
    run: Run,
    status: Literal["finished", "failed", "stopped"],
    start: int,
    stop: int,
) -> None:
    """The events of a run, or of one process of it."""
    from PIL import Image

    tell = told(observer)
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
    outcome = Outcome(status, stop, 1.0, failed, _METRICS if status == "finished" else {}, {"outline_f1": 0.3})
    (run.directory / "outcome.json").write_text(json.dumps(outcome.to_json()))
    tell("on_run_end", run=run, outcome=outcome)
    tell("where_to_look", run=run)
    if status == "finished":
        page = run.root / "report.html"
        page.write_text("<html></html>")
        tell("on_report", run=run, path=page)

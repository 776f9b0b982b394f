"""A run with what it has left: as data, as pictures, and as a notebook shows it."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from PIL import Image
from torch import Tensor, nn

from toonlab.engine.checkpoint import candidates
from toonlab.errors import ToonlabError
from toonlab.inference.cartoonize import load_model
from toonlab.inference.cartoonizer import Cartoonizer, Picture, Post, make_postprocessor
from toonlab.recipes.load import load
from toonlab.registry.catalogue import discover
from toonlab.report.findings import find
from toonlab.report.history import by_step
from toonlab.runs.directory import read_metrics, read_outcome
from toonlab.runs.sync import read_run
from toonlab.studies.common import initial_results
from toonlab.studies.results import results as studies
from toonlab.studies.results.tables import leading
from toonlab.types import Outcome, Run
from toonlab.utils.distributed import pick_device
from toonlab.utils.text import duration

from . import console, html
from .common import display, in_notebook

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class TrainedRun(Run):
    """A run, as `toonlab.train` returns it and `toonlab.open_run` finds it: what its observers saw, and what it left.

    Everything is read from the run's directory when it is asked for, so that a run which goes on elsewhere is seen as
    it is then.

    Args:
        reused: whether it had finished before, and was not trained anew.
    """

    reused: bool = False

    @classmethod
    def of(cls, run: Run, reused: bool = False) -> TrainedRun:
        """The same run with what is of use in Python."""
        return cls(**{field.name: getattr(run, field.name) for field in fields(Run)}, reused=reused)

    # -- what it left

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None while it has not."""
        return read_outcome(self.directory)

    @property
    def metrics(self) -> dict[str, float]:
        """By which it is judged, once it has finished; until then those of the last evaluation."""
        outcome = self.outcome
        if outcome and outcome.metrics:
            return dict(outcome.metrics)
        evaluations = [line["evaluation"] for line in read_metrics(self._metrics_file) if "evaluation" in line]
        return dict(evaluations[-1]) if evaluations else {}

    @property
    def photo(self) -> dict[str, float]:
        """The same metrics of the photos as they are; empty while it has not finished."""
        return dict(self.outcome.photo) if self.outcome else {}

    @property
    def history(self) -> pd.DataFrame:
        """A row for each step that was logged or evaluated: `seconds` of training, losses and metrics, by the step."""
        import pandas as pd

        rows = by_step(self.directory)
        return (pd.DataFrame(rows) if rows else pd.DataFrame(columns=["step", "seconds"])).set_index("step")

    @property
    def samples(self) -> list[Path]:
        """The sample grids, oldest first."""
        return sorted((self.directory / "samples").glob("step-????????.png"))

    @property
    def weights(self) -> Path | None:
        """The file with the weights that count; None where there are none yet, or nothing was to be learnt."""
        return next(iter(reversed(candidates(self.directory))), None)

    @property
    def _metrics_file(self) -> Path:
        return self.directory / "metrics.jsonl"

    @property
    def as_study(self) -> studies.Results | None:
        """The run as a study of one, which tables are made from; None before anything is measured."""
        metrics, catalogue = self.metrics, discover()
        if not metrics:
            return None
        recipe = load(self.directory / "recipe.yaml", catalogue)
        wanted = leading(metrics, [part.use for part in recipe.evaluate.metrics])
        steps = by_step(self.directory)
        unfinished = {"photo": {}, "costs": {}, "measured": {}, "seconds": round(steps[-1]["seconds"], 3), "step": 0}
        outcome = self.outcome.to_json() if self.outcome else {**unfinished, "metrics": metrics}
        cell = studies.CellResult(studies.Variant(self.recipe_name), self.seed, self.name, "finished", outcome=outcome)
        found = initial_results(self.directory.parent, [recipe], catalogue)
        return replace(found, name=self.name, metrics=list(wanted), cells=[cell])

    # -- pictures

    @cached_property
    def generator(self) -> nn.Module:
        """The generator with the weights that count, `(B, 3, H, W)` in [-1, 1] to the same; loaded once.

        Raises:
            ToonlabError: if there are no weights yet.
        """
        return load_model(str(self.directory), discover())

    @overload
    def cartoonize(self, image: Tensor, *, device: str = "auto") -> Tensor: ...
    @overload
    def cartoonize(
        self, image: Picture, *, post: Post | None = None, max_side: int | None = None, device: str = "auto"
    ) -> Image.Image: ...

    def cartoonize(
        self, image: Any, *, post: Post | None = None, max_side: int | None = None, device: str = "auto"
    ) -> Any:
        """A photo of any size as a cartoon, as `toonlab cartoonize` makes it.

        Args:
            image: a path, a PIL image or an `(H, W, 3)` uint8 RGB array, which give a PIL image; or a `(3, H, W)` or
                `(B, 3, H, W)` float tensor in [-1, 1], which gives a tensor of its shape, on its device.
            post: a last touch to a picture: a post-processor by its name, or `{"use": NAME, …}` with its parameters.
            max_side: a picture whose longer side is longer is scaled down to it.
            device: `auto` (a GPU where there is one), `cpu`, `cuda:1`, …

        Raises:
            ToonlabError: if there are no weights yet, or if the image is none of these, or too large for the memory.
        """
        make = self._cartoonizers.setdefault(device, Cartoonizer(self.generator, pick_device(device)))
        if isinstance(image, Tensor):
            if post is not None or max_side is not None:
                raise ToonlabError("post and max_side are for pictures; a tensor is cartoonized as it is")
            return make.tensor(image)
        if max_side is not None and max_side < 1:
            raise ToonlabError(f"max_side: got {max_side}, expected 1 or more")
        return make.picture(image, max_side, make_postprocessor(post, discover()))

    @cached_property
    def _cartoonizers(self) -> dict[str, Cartoonizer]:
        return {}

    # -- shown

    def show(self) -> None:
        """In a notebook: the metrics beside the untouched photo's, the last sample grid and the learning curve.

        Elsewhere: what `toonlab train` prints at the end.
        """
        if not in_notebook():
            console.run(self)
            return
        from IPython.display import HTML, SVG, Image

        display(HTML(self._head()))  # type: ignore[no-untyped-call]
        for path in self.samples[-1:]:
            display(Image(filename=str(path)))  # type: ignore[no-untyped-call]
        if svg := self._curve():
            display(SVG(svg))  # type: ignore[no-untyped-call]

    def __repr__(self) -> str:
        return f"<Run {self.name}: {self._state}, in {self.directory}>"

    def _repr_html_(self) -> str:
        pictures = [html.picture(path, "the sample grid") for path in self.samples[-1:]]
        return "".join([self._head(), *pictures, self._curve() or ""])

    @property
    def _state(self) -> str:
        outcome = self.outcome
        if outcome is None:
            return "not at its end"
        reason = f": {outcome.reason}" if outcome.reason else ""
        return f"{outcome.status} at step {outcome.step} in {duration(outcome.seconds)}{reason}"

    def _head(self) -> str:
        head = html.paragraph(html.bold(self.name), html.text(self._state), html.link(self.directory))
        return head + (html.table(find(results)) if (results := self.as_study) else "")

    def _curve(self) -> str | None:
        return html.curve(find(results)) if (results := self.as_study) else None


def open_run(directory: str | os.PathLike[str]) -> TrainedRun:
    """The run of a directory, `runs/<experiment>/<recipe>-s<seed>-<hash8>`, finished or not.

    Raises:
        ToonlabError: if it is no run's directory, or a file of it is damaged.
    """
    path = Path(directory)
    run, _ = read_run(path)
    near = len(path.parts) > 2 and ".." not in path.parts  # what is given stays as it is where it says it all
    return TrainedRun.of(replace(run, root=path.parents[1]) if near else run)

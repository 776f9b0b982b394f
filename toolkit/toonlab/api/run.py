"""A run's results: as data, as pictures, and in a notebook."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from PIL import Image
from torch import Tensor, nn

from toonlab.engine.checkpoint import candidates
from toonlab.errors import ToonlabError
from toonlab.images.files import CLIP_SUFFIXES, PictureTask
from toonlab.inference.cartoonize import load_model
from toonlab.inference.cartoonizer import Cartoonizer, Picture, Post, make_postprocessor
from toonlab.inference.video import ClipOptions, Progress, cartoonize_clips
from toonlab.registry.catalogue import Catalogue, discover
from toonlab.report.charts.learning import learning_charts
from toonlab.report.history import by_step
from toonlab.runs.directory import read_metrics, read_outcome
from toonlab.runs.sync import read_run
from toonlab.types import Outcome, Run
from toonlab.utils.distributed import pick_device
from toonlab.utils.progress import progress
from toonlab.utils.text import duration, printable

from . import console, html
from .common import in_notebook
from .metrics_table import MetricsTable, metrics_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class TrainedRun(Run):
    """A run, as `toonlab.train` returns it and `toonlab.open_run` finds it.

    Every attribute reads the run's directory when it is asked for, and so follows a run that is still training.

    Args:
        reused: whether the run had finished before, and was not trained again.
    """

    reused: bool = False

    @classmethod
    def of(cls, run: Run, reused: bool = False, catalogue: Catalogue | None = None) -> TrainedRun:
        """The same run with the methods of this class."""
        found = cls(**{field.name: getattr(run, field.name) for field in fields(Run)}, reused=reused)
        if catalogue is not None:
            vars(found)["catalogue"] = catalogue  # the value of the cached property
        return found

    @cached_property
    def catalogue(self) -> Catalogue:
        """The installed plugins."""
        return discover()

    # -- files and values

    @property
    def outcome(self) -> Outcome | None:
        """How the run ended; None until then."""
        return read_outcome(self.directory)

    @property
    def metrics(self) -> dict[str, float]:
        """The reported metrics of a finished run; until then those of the last evaluation."""
        outcome = self.outcome
        if outcome and outcome.metrics:
            return dict(outcome.metrics)
        lines = read_metrics(self.directory / "metrics.jsonl")
        evaluations = [line["evaluation"] for line in lines if "evaluation" in line]
        return dict(evaluations[-1]) if evaluations else {}

    @property
    def photo(self) -> dict[str, float]:
        """The same metrics of the unmodified photos; empty until the run has finished."""
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
        """The file of the selected weights; None if there are none yet, or the recipe trains nothing."""
        return next(iter(reversed(candidates(self.directory))), None)

    @property
    def table(self) -> MetricsTable | None:
        """The run's metrics below the unmodified photo's; None before the first evaluation."""
        return metrics_table(self)

    # -- pictures

    @cached_property
    def generator(self) -> nn.Module:
        """The generator with the selected weights, `(B, 3, H, W)` in [-1, 1] to the same; loaded once.

        Raises:
            ToonlabError: if there are no weights yet.
        """
        return load_model(str(self.directory), self.catalogue)

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
            post: a post-processor for a picture: its name, or `{"use": NAME, …}` with its parameters.
            max_side: a picture whose longer side is longer is scaled down to it.
            device: `auto` (a GPU where there is one), `cpu`, `cuda:1`, …

        Raises:
            ToonlabError: if there are no weights yet, or if the image is none of these, or too large for the memory.
        """
        make = self._cartoonizer(device)
        if isinstance(image, Tensor):
            if post is not None or max_side is not None:
                raise ToonlabError("post and max_side are for pictures; a tensor is cartoonized as it is")
            return make.tensor(image)
        if max_side is not None and max_side < 1:
            raise ToonlabError(f"max_side: got {max_side}, expected 1 or more")
        return make.picture(image, max_side, make_postprocessor(post, self.catalogue))

    def cartoonize_clip(
        self,
        clip: str | os.PathLike[str],
        out: str | os.PathLike[str],
        *,
        post: Post | None = None,
        max_side: int | None = None,
        steady: float = 0.0,
        device: str = "auto",
        progress: Progress = progress,
    ) -> Path:
        """A clip as a cartoon, as `toonlab cartoonize` makes it, with its sound and its times.

        An interrupted one goes on when it is called again; one that is there already is kept.

        Args:
            clip: the file to read.
            out: the file to write: .mp4, .m4v, .mov, .mkv or .webm.
            post: a post-processor for each frame, as `cartoonize` takes it.
            max_side: frames with a longer side are scaled down to it.
            steady: strength of the blend over time against flicker, in [0, 1).
            device: `auto` (a GPU where there is one), `cpu`, `cuda:1`, …
            progress: called with a title and the seconds of the clip, None if they are not known: a context manager
                that gives a function, which is called with the seconds that are done. What that raises ends the clip.

        Returns:
            The written file.

        Raises:
            ToonlabError: if there are no weights yet, the clip can't be read, or nothing can be written.
        """
        task = PictureTask(Path(clip), Path(out))
        if task.target.suffix.lower() not in CLIP_SUFFIXES:
            raise ToonlabError(f"out: got {printable(task.target.name)}, expected {', '.join(sorted(CLIP_SUFFIXES))}")
        if task.target.resolve() == task.source.resolve():
            raise ToonlabError(f"out: {printable(task.target)} is the clip itself; choose another file")
        if not 0 <= steady < 1 or (max_side is not None and max_side < 1):
            raise ToonlabError(f"got max_side {max_side}, steady {steady}; expected 1 or more, and 0 to less than 1")
        make = self._cartoonizer(device)
        identity = {"model": str(self.directory), "post": repr(post)}
        options = ClipOptions(
            max_side=max_side,
            postprocess=make_postprocessor(post, self.catalogue),
            steady=steady,
            identity=identity,
            progress=progress,
        )
        for result in cartoonize_clips(make.generator, [task], make.device, options):
            if result.outcome != "written":
                raise ToonlabError(f"{printable(task.source.name)}: {result.reason}")
        return task.target

    def _cartoonizer(self, device: str) -> Cartoonizer:
        return self._cartoonizers.setdefault(device, Cartoonizer(self.generator, pick_device(device)))

    @cached_property
    def _cartoonizers(self) -> dict[str, Cartoonizer]:
        return {}

    # -- display

    def show(self) -> None:
        """In a notebook: the metrics next to the unmodified photo's, the last sample grid and the learning curve.

        Elsewhere: what `toonlab train` prints at the end.
        """
        if not in_notebook():
            console.show_run(self)
            return
        from IPython.display import HTML, SVG, Image, display

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
        head = html.paragraph(f"<b>{escape(self.name)}</b>", escape(self._state), html.link(self.directory))
        return head + (table.to_html() if (table := self.table) else "")

    def _curve(self) -> str | None:
        if (table := self.table) is None:
            return None
        primary = next(iter(table.rows[-1].values))
        chart = next(learning_charts([self.recipe_name], primary, [(self.recipe_name, by_step(self.directory))]), None)
        return html.svg(chart) if chart else None


def open_run(directory: str | os.PathLike[str]) -> TrainedRun:
    """The run of a directory, `runs/<experiment>/<recipe>-s<seed>-<hash8>`, finished or not.

    Raises:
        ToonlabError: if it is no run's directory, or a file of it is damaged.
    """
    path = Path(directory)
    run, _ = read_run(path)
    complete = len(path.parts) > 2 and ".." not in path.parts  # a relative path stays relative
    return TrainedRun.of(replace(run, root=path.parents[1]) if complete else run)

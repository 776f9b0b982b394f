"""The tab of clips: one method's cartoon of a short clip next to it, with progress and a button that stops it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr

from toonlab import ToonlabError, printable

from .methods import Method
from .photos import WorkFolder, file_stem

SIDE = 384  # pixels: frames are many
Told = Callable[[float, str], None]  # the share that is done, and a text


class Clips:
    """Makes cartoons of clips, one at a time.

    Args:
        device: where to compute.
        max_seconds: a clip that is longer is refused.
        ending: set when the server ends, which stops the clip in progress.
    """

    def __init__(
        self, methods: Sequence[Method], work: WorkFolder, device: str, max_seconds: int, ending: Event
    ) -> None:
        self.runs = {method.label: method.run for method in methods}
        self.work, self.device, self.max_seconds, self.ending = work, device, max_seconds, ending
        self.stopped = set[str]()  # visitors who have pressed the button

    def make(
        self, clip: Path, label: str, side: int, steady: float, visitor: str, told: Told
    ) -> tuple[Path, list[str]]:
        """The file of the cartoon, and what there is to say about the clip.

        Args:
            side: the longer side of the cartoon, in pixels.
            steady: strength of the blend against flicker, in [0, 1).
            visitor: who may stop it.

        Raises:
            ToonlabError: if it is no clip, is too long, is stopped, or can't be cartoonized.
        """
        self.stopped.discard(visitor)
        out = self.work.new() / f"{file_stem(clip.stem)}-{file_stem(label)}.mp4"

        @contextmanager
        def progress(_: str, seconds: float | None) -> Iterator[Callable[[float], None]]:
            def advance(done: float) -> None:
                if visitor in self.stopped or self.ending.is_set():
                    raise ToonlabError("stopped")
                if max(done, seconds or 0) > self.max_seconds:
                    text = (
                        f"longer than {self.max_seconds} seconds; cut it, or start the app with a larger --max-seconds"
                    )
                    raise ToonlabError(f"{printable(clip.name)}: {text}")
                told(min(1.0, done / seconds) if seconds else 0.0, f"{done:.1f} s of the clip")

            yield advance

        with warnings.catch_warnings(record=True) as notes:  # one clip at a time, see the queue of the page
            warnings.simplefilter("always", UserWarning)
            self.runs[label].cartoonize_clip(
                clip, out, max_side=side, steady=steady, device=self.device, progress=progress
            )
        found = [str(note.message) for note in notes if issubclass(note.category, UserWarning)]
        return out, [text.replace(str(clip), printable(clip.name)) for text in found]

    def cartoonize(
        self,
        clip: str | None,
        label: str,
        side: float,
        steady: float,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (gradio finds it so)
    ) -> tuple[str, Any, Any]:
        """The status, the cartoon, and its download."""
        none = gr.update(value=None), gr.update(value=None, interactive=False)
        if not clip:
            return "<p>Choose a clip first.</p>", *none
        began = time.monotonic()
        try:
            made, notes = self.make(
                Path(clip), label, int(side), steady, request.session_hash or "",
                lambda share, text: progress(share, desc=text),
            )  # fmt: skip
        except ToonlabError as error:
            return f"<p role='alert'>{escape(str(error))}</p>", *none
        said = "".join(f"<p>{escape(note)}</p>" for note in notes)
        took = time.monotonic() - began
        return (
            f"<p role='status'>Done in {took:.1f} s.</p>{said}",
            str(made),
            gr.update(value=str(made), interactive=True),
        )

    def stop(self, request: gr.Request) -> str:
        self.stopped.add(request.session_hash or "")
        return "<p>Stops at the next frames.</p>"


def clip_tab(clips: Clips, max_side: int, model_queue: dict[str, Any], quick: dict[str, Any]) -> None:
    """The elements of the tab.

    Args:
        max_side: the largest longer side that can be asked for, in pixels.
        model_queue: the settings of an event that computes.
        quick: those of one that does not.
    """
    labels = list(clips.runs)
    with gr.Row():
        clip = gr.Video(
            label=f"Clip, up to {clips.max_seconds} seconds", sources=["upload", "webcam"], height=360, min_width=300,
            webcam_options=gr.WebcamOptions(mirror=False),
        )  # fmt: skip
        cartoon = gr.Video(label="Cartoon", interactive=False, height=360, min_width=300, buttons=[])
    vars(clip)["preprocess"] = lambda payload: payload and payload.path  # a file that is no clip, too
    told = gr.HTML("<p>Choose a clip to begin.</p>", elem_id="told-clip")
    method = gr.Radio(labels, value=labels[0], label="Method of the clip")
    with gr.Row():
        side = gr.Slider(128, max_side, min(SIDE, max_side), step=64, label="Longer side of the clip, in pixels")
        steady = gr.Slider(0, 0.95, 0, step=0.05, label="Blend of still places, against flicker")
    with gr.Row():
        begin = gr.Button("Cartoonize the clip", variant="primary")
        stop = gr.Button("Stop")
        save = gr.DownloadButton("Download this clip", interactive=False)
    begin.click(
        clips.cartoonize, [clip, method, side, steady], [told, cartoon, save], show_progress_on=told, **model_queue
    )
    stop.click(clips.stop, None, told, **quick)

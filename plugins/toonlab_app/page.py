"""The page: a photo, its cartoons by every method, and where samplers look."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr
from PIL import Image

from toonlab import Catalogue, Tile, ToonlabError, compose

from .clips import Clips, clip_tab
from .looks import ALL, Look, find_looks, look
from .methods import Method
from .photos import WorkFolder, file_stem, open_photo, rendered_photo

MAX_PIXELS = 60_000_000  # of a photo; those of phones have up to 50 million
DEFAULT_SIDE = 768
_TILE = 384  # pixels: the longer side of a picture on the sheet
_ROW = 4  # pictures in a row of the sheet
_ONE: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}  # models compute for one visitor at a time
_BEGIN = "<p>Choose a photo to begin.</p>"
_SAME = gr.skip()
_QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden"}


@dataclass
class Made:
    """What has been made of a visitor's photo: files in a folder of this request."""

    photo: str
    stem: str
    cartoons: dict[str, str] = field(default_factory=dict)


def theme() -> Any:
    """A theme whose fonts are the reader's own: others would be asked for at Google."""
    fonts: Any = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}
    dark = dict.fromkeys(("button_primary_background_fill", "button_primary_background_fill_dark"), "*primary_600")
    return gr.themes.Default(primary_hue="indigo", **fonts).set(**dark)


def style() -> str:
    return (Path(__file__).parent / "style.css").read_text(encoding="utf-8")


def head() -> str:
    return '<meta name="robots" content="noindex"><meta name="referrer" content="no-referrer">'


class Desk:
    """The functions behind the page."""

    def __init__(self, methods: Sequence[Method], catalogue: Catalogue, work: Path, device: str) -> None:
        self.methods, self.catalogue, self.device = methods, catalogue, device
        self.work, self.looks = WorkFolder(work), find_looks(methods, catalogue)
        self.labels = [method.label for method in methods]

    def rendered(self, number: int) -> tuple[str, int]:
        """The file of a rendered photo, and the number of the next one."""
        path = self.work.new() / f"rendered-{number}.png"
        rendered_photo(self.catalogue, number).save(path)
        return str(path), number + 1

    def cartoonize(self, path: str | None, side: float, chosen: str) -> Iterator[list[Any]]:
        """The outputs after each method: status, what was made, slider, its download, hint, pictures, sheet, photo.

        A file that is no photo is taken away.
        """
        if not path:
            yield _nothing(_SAME)
            return
        folder = self.work.new()
        try:
            photo = open_photo(Path(path), int(side), MAX_PIXELS)
        except ToonlabError as error:
            yield _nothing(_alert(str(error)), photo=None)
            return
        began = time.monotonic()
        made, failed = Made(_saved(photo, folder / "photo.png"), file_stem(Path(path).stem)), list[str]()
        for number, method in enumerate(self.methods, 1):
            try:
                cartoon = method.run.cartoonize(photo, device=self.device)
            except ToonlabError as error:
                failed.append(f"{method.label}: {error}")
                continue
            name = f"{made.stem}-{file_stem(method.label)}-{number}.png"
            made.cartoons[method.label] = _saved(cartoon, folder / name)
            told = f"<p>{number} of {len(self.methods)} methods</p>"
            yield [told, made, *self.show(made, chosen), *_pictures(made), _SAME, _SAME]
        size = f"{photo.width} × {photo.height} pixels in {time.monotonic() - began:.1f} s"
        said = _alert("; ".join(failed)) if failed else f"<p role='status'>Done: {size}.</p>"
        yield [said, made, *self.show(made, chosen), *_pictures(made), _download(self._sheet(made, folder)), _SAME]

    def show(self, made: Made | None, chosen: str) -> tuple[Any, Any]:
        """The slider and the download of one method; of the first one until the chosen one is there."""
        if made is None or not made.cartoons:
            return gr.update(), gr.update()
        label = chosen if chosen in made.cartoons else next(iter(made.cartoons))
        text = f"The photo to the left, {label} to the right"
        return gr.update(value=(made.photo, made.cartoons[label]), label=text), _download(made.cartoons[label])

    def select(self, event: gr.SelectData) -> Any:
        """The method of a picture that was clicked; the first picture is the photo."""
        caption = event.value["caption"]
        return caption if caption in self.labels else _SAME

    def _sheet(self, made: Made, folder: Path) -> str | None:
        if not made.cartoons:
            return None
        tiles = []
        for caption, path in [("photo", made.photo), *made.cartoons.items()]:
            with Image.open(path) as picture:
                picture.thumbnail((_TILE, _TILE), Image.Resampling.LANCZOS)
                tiles.append(Tile(caption, picture.convert("RGB")))
        rows = [tiles[i : i + _ROW] for i in range(0, len(tiles), _ROW)]
        return _saved(compose(made.stem, rows), folder / f"{made.stem}-sheet.png")

    # -- samplers

    def chosen_looks(self, name: str) -> list[Look]:
        return [each for each in self.looks if name in (each.name, ALL) and (name != ALL or each.sampler)]

    def defaults(self, name: str) -> tuple[Any, Any, Any]:
        """Patch size, k and longer side of a sampler."""
        first = self.chosen_looks(name)[0]
        count = gr.update(interactive=False) if first.k is None else gr.update(value=first.k, interactive=True)
        return first.patch_size, count, first.side

    def inspect(self, path: str | None, name: str, patch_size: float, k: float, side: float) -> tuple[Any, Any, Any]:
        """The status, the panels and the download of the sheet."""
        if not path:
            return "<p>Choose a photo first.</p>", [], _download(None)
        folder = self.work.new()
        stem = file_stem(Path(path).stem)
        try:
            photo = open_photo(Path(path), int(side), MAX_PIXELS)
            given = int(patch_size), int(k), int(side)
            tiles, sheet = look(self.chosen_looks(name), self.catalogue, photo, stem, *given)
        except ToonlabError as error:
            return _alert(str(error)), [], _download(None)
        shown = [(_saved(tile.picture, folder / f"{stem}-{n:02}.png"), tile.caption) for n, tile in enumerate(tiles, 1)]
        columns = 2 if name == ALL else 3  # a choice next to its map
        return "", gr.update(value=shown, columns=columns), _download(_saved(sheet, folder / f"{stem}-samplers.png"))


def _saved(picture: Image.Image, path: Path) -> str:
    picture.save(path, compress_level=1)
    return str(path)


def _alert(text: str) -> str:
    return f"<p role='alert'>{escape(text)}</p>"


def _download(path: str | None) -> Any:
    return gr.update(value=path, interactive=path is not None)


def _nothing(status: Any, photo: Any = _SAME) -> list[Any]:
    empty = gr.update(value=None, label="Photo and cartoon")
    hidden = gr.update(visible=False)
    return [status, None, empty, _download(None), hidden, gr.update(value=[], visible=False), _download(None), photo]


def _pictures(made: Made) -> tuple[Any, Any]:
    """The hint and the gallery."""
    shown = [(made.photo, "photo"), *((path, label) for label, path in made.cartoons.items())]
    return gr.update(visible=True), gr.update(value=shown, visible=True)


def page(
    methods: Sequence[Method],
    catalogue: Catalogue,
    work: Path,
    device: str,
    max_side: int,
    max_seconds: int,
    ending: Event,
) -> gr.Blocks:
    """The page for some methods.

    Args:
        work: a folder for the pictures.
        device: where to compute.
        max_side: the largest longer side of a cartoon that can be asked for, in pixels.
        max_seconds: of a clip.
        ending: set when the server ends; a clip in progress is then stopped.
    """
    desk = Desk(methods, catalogue, work, device)
    with gr.Blocks(title="toonlab app", analytics_enabled=False, delete_cache=(600, 3600)) as blocks:
        made, number = gr.State(None), gr.State(0)
        studies = ", ".join(dict.fromkeys(method.run.directory.parent.name for method in methods))
        about = f"<h1>Photos as cartoons</h1><p>Methods of {escape(studies)}. Photos stay on this machine.</p>"
        gr.HTML(about, elem_id="about")
        with gr.Row():
            with gr.Column(scale=2, min_width=300):
                photo, status, render, side, again = _photo(max_side)
            with gr.Column(scale=5, min_width=320), gr.Tabs():
                with gr.Tab("Cartoons"):
                    method, slider, line, one, sheet, hint, pictures = _cartoons(desk.labels)
                with gr.Tab("Where samplers look") as tab:
                    _samplers(desk, photo, tab)
                with gr.Tab("Clips"):
                    clip_tab(Clips(methods, desk.work, device, max_seconds, ending), max_side, _ONE, _QUICK)
        outputs = [status, made, slider, one, hint, pictures, sheet, photo]
        run: dict[str, Any] = {"inputs": [photo, side, method], "outputs": outputs, "show_progress_on": status, **_ONE}
        photo.change(desk.cartoonize, trigger_mode="always_last", **run)
        again.click(desk.cartoonize, trigger_mode="always_last", **run)
        method.change(desk.show, [made, method], [slider, one], **_QUICK)
        line.input(lambda share: gr.update(slider_position=share), line, slider, **_QUICK)
        pictures.select(desk.select, None, method, **_QUICK)
        photo.clear(lambda: _BEGIN, None, status, **_QUICK)
        render.click(desk.rendered, number, [photo, number], show_progress_on=photo)
    blocks.queue(max_size=16, api_open=False)
    return blocks


def _photo(max_side: int) -> tuple[Any, ...]:
    """The photo, the status, and what makes cartoons: a rendered photo, the size, again."""
    photo = gr.Image(
        label="Photo", sources=["upload", "webcam", "clipboard"], type="filepath", image_mode=None,
        height=320, placeholder="Drop a photo here, or choose one", alt_text="your photo",
    )  # fmt: skip
    vars(photo)["preprocess"] = lambda payload: payload and payload.path  # a file that is no photo, too
    status = gr.HTML(_BEGIN, elem_id="status")
    render = gr.Button("Try a rendered photo")
    side = gr.Slider(
        256, max_side, min(DEFAULT_SIDE, max_side), step=64, label="Longer side of the cartoons, in pixels"
    )
    return photo, status, render, side, gr.Button("Cartoonize at this size")


def _cartoons(labels: Sequence[str]) -> tuple[Any, ...]:
    """The first tab: the method, its cartoon behind a line, the downloads, a hint, and all cartoons."""
    method = gr.Radio(labels, value=labels[0], label="Method")
    slider = gr.ImageSlider(label="Photo and cartoon", interactive=False, format="png", buttons=["fullscreen"])
    line = gr.Slider(0, 100, 50, step=1, label="Line between photo and cartoon, in % of the width")
    with gr.Row():
        one = gr.DownloadButton("Download this cartoon", interactive=False)
        sheet = gr.DownloadButton("Download the sheet of all", interactive=False)
    hint = gr.HTML("<p>Choose a picture to compare it with the photo.</p>", visible=False)
    pictures = gr.Gallery(
        label="All methods", show_label=False, elem_id="methods", columns=3, height="auto", allow_preview=False,
        interactive=False, format="png", object_fit="contain", visible=False, buttons=[],
    )  # fmt: skip
    return method, slider, line, one, sheet, hint, pictures


def _bounded(low: int, high: int, values: Sequence[int], value: int, label: str) -> Any:
    """A slider with a range that has all values of the samplers in it."""
    return gr.Slider(min(low, *values), max(high, *values), value, step=1, label=label)


def _samplers(desk: Desk, photo: Any, tab: Any) -> None:
    """The second tab."""
    names = [each.name for each in desk.looks if each.sampler is None]
    names += [ALL, *(each.name for each in desk.looks if each.sampler is not None)]
    first = desk.chosen_looks(names[0])[0]
    sampler = gr.Dropdown(names, value=names[0], label="Sampler")
    with gr.Row():
        size = _bounded(8, 256, [each.patch_size for each in desk.looks], first.patch_size, "Patch size, in pixels")
        count = _bounded(1, 16, [each.k or 1 for each in desk.looks], first.k or 4, "k, patches of the picture")
        side = _bounded(
            64, 1024, [each.side for each in desk.looks], first.side, "Longer side of the picture, in pixels"
        )
    told = gr.HTML("", elem_id="told")
    panels = gr.Gallery(
        label="Where samplers look", show_label=False, elem_id="looks", columns=3, height="auto", interactive=False,
        format="png", object_fit="contain", buttons=["fullscreen"],
    )  # fmt: skip
    sheet = gr.DownloadButton("Download the sheet", interactive=False)
    run: dict[str, Any] = {
        "fn": desk.inspect,
        "inputs": [photo, sampler, size, count, side],
        "outputs": [told, panels, sheet],
        "show_progress_on": panels,
        **_ONE,
    }
    sampler.input(desk.defaults, sampler, [size, count, side], **_QUICK).then(**run)
    gr.on([tab.select, size.change, count.change, side.change], trigger_mode="always_last", **run)
    photo.change(
        lambda: ("<p>Open this tab again, or move a slider, for the new photo.</p>", []), None, [told, panels], **_QUICK
    )

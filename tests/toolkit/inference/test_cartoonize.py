"""`toonlab cartoonize`: any picture becomes a cartoon of its size, or it is said why not."""

from __future__ import annotations

import os
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from typer.testing import CliRunner

from toonlab import Catalogue, PartError, ToonlabError, discover
from toonlab.cli.app import app
from toonlab.engine.checkpoint import find_weights, save
from toonlab.engine.weights import load_generator
from toonlab.images.files import PictureResult, plan_tasks
from toonlab.inference.cartoonize import cartoonize_pictures, load_model
from toonlab.recipes.load import load

CPU = torch.device("cpu")


class Inverse(nn.Module):
    """The photo's negative; keeps the shapes that it was given, and fails as it is told to."""

    side_multiple = 16

    def __init__(self, fails: Callable[[Tensor], Exception | None] = lambda _: None) -> None:
        super().__init__()
        self.fails, self.shapes = fails, []

    def forward(self, photo: Tensor) -> Tensor:
        if error := self.fails(photo):
            raise error
        self.shapes.append(tuple(photo.shape))
        return -photo


class Turned(Inverse):
    """Looks at the last row first, and so needs the whole picture."""

    def forward(self, photo: Tensor) -> Tensor:
        return super().forward(photo.flip(2)).flip(2)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    return Path("in")


def draw(path: Path, width: int, height: int, **options: object) -> np.ndarray:
    """A picture of noise, saved; returns its pixels."""
    pixels = np.random.default_rng(width * height).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(path, **options)
    return pixels


def run(generator: nn.Module, folder: Path, **options: object) -> list[PictureResult]:
    return list(cartoonize_pictures(generator, plan_tasks([folder], Path("out")), CPU, **options))


def read(path: str) -> np.ndarray:
    return np.asarray(Image.open(Path("out") / path))


@pytest.mark.parametrize(("width", "height"), [(16, 16), (33, 20), (1, 50)])
def test_any_size_comes_back_with_its_own_size(folder: Path, width: int, height: int):
    pixels = draw(folder / "a.png", width, height)
    generator = Inverse()
    assert [done.outcome for done in run(generator, folder)] == ["written"]
    assert np.array_equal(read("a.png"), 255 - pixels)
    padded = generator.shapes[0][2:]
    assert all(side % 16 == 0 for side in padded)


def test_pictures_are_upright_and_gray_ones_become_colored(folder: Path):
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = draw(folder / "turned.png", 30, 20, exif=exif)
    Image.new("L", (9, 7), 10).save(folder / "gray.png")
    run(Inverse(), folder)
    assert np.array_equal(read("turned.png"), 255 - np.rot90(pixels, -1))
    assert not Image.open("out/turned.png").getexif()
    assert (read("gray.png") == 245).all()


def test_neighbours_of_one_size_go_together(folder: Path):
    sizes = {"a": (20, 16), "b": (20, 16), "c": (20, 16), "d": (16, 20), "e": (20, 16)}
    pixels = {name: draw(folder / f"{name}.png", *size) for name, size in sizes.items()}
    generator = Inverse()
    done = run(generator, folder, batch=2)
    assert [shape[0] for shape in generator.shapes] == [2, 1, 1, 1]
    assert [d.task.source.stem for d in done] == list("abcde")
    assert all(np.array_equal(read(f"{name}.png"), 255 - pixels[name]) for name in sizes)


def test_max_side_makes_large_pictures_smaller_and_no_other(folder: Path):
    draw(folder / "large.png", 60, 30)
    draw(folder / "small.png", 20, 10)
    run(Inverse(), folder, max_side=40)
    assert (read("large.png").shape, read("small.png").shape) == ((20, 40, 3), (10, 20, 3))


def test_a_post_processor_gets_fake_and_photo_in_whole_levels(folder: Path):
    pixels = draw(folder / "a.png", 17, 9)

    def average(fake: np.ndarray, photo: np.ndarray) -> np.ndarray:
        assert (fake.dtype, photo.dtype) == (np.uint8, np.uint8)
        assert np.array_equal(photo, pixels)
        assert np.array_equal(fake, 255 - pixels)
        return fake // 2

    run(Inverse(), folder, postprocess=average)
    assert np.array_equal(read("a.png"), (255 - pixels) // 2)


def test_bad_pictures_are_skipped_and_the_rest_goes_on(folder: Path):
    draw(folder / "a.png", 20, 16)
    (folder / "empty.jpg").write_bytes(b"")
    draw(folder / "cut.bmp", 40, 40)
    (folder / "cut.bmp").write_bytes((folder / "cut.bmp").read_bytes()[:3000])
    done = {d.task.source.name: d for d in run(Inverse(), folder)}
    assert {name: d.outcome for name, d in done.items()} == {
        "a.png": "written",
        "empty.jpg": "skipped",
        "cut.bmp": "skipped",
    }
    assert [path.name for path in Path("out").iterdir()] == ["a.png"]


def test_a_picture_too_large_for_the_memory_goes_in_strips_in_its_turn(folder: Path):
    pixels = {
        "a": draw(folder / "a.png", 30, 20),
        "b": draw(folder / "b.png", 600, 401),
        "c": draw(folder / "c.png", 30, 20),
    }
    done = run(Inverse(), folder, memory=5_000_000)
    assert [(d.task.source.stem, d.outcome) for d in done] == [("a", "written"), ("b", "written"), ("c", "written")]
    assert all(np.array_equal(read(f"{name}.png"), 255 - pixels[name]) for name in pixels)


def test_strips_keep_transparency_and_are_post_processed(folder: Path):
    pixels = np.random.default_rng(0).integers(0, 256, (400, 600, 4), np.uint8)
    Image.fromarray(pixels).save(folder / "a.png")
    options = {"alpha": True, "postprocess": lambda fake, photo: fake // 2 + photo // 2}
    for name, memory in (("strips", 5_000_000), ("whole", None)):
        tasks = plan_tasks([folder], Path(name))
        assert [d.outcome for d in cartoonize_pictures(Inverse(), tasks, CPU, memory=memory, **options)] == ["written"]
    strips, whole = (np.asarray(Image.open(Path(name) / "a.png")) for name in ("strips", "whole"))
    assert strips.shape == (400, 600, 4)
    assert np.array_equal(strips, whole)


def test_a_picture_too_large_for_the_memory_fails_if_the_network_needs_it_whole(folder: Path):
    draw(folder / "a.png", 600, 400)
    draw(folder / "b.png", 30, 20)
    (large, small) = run(Turned(), folder, memory=5_000_000)
    assert (large.outcome, small.outcome) == ("failed", "written")
    assert large.reason.startswith("600x400 pixels need about 0.00")
    assert "the largest size that fits is " in large.reason
    side = int(large.reason.rpartition("--max-side ")[2])
    Path("out/b.png").unlink()
    again = run(Turned(), folder, memory=5_000_000, max_side=side)
    assert [done.outcome for done in again] == ["written", "written"]
    assert read("a.png").shape[1] == side


def test_a_batch_is_smaller_where_the_memory_asks_for_it(folder: Path):
    for name in "abcd":
        draw(folder / f"{name}.png", 320, 320)
    generator = Inverse()
    need = 4 * 3 * 320 * 320 * 3  # photo, negative, clamped
    run(generator, folder, batch=4, memory=int(2.5 * need))
    assert [shape[0] for shape in generator.shapes if shape[2:] == (320, 320)] == [2, 2]


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("full"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_what_runs_out_of_memory_together_is_tried_alone(folder: Path, error: Exception):
    for name, size in {"a": (20, 16), "b": (20, 16), "c": (80, 80)}.items():
        draw(folder / f"{name}.png", *size)
    generator = Inverse(lambda photo: error if photo.numel() > 3 * 32 * 32 else None)
    done = run(generator, folder)
    assert [d.outcome for d in done] == ["written", "written", "failed"]
    assert done[2].reason == "80x80 pixels took more memory than there is; try --max-side 48"


def test_a_network_that_refuses_a_size_is_named(folder: Path):
    draw(folder / "a.png", 20, 16)
    draw(folder / "b.png", 50, 50)
    generator = Inverse(lambda photo: PartError("tiny: at least 48 pixels") if photo.shape[2] < 48 else None)
    assert [(d.outcome, d.reason) for d in run(generator, folder)] == [
        ("failed", "tiny: at least 48 pixels"),
        ("written", ""),
    ]


def test_a_file_that_can_not_be_written_fails_and_the_rest_goes_on(folder: Path):
    for name in "ab":
        draw(folder / f"{name}.png", 20, 16)
    tasks = plan_tasks([folder], Path("out"))
    Path("out/a.png").mkdir(parents=True)
    done = list(cartoonize_pictures(Inverse(), tasks, CPU))
    assert [d.outcome for d in done] == ["failed", "written"]
    assert done[0].reason == "out/a.png: can't be written: Is a directory"


def test_sides_below_the_networks_minimum_are_padded(folder: Path):
    sizes = [(1, 1), (3, 3), (90, 2), (90, 4)]
    pixels = [draw(folder / f"{width}x{height}.png", width, height) for width, height in sizes]
    generator = Inverse(lambda photo: RuntimeError("too small") if min(photo.shape[2:]) < 32 else None)
    generator.side_minimum = 24
    assert {d.outcome for d in run(generator, folder)} == {"written"}
    assert {shape[2:] for shape in generator.shapes} == {(32, 32), (32, 96)}
    for (width, height), before in zip(sizes, pixels, strict=True):
        assert np.array_equal(read(f"{width}x{height}.png"), 255 - before)


def test_every_generator_takes_pictures_of_any_size(folder: Path):
    catalogue = discover()
    for width, height in ((1, 1), (3, 3), (90, 2), (90, 4)):
        draw(folder / f"{width}x{height}.png", width, height)
    for name in sorted(catalogue.names("generators")):
        if name in ("pictures", "onnx"):  # ready-made, or from a file
            continue
        factory = catalogue.get("generators", name).factory
        width = {"width": 2} if "width" in signature(factory).parameters else {}
        tasks = plan_tasks([folder], Path(name))
        done = list(cartoonize_pictures(catalogue.make("generators", name, **width), tasks, CPU))
        assert [(d.outcome, d.reason) for d in done] == [("written", "")] * 4, name


def test_transparency_is_laid_on_white_or_kept(folder: Path):
    rgba = np.zeros((8, 6, 4), np.uint8)
    rgba[:4, :, 3] = 255
    Image.fromarray(rgba).save(folder / "a.png")
    draw(folder / "opaque.png", 6, 8)
    run(Inverse(), folder)
    assert read("a.png")[:, 0].tolist() == [[255] * 3] * 4 + [[0] * 3] * 4
    kept = list(cartoonize_pictures(Inverse(), plan_tasks([folder], Path("kept")), CPU, max_side=4, alpha=True))
    assert [d.outcome for d in kept] == ["written", "written"]
    clear = np.asarray(Image.open("kept/a.png"))
    assert clear.shape == (4, 3, 4)
    assert clear[[0, -1], 0, 3].tolist() == [255, 0]
    assert np.asarray(Image.open("kept/opaque.png")).shape == (4, 3, 3)


# -- weights


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


@pytest.fixture
def trained(small: Path, catalogue: Catalogue) -> Path:
    """A run's directory with two checkpoints."""
    recipe = load(small, catalogue)
    for step in (2, 4):
        torch.manual_seed(step)
        generator = recipe.generator.network.make(catalogue)
        save(small.parent / "run" / "checkpoints", {"step": step, "parts": {}}, generator, recipe.tree, keep=3)
    return small.parent / "run"


def test_a_run_means_its_newest_weights(trained: Path):
    weights = trained / "checkpoints" / "step-00000004" / "generator.safetensors"
    assert find_weights(trained) == weights
    assert find_weights(weights) == weights
    assert find_weights(weights.parent) == weights


def test_broken_weights_send_back_to_those_before(trained: Path):
    weights = find_weights(trained)
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.warns(
        RuntimeWarning, match="not a safetensors file of weights: .*; going back to the checkpoint before"
    ):
        assert find_weights(trained).parent.name == "step-00000002"


def test_where_there_are_no_weights(tmp_path: Path):
    with pytest.raises(ToonlabError, match=r"nowhere: no such run, file of weights or recipe$"):
        find_weights(tmp_path / "nowhere")
    with pytest.raises(ToonlabError, match=r"no checkpoint in it; give a run's directory or a \.safetensors file"):
        find_weights(tmp_path)


def test_a_recipe_that_names_weights_is_a_model(trained: Path, catalogue: Catalogue, tmp_path: Path):
    recipe = tmp_path / "theirs.yaml"
    recipe.write_text(f"generator: {{network: {{use: ctss_plain, width: 2}}, weights: {trained}}}")
    photo, expected = torch.rand(1, 3, 16, 16), load_generator(find_weights(trained), catalogue)
    assert torch.equal(load_model(str(recipe), catalogue)(photo), expected(photo))


def test_a_model_gives_the_same_cartoon_in_a_batch_and_alone(trained: Path, catalogue: Catalogue, folder: Path):
    generator = load_generator(find_weights(trained), catalogue)
    for name in "abc":
        draw(folder / f"{name}.png", 30, 22)
    draw(folder / "b.png", 30, 22)
    run(generator, folder, batch=3)
    together = {name: read(f"{name}.png").astype(int) for name in "abc"}
    for path in Path("out").iterdir():
        path.unlink()
    run(generator, folder, batch=1)
    assert all(np.abs(together[name] - read(f"{name}.png")).max() <= 1 for name in "abc")
    photo = torch.from_numpy(np.asarray(Image.open(folder / "a.png")).copy()).movedim(-1, 0)[None].float() / 127.5 - 1
    with torch.no_grad():
        fake = generator(nn.functional.pad(photo, (0, 2, 0, 2), mode="replicate"))[0, :, :22, :30]
    assert np.abs(((fake + 1) * 127.5).movedim(0, -1).numpy() - together["a"]).max() < 0.51


# -- the command


def test_the_command_cartoonizes_and_post_processes(
    trained: Path, catalogue: Catalogue, folder: Path, ran: Callable[..., Any]
):
    draw(folder / "a.png", 30, 22)
    (folder / "b.jpg").write_text("no picture")
    plain = ran("cartoonize", trained, "in", "--out", "out")
    assert plain.returncode == 0, plain.stderr
    assert plain.stdout.splitlines() == [
        "[1/2] in/b.jpg -> skipped",
        "[2/2] in/a.png -> out/a.png",
        "1 of 2 pictures in out",
    ]
    assert plain.stderr.startswith("warning: left out: 1 of 2 pictures can't be used: in/b.jpg: not readable")
    done = ran("cartoonize", find_weights(trained), "in/a.png", "style=dragon_ball", "--out", "post", "--post", "ctss")
    assert done.returncode == 0, done.stderr
    post = catalogue.make("postprocessors", "ctss", style="dragon_ball")
    expected = post(read("a.png"), np.asarray(Image.open("in/a.png")))
    assert np.array_equal(np.asarray(Image.open("post/a.png")), expected)


def test_a_recipe_that_learns_nothing_needs_no_run(folder: Path, catalogue: Catalogue):
    pixels = draw(folder / "a.png", 30, 22)
    Path("few.yaml").write_text("generator: {network: {use: classic, colors: 3}}\n")
    results = {}
    for model in ("identity", "classic", "few.yaml"):
        done = CliRunner().invoke(app, ["cartoonize", model, "in", "--out", model.removesuffix(".yaml")])
        assert done.exit_code == 0, done.stderr
        results[model] = np.asarray(Image.open(Path(model.removesuffix(".yaml")) / "a.png"))
    assert np.array_equal(results["identity"], pixels)
    assert not np.array_equal(results["classic"], results["few.yaml"])
    changed = ["cartoonize", "classic", "in", "generator.network.colors=3", "--out", "out"]
    assert CliRunner().invoke(app, changed).exit_code == 0
    assert np.array_equal(read("a.png"), results["few.yaml"])


def test_the_command_takes_a_limit_of_memory(folder: Path):
    pixels = draw(folder / "a.png", 1400, 700)
    done = CliRunner().invoke(app, ["cartoonize", "identity", "in", "--out", "out", "--memory", "0.01"])
    assert done.exit_code == 0, done.stderr
    assert np.array_equal(read("a.png"), pixels)
    assert CliRunner().invoke(app, ["cartoonize", "identity", "in", "--out", "two", "--memory", "0"]).exit_code == 2


def test_names_that_no_terminal_shows_and_single_failures_leave_the_rest(folder: Path, ran: Callable[..., Any]):
    draw(folder / "a.png", 8, 8)
    Path("in", os.fsdecode(b"caf\xe9\nau lait.png")).write_bytes((folder / "a.png").read_bytes())
    Path("in", "x" * 251 + ".png").write_bytes((folder / "a.png").read_bytes())
    draw(folder / "y.png", 8, 8)
    Path("out", "y.png").mkdir(parents=True)
    done = ran("cartoonize", "identity", "in", "--out", "out", "--overwrite")
    assert done.returncode == 1
    assert done.stderr == "error: in/y.png: out/y.png: can't be written: Is a directory\n"
    assert r"[2/4] 'in/caf\udce9\nau lait.png' -> 'out/caf\udce9\nau lait.png'" in done.stdout
    assert len(list(Path("out").iterdir())) == 4


def test_the_limit_of_pixels_is_named_and_can_be_lifted(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
    Image.new("L", (10_000, 9_000), 200).save(folder / "a.jpg")
    Image.new("1", (10_000, 9_000)).save(folder / "b.png")
    command = ["cartoonize", "identity", "in", "--max-side", "8", "--out"]
    with pytest.warns(UserWarning, match=r"b\.png: 10000x9000 pixels, more than --max-pixels 89478485; raise that, or"):
        assert CliRunner().invoke(app, [*command, "one"]).exit_code == 0
    assert np.asarray(Image.open("one/a.png")).shape == (7, 8, 3)
    assert CliRunner().invoke(app, [*command, "two", "--max-pixels", "90000000"]).exit_code == 0
    assert {path.name for path in Path("two").iterdir()} == {"a.png", "b.png"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere", "in", "--out", "out"], "nowhere: no such run, file of weights or recipe; valid: "),
        (["clasic", "in", "--out", "out"], "clasic: no such run, file of weights or recipe; did you mean 'classic'?"),
        (["ctss", "in", "--out", "out"], "ctss: is a recipe that has to be trained; give a run or weights"),
        (["nowhere.yaml", "in", "--out", "out"], "nowhere.yaml: no such file"),
        (
            ["classic", "in", "generator.network.colours=6", "--out", "out"],
            "classic: generator.network.colours: unknown; did you mean 'colors'?",
        ),
        (
            ["run", "in", "generator.network.width=6", "--out", "out"],
            "generator.network.width=…: only a recipe can be changed, and run is none",
        ),
        (["in/a.png", "in", "--out", "out"], "in/a.png: not a safetensors file of weights: "),
        (["run", "in", "--out", "in"], "in/a.png: would be overwritten, but is one of the pictures"),
        (["run", "in/c.png", "--out", "out"], "in/c.png: no such file or folder"),
        (["run", "in/b.jpg", "--out", "out"], "none of the pictures can be used: in/b.jpg: not readable"),
        (["run", "in", "style=x", "--out", "out"], "style=…: no such file; as a parameter it needs --post NAME"),
        (["run", "in", "--out", "out", "--post", "cts"], "'cts': no such post-processor; did you mean 'ctss'?"),
        (["run", "in", "k=3", "--out", "out", "--post", "ctss"], "post-processor: ctss.k: unknown; valid: style"),
        (
            ["run", "in", "style=wind", "--out", "out", "--post", "ctss"],
            "post-processor: ctss.style: got 'wind', expected wind_rises | crayon_shinchan | dragon_ball",
        ),
        (["run", "in", "--out", "out", "--device", "abacus"], "--device abacus: not usable here"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(trained: Path, folder: Path, arguments: list[str], says: str):
    draw(folder / "a.png", 30, 22)
    (folder / "b.jpg").write_text("no picture")
    done = CliRunner().invoke(app, ["cartoonize", *arguments])
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {says}")
    assert not Path("out").exists()

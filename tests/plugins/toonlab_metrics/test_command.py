"""`toonlab score`, as a user types it."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from toonlab.cli.app import app
from toonlab.images.io import save_png, to_picture
from toonlab_world import register_datasets

Score = Callable[[str], Result]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of three scenes: photos, truth, real cartoons, and pictures that someone made: they are the truth."""
    root = tmp_path_factory.mktemp("scenes")
    data = register_datasets()["toonworld"](size=48, scenes=4, evaluation_scenes=3, difficulty=0)
    for sample in data.evaluation():
        assert sample.truth is not None
        save_png(root / "photos" / f"{sample.name}.png", to_picture(sample.photo))
        save_png(root / "truth" / "cartoon" / f"{sample.name}.png", to_picture(sample.truth.cartoon))
        save_png(root / "truth" / "flat" / f"{sample.name}.png", to_picture(sample.truth.flat))
        outline = Image.fromarray(sample.truth.outline.numpy().astype(np.uint8) * 255)
        save_png(root / "truth" / "outline" / f"{sample.name}.png", outline)
        save_png(
            root / "truth" / "regions" / f"{sample.name}.png",
            Image.fromarray(sample.truth.regions.numpy().astype(np.uint16)),
        )
    cartoons = data.evaluation_cartoons()
    for index in range(3):
        save_png(root / "cartoons" / f"{index}.png", Image.fromarray(cartoons[index].movedim(0, -1).numpy()))
    shutil.copytree(root / "truth" / "cartoon", root / "made")
    return root


@pytest.fixture
def score(scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Score:
    """Runs `toonlab score …` beside a copy of the folders."""
    shutil.copytree(scenes, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "no-weights"))
    return lambda line: CliRunner().invoke(app, ["score", *shlex.split(line)])


@pytest.mark.filterwarnings("ignore:left out:RuntimeWarning")
def test_all_metrics_that_apply_as_json_and_in_mlflow(score: Score, tmp_path: Path) -> None:
    done = score("made --photos photos --cartoons cartoons --truth truth --json --name theirs")
    assert done.exit_code == 0, done.output
    results = json.loads(done.stdout)
    assert results["pictures"] == "theirs"
    assert results["metrics"]["outline_f1"] > 0.9 > results["photo"]["outline_f1"]
    assert results["metrics"]["flat_color_error"] < 0.5 < results["photo"]["flat_color_error"]
    assert results["metrics"]["psnr"] == 100
    assert results["photo"]["content_ssim"] == pytest.approx(1)
    assert {"kid_random", "swd", "flatness", "residual_texture"} <= results["metrics"].keys()
    assert not {"kid", "fid"} & results["metrics"].keys()
    assert results["measured"]["swd"] == {"n": 3, "size": "48x48", "resizer": "none", "cartoons": 3}
    assert "unmodified photo" in results["caveats"]["psnr"]
    assert "lines" not in results["caveats"]

    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{tmp_path}/runs/mlflow.db")
    (run,) = client.search_runs([client.get_experiment_by_name("score").experiment_id])
    assert run.data.metrics["evaluation/outline_f1"] == pytest.approx(results["metrics"]["outline_f1"])
    assert run.data.tags["recipe"] == "theirs"


def test_without_a_truth_the_table_has_what_the_photos_tell(score: Score) -> None:
    done = score("made --photos photos")
    assert done.exit_code == 0, done.output
    assert "content_edges*" in done.stdout
    assert "outline_f1" not in done.stdout
    assert "the unmodified photo" in done.stdout
    assert "content_edges, content_ssim: n 3, size 48x48, resizer none" in done.stdout
    assert "* content_edges, content_ssim: content kept" in done.stdout
    assert "mlflow ui" in done.stdout


def test_a_folder_of_true_cartoons_is_a_truth_too(score: Score) -> None:
    done = score("made --photos photos --truth truth/cartoon --metrics psnr,ssim --json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["metrics"] == {"psnr": 100.0, "ssim": pytest.approx(1, abs=1e-4)}


def test_results_as_other_programs_write_them(score: Score, tmp_path: Path) -> None:
    """Sides that a network rounded, a suffix, another extension: one table and one report, the same photos in both."""
    for path in sorted((tmp_path / "photos").glob("*.png")):
        picture = Image.open(path).convert("RGB")
        (tmp_path / "anime").mkdir(exist_ok=True)
        picture.resize((50, 48), Image.Resampling.BICUBIC).save(tmp_path / "anime" / f"{path.stem}.webp", lossless=True)
        (tmp_path / "comix").mkdir(exist_ok=True)
        picture.save(tmp_path / "comix" / f"{path.stem}_out.jpg", quality=97)
    line = "anime comix --photos photos --match {stem} --match {stem}_out --metrics content_ssim --name both"
    with pytest.warns(UserWarning, match="anime: 3 of 3 pictures are resized .*50x48 to 48x48"):
        done = score(line)
    assert done.exit_code == 0, done.output
    assert "│ anime" in done.stdout
    assert "│ comix" in done.stdout
    assert "│ the unmodified photo" in done.stdout
    folder = tmp_path / "runs" / "both"
    page, results = (folder / "report.html").read_text(), json.loads((folder / "results.json").read_text())
    assert page.count('aria-label="toonworld-') >= 3  # a scene for each photo
    assert {cell["variant"]["recipe"] for cell in results["cells"]} == {"anime", "comix"}
    anime, comix = (cell["outcome"]["metrics"]["content_ssim"] for cell in results["cells"])
    assert 0.8 < anime < comix < 0.999  # the one was resized twice, the other is a JPEG
    assert results["command"] == "toonlab.compare('runs/both/experiment.yaml')"
    again = CliRunner().invoke(app, ["report", "both"])
    assert again.exit_code == 0, again.output

    done = score(f"{line} --json")  # nothing is measured again
    assert [one["pictures"] for one in json.loads(done.stdout)] == ["anime", "comix"]
    assert json.loads(done.stdout)[1]["metrics"]["content_ssim"] == comix


@pytest.mark.filterwarnings("ignore:left out. :RuntimeWarning")
def test_sets_need_no_photos(score: Score, tmp_path: Path) -> None:
    only_one("photos")(tmp_path)  # three pictures and one: no photos of each other
    shutil.copy(next((tmp_path / "made").glob("*.png")), tmp_path / "photos" / "second.png")
    with pytest.warns(RuntimeWarning, match="^left out, for want of --photos: content_edges, content_ssim$"):
        done = score("made photos --cartoons cartoons")
    assert done.exit_code == 0, done.output
    assert "the unmodified photo" not in done.stdout.partition("flatness,")[0]
    runs = {path.name.partition("-")[0]: path for path in (tmp_path / "runs" / "score").glob("*-s0-*")}
    outcomes = {name: json.loads((path / "outcome.json").read_text()) for name, path in runs.items()}
    assert {name: outcome["measured"]["swd"]["n"] for name, outcome in outcomes.items()} == {"made": 3, "photos": 2}
    assert all({"swd", "flatness", "kid_random"} <= outcome["metrics"].keys() for outcome in outcomes.values())
    assert all(outcome["photo"] == {} for outcome in outcomes.values())
    page = (tmp_path / "runs" / "score" / "report.html").read_text()
    assert 'data-key="fake-made"' in page
    assert 'data-key="photo"' not in page
    with Image.open(next((runs["made"] / "samples").glob("*.png"))) as sheet:
        assert sheet.height < 2 * 192  # one row


def test_folders_of_one_name_are_called_by_more_of_their_paths(score: Score, tmp_path: Path) -> None:
    for program in ("a", "b"):
        shutil.copytree(tmp_path / "made", tmp_path / program / "out")
    done = score("a/out b/out --photos photos --metrics content_ssim --json")
    assert done.exit_code == 0, done.output
    assert [one["pictures"] for one in json.loads(done.stdout)] == ["a-out", "b-out"]


def remove(name: str) -> Callable[[Path], None]:
    return lambda root: sorted((root / name).glob("*.png"))[0].unlink()


def smaller(name: str) -> Callable[[Path], None]:
    def shrink(root: Path) -> None:
        path = sorted((root / name).glob("*.png"))[0]
        Image.open(path).resize((24, 48)).save(path)

    return shrink


def suffixed(name: str) -> Callable[[Path], None]:
    return lambda root: [p.rename(p.with_stem(f"{p.stem}_out")) for p in (root / name).glob("*.png")] and None


def rename(name: str) -> Callable[[Path], None]:
    return lambda root: (path := sorted((root / name).glob("*.png"))[0]).rename(path.with_name("other.png")) and None


def not_a_number(name: str) -> Callable[[Path], None]:
    def spoil(root: Path) -> None:
        path = sorted((root / name).glob("*.png"))[0]
        path.unlink()
        Image.fromarray(np.full((48, 48), np.nan, np.float32)).save(path.with_suffix(".tiff"))

    return spoil


def only_one(*names: str) -> Callable[[Path], None]:
    return lambda root: [path.unlink() for name in names for path in sorted((root / name).glob("*.png"))[1:]] and None


ALL = "made --photos photos --truth truth"
CASES = [
    ("fewer pictures than photos", remove("made"), ALL, ".png: missing; make it of the photo toonworld-"),
    ("fewer photos than pictures", remove("photos"), "made --photos photos", "of none of the 2 photos"),
    ("fewer true cartoons", remove("truth/cartoon"), ALL, "missing; photos has such a photo"),
    ("pictures of another size", smaller("made"), ALL + " --fit error", "24x48 pixels, but its photo has 48x48"),
    ("pictures too small to crop", smaller("made"), ALL + " --fit crop", "so it can't be cropped to that"),
    ("names with a suffix", suffixed("made"), ALL, "but all are '{stem}_out'; give match: '{stem}_out'"),
    ("a pattern without a name", None, ALL + " --match out", "match='out' has no {stem}"),
    (
        "patterns for some folders",
        None,
        "made truth/cartoon photos --photos photos --match {stem} --match {stem}",
        "--match: got 2, expected 1, or 3: one for each folder",
    ),
    (
        "a study that can't be a folder",
        None,
        "made photos --photos photos --name a/b",
        "--name: 'a/b' can't name a folder",
    ),
    ("a folder given twice", None, "made made/../made --photos photos", "a folder of pictures is given twice"),
    (
        "nothing to compare with",
        None,
        "made",
        "nothing to compare the pictures with; give --photos, --cartoons, or both",
    ),
    (
        "a truth without photos",
        None,
        "made --cartoons cartoons --truth truth",
        "--truth: it goes by the names of the photos",
    ),
    (
        "a pattern without photos",
        None,
        "made --cartoons cartoons --match {stem}_a",
        "--match: it goes by the names of the",
    ),
    ("a metric without photos", None, "made --cartoons cartoons --metrics content_ssim", "content_ssim needs --photos"),
    ("a truth of another size", smaller("truth/flat"), ALL, "24x48 pixels, but its photo has 48x48"),
    ("no weights", None, ALL + " --cartoons cartoons --metrics kid", "kid: the Inception weights are not on this"),
    ("weights not there", None, ALL + " --cartoons cartoons --weights w.pth", "weights w.pth: no such file"),
    (
        "too few pictures",
        only_one("made", "photos"),
        "made --photos photos --cartoons cartoons",
        "needs at least 2 pict",
    ),
    ("too few cartoons", only_one("cartoons"), ALL + " --cartoons cartoons --metrics swd", "needs at least 2 cartoons"),
    ("pixels that are no numbers", not_a_number("made"), ALL, "pixels of kind 'F', expected 8 or 16 bits"),
    ("no such folder", None, "made --photos nowhere", "nowhere: no such folder"),
    ("an unknown metric", None, ALL + " --metrics outline_f2", "no such metric; did you mean 'outline_f1'?"),
    ("a metric without its truth", None, "made --photos photos --metrics psnr", "psnr needs --truth, with cartoon"),
    (
        *("a metric of a training", None, ALL + " --metrics reconstruction_error"),
        "reconstruction_error needs a training, which alone makes the stream 'cycle'",
    ),
    ("a metric without cartoons", None, ALL + " --metrics swd", "swd needs --cartoons"),
]


@pytest.mark.filterwarnings("ignore:left out:RuntimeWarning")
@pytest.mark.parametrize(("spoil", "line", "says"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_bad_input_is_one_line(
    score: Score, tmp_path: Path, spoil: Callable[[Path], None] | None, line: str, says: str
) -> None:
    if spoil:
        spoil(tmp_path)
    done = score(line)
    assert done.exit_code == 2, done.output
    errors = [text for text in done.stderr.splitlines() if text.startswith("error: ")]
    assert len(errors) == 1, done.stderr
    assert says in errors[0]
    assert "Traceback" not in done.stderr


def test_names_that_do_not_match_are_a_line_each(score: Score, tmp_path: Path) -> None:
    rename("made")(tmp_path)
    done = score(ALL)
    assert done.exit_code == 2
    assert "other.png: of none of the 3 photos that are measured" in done.stderr
    assert ".png: missing; make it of the photo" in done.stderr
    assert done.stderr.count("error: ") == 2

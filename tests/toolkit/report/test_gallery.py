"""The same photos through every method, from the pictures that its runs have left."""

import base64
import io
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PIL import Image

from toonlab.engine.train import test_evaluator as evaluator_of
from toonlab.engine.train import train
from toonlab.images.io import to_picture
from toonlab.recipes.load import load
from toonlab.registry.catalogue import Catalogue
from toonlab.report.findings import Findings
from toonlab.report.gallery import Picture, Scene, gallery
from toonlab.runs.pictures import read_pictures, write_pictures
from toonlab.studies.results.results import CellResult, StudyResults, Variant


def decoded(uri: str, form: str = "png") -> Image.Image:
    head, _, data = uri.partition(",")
    assert head == f"data:image/{form};base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def pictures(scene: Scene) -> list[Picture]:
    return [scene.first, *scene.fakes, *([scene.truth] if scene.truth else [])]


def test_each_scene_has_every_method_and_the_truth(study: StudyResults) -> None:
    found = gallery(study)
    assert [scene.name for scene in found.scenes] == ["toonworld-0000", "toonworld-0001"]
    for scene in found.scenes:
        assert [made.label for made in pictures(scene)] == ["photo", "patches", "lone", "untouched", "truth"]
        assert {decoded(made.uri).size for made in pictures(scene)} == {(32, 32)}
        assert decoded(scene.first.uri).tobytes() == decoded(scene.fakes[2].uri).tobytes()  # and so without loss
    assert not found.missing


def test_patches_are_shown_where_a_critic_looks_at_patches(study: StudyResults) -> None:
    found = gallery(study)
    assert found.critics == ["patch"]
    patches, lone, untouched = found.scenes[0].fakes
    (shown,) = patches.patches.values()
    assert (shown.sampler, len(shown.boxes)) == ("ctss", 2)
    assert all(height == width == 16 and 0 <= top <= 16 and 0 <= left <= 16 for top, left, height, width in shown.boxes)
    assert not lone.patches
    assert not untouched.patches
    assert not found.scenes[0].first.patches


def test_the_pictures_of_the_runs_are_all_that_is_needed(study: StudyResults, tmp_path: Path) -> None:
    for cell in study.cells[:3]:
        shutil.copytree(study.directory / cell.run / "pictures", tmp_path / cell.run / "pictures")
    before = gallery(study)
    after = gallery(replace(study, directory=tmp_path, cells=study.cells[:3]))
    assert [[made.uri for made in pictures(scene)] for scene in after.scenes] == [
        [made.uri for made in pictures(scene)] for scene in before.scenes
    ]


def test_variants_without_pictures_are_named_and_the_others_are_shown(study: StudyResults, tmp_path: Path) -> None:
    for cell in study.cells[:3]:
        shutil.copytree(study.directory / cell.run, tmp_path / cell.run)
    shutil.rmtree(tmp_path / study.cells[0].run / "pictures")
    read_pictures(tmp_path / study.cells[1].run)[0].fake.write_bytes(b"broken")
    gone = CellResult(Variant("gone"), 0, "gone-s0-00000000", "failed", "nan")
    found = gallery(replace(study, directory=tmp_path, cells=[*study.cells[:3], gone]))
    assert [made.label for made in found.scenes[0].fakes] == ["untouched"]
    assert found.missing["its runs have left no pictures here"] == ["patches"]
    assert found.missing["no run of it has finished"] == ["gone"]
    assert any(
        "cannot identify image file" in reason and labels == ["lone"] for reason, labels in found.missing.items()
    )


def test_the_first_seed_that_has_pictures_is_shown(study: StudyResults, tmp_path: Path) -> None:
    cells = [cell for cell in study.cells if cell.variant.label == "patches"][:2]
    shutil.copytree(study.directory / cells[1].run, tmp_path / cells[1].run)
    found = gallery(replace(study, directory=tmp_path, cells=cells))
    second = read_pictures(study.directory / cells[1].run)[0].fake.read_bytes()
    assert found.scenes[0].fakes[0].uri == f"data:image/png;base64,{base64.b64encode(second).decode()}"


def test_pictures_of_folders_have_no_truth(tmp_path: Path, catalogue: Catalogue) -> None:
    for name in ("photos", "cartoons"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (40, 32), "navy").save(tmp_path / name / "a.png")
    recipe = tmp_path / "own.yaml"
    data = f"data: {{use: folder, photos: {tmp_path / 'photos'}, cartoons: {tmp_path / 'cartoons'}}}\n"
    recipe.write_text(f"{data}generator: {{network: identity}}\nevaluate: {{metrics: []}}\nobservers: null\n")
    trained = train(load(recipe, catalogue), catalogue, tmp_path / "runs", "s", "cpu")
    cell = CellResult(Variant("own"), 0, trained.run.name, "finished", outcome=trained.outcome.to_json())
    (scene,) = gallery(StudyResults("s", tmp_path / "runs" / "s", [cell])).scenes
    assert [made.label for made in pictures(scene)] == ["photo", "own"]
    assert (scene.photo.width, scene.photo.height) == (40, 32)


def wrote(run: Path, photo: Image.Image) -> None:
    pictures = {"photo": photo, "fake": Image.new("RGB", photo.size), "truth": photo}
    write_pictures(run, [("p", pictures, {})])


def test_a_large_picture_is_made_small_but_keeps_its_coordinates(
    study: StudyResults, catalogue: Catalogue, tmp_path: Path
) -> None:
    recipe = load(study.directory / study.cells[0].run / "recipe.yaml", catalogue, ["data.size=400"])
    wrote(tmp_path / "x", to_picture(evaluator_of(recipe, catalogue, 1).samples[0].photo))
    (scene,) = gallery(StudyResults("s", tmp_path, [CellResult(Variant("a"), 0, "x", "finished")])).scenes
    assert (scene.photo.width, scene.photo.height) == (400, 400)
    assert decoded(scene.first.uri, "webp").size == (384, 384)
    assert len(scene.first.uri) < 60_000


def test_of_several_sizes_of_a_photo_the_largest_is_shown(tmp_path: Path) -> None:
    for name, side in (("a", 16), ("b", 32), ("c", 24)):
        wrote(tmp_path / name, Image.new("RGB", (side, side), "red"))
    (scene,) = gallery(StudyResults("s", tmp_path, [CellResult(Variant(n), 0, n, "finished") for n in "abc"])).scenes
    assert [made.width for made in pictures(scene)] == [32, 16, 32, 24, 32]


def test_nothing_finished_gives_no_scenes(made: Callable[..., Findings]) -> None:
    assert gallery(made({"a": [0.5]}).results).scenes == []


def test_pictures_whose_photos_are_unknown_have_none(study: StudyResults, tmp_path: Path) -> None:
    gray = Image.new("RGB", (8, 8), "gray")
    for cell in study.cells[:2]:
        write_pictures(tmp_path / cell.run, [("a", {"fake": gray}, {})])
    (scene,) = gallery(replace(study, directory=tmp_path, cells=study.cells[:2])).scenes
    assert (scene.photo, scene.truth, [made.label for made in scene.fakes]) == (None, None, ["patches", "lone"])
    assert scene.first is scene.fakes[0]

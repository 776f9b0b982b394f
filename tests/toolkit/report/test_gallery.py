"""The same photos through every method, from the weights that its runs have left."""

import base64
import io
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PIL import Image

from toonlab.engine.train import test_evaluator, train
from toonlab.recipes.load import load
from toonlab.registry.catalogue import Catalogue
from toonlab.report.findings import Findings
from toonlab.report.gallery import gallery, picture
from toonlab.studies.results.results import CellResult, Results, Variant


def decoded(uri: str) -> Image.Image:
    head, _, data = uri.partition(",")
    assert head == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_each_scene_has_every_method_and_the_truth(study: Results, catalogue: Catalogue) -> None:
    found = gallery(study, catalogue, "cpu")
    assert [scene.name for scene in found.scenes] == ["toonworld-0000", "toonworld-0001"]
    for scene in found.scenes:
        assert [made.label for made in scene.pictures] == ["photo", "patches", "lone", "untouched", "truth"]
        assert {decoded(made.uri).size for made in scene.pictures} == {(32, 32)}
        assert decoded(scene.photo.uri).tobytes() == decoded(scene.fakes[2].uri).tobytes()  # and so without loss
    assert not found.missing


def test_patches_are_shown_where_a_critic_looks_at_patches(study: Results, catalogue: Catalogue) -> None:
    found = gallery(study, catalogue, "cpu")
    assert found.critics == ["patch"]
    patches, lone, untouched = found.scenes[0].fakes
    (overlay,) = patches.overlays
    assert (overlay.critic, overlay.sampler, len(overlay.boxes)) == ("patch", "ctss", 2)
    assert all(
        height == width == 16 and 0 <= top <= 16 and 0 <= left <= 16 for top, left, height, width in overlay.boxes
    )
    assert not lone.overlays
    assert not untouched.overlays


def test_what_has_no_weights_here_is_named_and_the_rest_is_shown(
    study: Results, catalogue: Catalogue, tmp_path: Path
) -> None:
    for cell in study.cells[:3]:
        shutil.copytree(study.directory / cell.run, tmp_path / cell.run)
    shutil.rmtree(tmp_path / study.cells[0].run / "checkpoints")
    weights = next((tmp_path / study.cells[1].run).glob("checkpoints/*/generator.safetensors"))
    weights.write_bytes(b"broken")
    gone = CellResult(Variant("gone"), 0, "gone-s0-00000000", "failed", "nan")
    found = gallery(replace(study, directory=tmp_path, cells=[*study.cells[:3], gone]), catalogue, "cpu")
    assert [made.label for made in found.scenes[0].fakes] == ["untouched"]
    assert found.missing["its weights are not here"] == ["patches"]
    assert found.missing["no run of it has finished"] == ["gone"]
    assert any("not a safetensors file" in reason and labels == ["lone"] for reason, labels in found.missing.items())


def test_pictures_of_folders_have_no_truth(tmp_path: Path, catalogue: Catalogue) -> None:
    for name in ("photos", "cartoons"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (40, 32), "navy").save(tmp_path / name / "a.png")
    recipe = tmp_path / "own.yaml"
    data = f"data: {{use: folder, photos: {tmp_path / 'photos'}, cartoons: {tmp_path / 'cartoons'}}}\n"
    recipe.write_text(f"{data}generator: {{network: identity}}\nevaluate: {{metrics: []}}\nobservers: null\n")
    trained = train(load(recipe, catalogue), catalogue, tmp_path / "runs", "s", "cpu")
    cell = CellResult(Variant("own"), 0, trained.run.name, "finished", outcome=trained.outcome.to_json())
    (scene,) = gallery(Results("s", tmp_path / "runs" / "s", [cell]), catalogue, "cpu").scenes
    assert [made.label for made in scene.pictures] == ["photo", "own"]
    assert (scene.photo.width, scene.photo.height) == (40, 32)


def test_a_large_picture_is_made_small_but_keeps_its_coordinates(study: Results, catalogue: Catalogue) -> None:
    recipe = load(study.directory / study.cells[0].run / "recipe.yaml", catalogue, ["data.size=400"])
    made = picture("large", test_evaluator(recipe, catalogue, 1).samples[0].photo)
    assert (made.width, made.height) == (400, 400)
    assert decoded(made.uri).size == (384, 384)
    assert len(made.uri) < 60_000


def test_nothing_finished_gives_no_scenes(made: Callable[..., Findings], catalogue: Catalogue) -> None:
    assert gallery(made({"a": [0.5]}).results, catalogue, "cpu").scenes == []

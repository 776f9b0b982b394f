"""The rows of `samples.png`, from the pictures that runs have left."""

from pathlib import Path

from PIL import Image

from toonlab.runs.pictures import write_pictures
from toonlab.studies.results.gallery import sample_rows
from toonlab.studies.results.results import CellResult, CellStatus, StudyResults, Variant


def run(folder: Path, label: str, color: str | None, truth: bool = True, status: CellStatus = "finished") -> CellResult:
    """A cell whose run has left two samples with fakes of one colour; no pictures without a colour."""
    name = f"{label}-s0"
    if color:
        colors = {"photo": "navy", "fake": color, **({"truth": "white"} if truth else {})}
        pictures = {kind: Image.new("RGB", (8, 6), color) for kind, color in colors.items()}
        write_pictures(folder / name, [("p0", pictures, {}), ("p1", pictures, {})])
    return CellResult(Variant(label), 0, name, status)


def colors(results: StudyResults) -> dict[str, list[tuple[int, ...]]]:
    return {name: [picture.getpixel((0, 0)) for picture in row] for name, row in sample_rows(results)}


def test_a_row_for_photos_each_variant_and_the_truth(tmp_path: Path) -> None:
    cells = [run(tmp_path, "a", "red"), run(tmp_path, "b", "lime")]
    found = colors(StudyResults("s", tmp_path, cells))
    assert found == {
        "photo": [(0, 0, 128)] * 2,
        "a": [(255, 0, 0)] * 2,
        "b": [(0, 255, 0)] * 2,
        "truth": [(255, 255, 255)] * 2,
    }


def test_variants_without_pictures_are_left_out(tmp_path: Path) -> None:
    damaged = run(tmp_path, "damaged", "red")
    (tmp_path / damaged.run / "pictures" / "index.json").write_text("{")
    cells = [run(tmp_path, "old", None), damaged, run(tmp_path, "lost", "red", status="failed")]
    assert colors(StudyResults("s", tmp_path, cells)) == {}
    assert list(colors(StudyResults("s", tmp_path, [*cells, run(tmp_path, "b", "lime", truth=False)]))) == [
        "photo",
        "b",
    ]


def test_the_first_seed_with_pictures_is_shown(tmp_path: Path) -> None:
    first, second = CellResult(Variant("a"), 0, "gone", "finished"), run(tmp_path, "a", "red")
    assert colors(StudyResults("s", tmp_path, [first, second]))["a"] == [(255, 0, 0)] * 2

"""Experiments: generators that do not learn among their recipes, given by their parts."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from toonlab import discover
from toonlab.cli.app import app
from toonlab.errors import RecipeError, ToonlabError
from toonlab.images.io import read_picture
from toonlab.recipes.spec import Recipe
from toonlab.stats.verdicts import LOOKS
from toonlab.studies.compare import write_photos
from toonlab.studies.plan.experiment import Decide, baseline_of, baselines_of, floors_of, plan_cells, read_experiment


def cells(folder: Path, text: str) -> list[Recipe]:
    (folder / "study.yaml").write_text(text)
    experiment, path = read_experiment(str(folder / "study.yaml"))
    return [cell.recipe for cell in plan_cells(experiment, path, {}, discover())]


def test_a_part_stands_on_the_data_and_by_the_metrics_of_the_first_recipe(small: Path) -> None:
    entry = "{use: pictures, path: made, name: theirs}"
    theirs, ours, second = cells(
        small.parent, f"recipes: [{entry}, small, {{use: classic}}]\nseeds: [5]\nset: {{data.size: 48}}\n"
    )
    assert (theirs.name, second.name) == ("theirs", "classic")
    assert theirs.generator.network.parameters == {"path": Path("made"), "fit": "resize", "match": "{stem}"}
    assert theirs.train.seed == 5
    assert ours.data.parameters["size"] == 48
    for key in ("data", "train", "evaluate", "observers"):
        assert theirs.tree[key] == ours.tree[key]
    assert (theirs.stages, theirs.features) == ((), None)


def test_variants_that_train_on_pairs_say_so(small: Path) -> None:
    text = "recipes: [small, {use: identity}]\nset: {train.supervised: true}\nfactors: {train.seed: [0]}\n"
    (small.parent / "study.yaml").write_text(f"{text}baseline: small\nwithin: [train.seed]\n")
    experiment, path = read_experiment(str(small.parent / "study.yaml"))
    cells = plan_cells(experiment, path, {}, discover())
    assert {cell.variant.label for cell in cells} == {"small (supervised, seed 0)", "identity"}
    assert set(baselines_of(experiment, cells).values()) == {"small (supervised, seed 0)"}


@pytest.mark.parametrize(
    ("recipes", "says"),
    [
        ("[{use: classic}]", "recipes: no recipe is given by name; give one at least"),
        ("[small, {use: classic}, {use: classic, colors: 4}]", "recipes: 2 of them are called 'classic'"),
        ("[small, {use: pictures, path: made, name: small}]", "recipes: 2 of them are called 'small'"),
        ("[small, {use: pictures, path: made, name: a/b}]", "recipes: 'a/b' can't name a folder of runs"),
        ("[small, {use: pictures, name: x}]", "x: generator.network.path: missing; give Path"),
        ("[small, {use: picture, path: made}]", "'picture': no such generator; did you mean 'pictures'?"),
        ("[small, {path: made, name: x}]", "x: generator.network.use: missing"),
        ("[small, 3]", "recipes: got ['small', 3], expected list[str | dict"),
        ("[small]\nmetrics: {primary: parameters}", "metrics.primary: parameters says nothing of the pictures"),
        ("[small]\nmetrics: {primary: lines, guards: [parameters]}", "metrics.guards: 'parameters': no such metric"),
        ("[small]\nmetrics: {guards: [colours]}", "metrics.guards: expected metrics other than metrics.primary"),
        ("[small]\nmetrics: {margin: .inf}", "metrics.margin: got inf, expected float, > 0"),
        ("[small]\nmetrics: [lines]", "metrics: got ['lines'], expected {primary, guards, margin, also}"),
        ("[small]\ndecide: {max_seeds: 20}", "decide.max_seeds: got 20, expected 9 | 13 | 18 | 24"),
        ("[small]\ndecide: {seeds: 9}", "decide.seeds: unknown; did you mean 'max_seeds'?"),
        ("[small]\nseeds: [4, 4]\ndecide: {max_seeds: 9}", "seeds: got a list of 1, expected 9 (max_seeds) different"),
        ("[small]\nmetrics: {primary: psnr}", "metrics.primary: psnr may stand in a table but not lead it (closeness"),
    ],
)
def test_an_entry_that_makes_no_sense(small: Path, recipes: str, says: str) -> None:
    with pytest.raises(RecipeError) as caught:
        cells(small.parent, f"recipes: {recipes}\n")
    assert says in str(caught.value)
    assert len(caught.value.problems) == 1


def test_a_name_that_is_nearly_that_of_a_recipe_beside(small: Path) -> None:
    with pytest.raises(ToonlabError, match="smallest: no such recipe; did you mean 'small'"):
        cells(small.parent, "recipes: [smallest]\n")


def test_the_photos_that_are_measured_are_written_for_other_programs(small: Path, tmp_path: Path) -> None:
    (recipe, *_) = cells(small.parent, "recipes: [small]\n")
    catalogue = discover()
    written = write_photos(str(small.parent / "study.yaml"), catalogue, tmp_path / "photos", {"evaluate.samples": 2})
    done = CliRunner().invoke(app, ["compare", str(small.parent / "study.yaml"), "--photos", str(tmp_path / "again")])
    assert done.stdout == f"3 photos in {tmp_path / 'again'}\n"
    samples = recipe.data.make(catalogue).test().evaluation()[:2]  # what results are reported on
    assert [path.name for path in written] == [f"{sample.name}.png" for sample in samples]
    for path, sample in zip(written, samples, strict=True):
        assert (read_picture(path) / 127.5 - 1 - sample.photo).abs().max() < 1e-6
    with pytest.raises(ToonlabError, match=r"toonworld-0000\.png: exists already; choose another folder"):
        write_photos(str(small.parent / "study.yaml"), catalogue, tmp_path / "photos")


def variants(folder: Path, text: str) -> list[str]:
    (folder / "study.yaml").write_text(f"recipes: [small, lone]\nseeds: 1\n{text}\n")
    (folder / "lone.yaml").write_text("extends: small\ncritics: {patch: null}\n")
    experiment, path = read_experiment(str(folder / "study.yaml"))
    return [cell.variant.label for cell in plan_cells(experiment, path, {}, discover())]


K, RANK = "critics.patch.sampler.k", "critics.patch.sampler.rank"


@pytest.mark.parametrize(
    ("factors", "design", "expected"),
    [
        (f"{{{K}: [1, 2]}}", "full", ["small (k 1)", "small (k 2)", "lone"]),
        (
            f"{{{K}: [1, 2], {RANK}: [batch, image]}}",
            "full",
            [*(f"small (k {k}, rank {rank})" for k in (1, 2) for rank in ("batch", "image")), "lone"],
        ),
        # the recipe's own k is 2, and rank's default is batch: they are the recipe as it is
        (
            f"{{{K}: [1, 2], {RANK}: [batch, image]}}",
            "one-at-a-time",
            ["small", "small (k 1)", "small (rank image)", "lone"],
        ),
        (
            f"{{{K}: [1], {RANK}: [image]}}",
            "leave-one-out",
            ["small (k 1, rank image)", "small (rank image)", "small (k 1)", "lone"],
        ),
        (
            "{critics.patch.sampler: [{use: random_patches, patch_size: 16, k: 2}], critics.image: [null]}",
            "one-at-a-time",
            ["small", "small (sampler random_patches)", "small (image off)", "lone", "lone (image off)"],
        ),
    ],
)
def test_factors_make_variants_of_the_recipes_that_have_them(
    small: Path, factors: str, design: str, expected: list[str]
) -> None:
    assert variants(small.parent, f"factors: {factors}\ndesign: {design}") == expected


def test_named_levels_change_several_paths_at_once_where_a_recipe_has_them(small: Path) -> None:
    (small.parent / "lone.yaml").write_text("extends: small\ncritics: {patch: null}\n")
    planned = cells(
        small.parent,
        "recipes: [small, lone]\nseeds: 1\nmetrics: {primary: lines}\nfactors:\n"
        "  resolution:\n    32: {data.size: 32, critics.patch.sampler.patch_size: 16}\n"
        "    64: {data.size: 64, critics.patch.sampler.patch_size: 32, evaluate.metrics.0.others: 2}\n"
        "  patches: {with: {}, without: {critics.patch: null}}\n",
    )
    found = [(r.name, r.data.parameters["size"], len(r.critics), r.evaluate.metrics[0].parameters) for r in planned]
    assert [(name, size, critics) for name, size, critics, _ in found] == [
        *(("small", size, critics) for size in (32, 64) for critics in (2, 1)),
        *(("lone", size, 1) for size in (32, 64)),
    ]
    assert [metric["others"] for *_, metric in found] == [8, 8, 2, 2, 8, 2]
    assert [r.critics["patch"].sampler.parameters["patch_size"] for r in planned if len(r.critics) == 2] == [16, 32]
    labels = variants(small.parent, (small.parent / "study.yaml").read_text().partition("seeds: 1")[2])
    assert labels[1] == "small (resolution 32, patches without)"
    assert labels[-1] == "lone (resolution 64)"  # without patches anyway


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"factors: {{{K}: []}}", "factors: got"),
        ("factors: {size: {}}", "factors: got"),
        ("factors: {size: {a: 3}}", "factors: got"),
        ("factors: {size: {a: {data.sise: 3}}}", "factors: size: data.sise: no recipe has this path"),
        (
            "factors: {critics.patch.sampler: [{use: ctss, k: 1}, {use: ctss, patch_size: 8}]}",
            "factors: 2 variants are called 'small (sampler ctss)'; give their levels names",
        ),
        ("factors: {critics.ptach.sampler.k: [1]}", "factors: critics.ptach.sampler.k: no recipe has this path"),
        (f"factors: {{{K}: [1, 0]}}", f"small: {K}: got 0, expected int, > 0"),
        ("design: one-at-a-time", "design: one-at-a-time needs factors"),
        (f"factors: {{{K}: [1, 2]}}\ndesign: leave-one-out", "got 2 levels; with leave-one-out a factor has one"),
        ("design: half", "design: got 'half', expected"),
        ("baseline: smal", "baseline: 'smal' is none of the recipes; did you mean 'small'?"),
        ("time_limit: 0", "time_limit: got 0, expected"),
        ("factors: {a: {b: {only: {smal: {data.size: 48}}}}}", "factors: a: only: 'smal': no recipe is or extends it"),
        ("factors: {a: {b: {only: {small: {data.sise: 4}}}}}", "factors: a: data.sise: no recipe has this path"),
        ("factors: {a: {b: {only: {small: 3}}}}", "factors: a: only: got {'small': 3}, expected recipes' names, each"),
        (f"factors: {{{K}: [1, 2]}}\nwithin: [k]", "within: 'k' is none of the factors; valid: critics.patch"),
        (f"factors: {{{K}: [1]}}\nwithin: [{K}]\ndesign: one-at-a-time", "within: needs every combination of levels"),
    ],
)
def test_factors_that_make_no_sense(small: Path, text: str, says: str) -> None:
    with pytest.raises(RecipeError) as caught:
        variants(small.parent, text)
    assert says in str(caught.value)


def test_the_baseline_is_the_one_that_is_named_else_the_first_that_trains(small: Path) -> None:
    folder, catalogue = small.parent, discover()
    (folder / "lone.yaml").write_text("extends: small\ncritics: {patch: null}\n")
    for text, expected in (("", "small (k 1)"), ("baseline: lone\n", "lone")):
        (folder / "study.yaml").write_text(
            f"recipes: [{{use: classic}}, small, lone]\nfactors: {{{K}: [1, 2]}}\nseeds: 1\n{text}"
        )
        experiment, path = read_experiment(str(folder / "study.yaml"))
        assert baseline_of(experiment, plan_cells(experiment, path, {}, catalogue)) == expected


# -- the words


def test_guards_are_columns_next_to_the_primary_metric(small: Path) -> None:
    (small.parent / "study.yaml").write_text(
        "recipes: [small]\nmetrics: {primary: lines, guards: [colours], also: [psnr, colours, seconds_per_step]}\n"
    )
    experiment, _ = read_experiment(str(small.parent / "study.yaml"))
    assert experiment.metrics.all == ["lines", "colours", "psnr"]
    assert experiment.margin == 0.03


def test_a_study_that_decides_has_the_seeds_of_its_last_look(small: Path) -> None:
    file = small.parent / "study.yaml"
    file.write_text("recipes: [small]\nseeds: 3\nmetrics: {primary: lines, margin: 0.1}\n")
    assert read_experiment(str(file))[0].seed_list == [0, 1, 2]
    experiment, _ = read_experiment(str(file), until_decided=True)
    assert (experiment.seed_list, experiment.margin) == (list(range(24)), 0.1)
    file.write_text(f"recipes: [small]\nseeds: {list(range(50, 70))}\ndecide: {{margin: 0.2, max_seeds: 9}}\n")
    experiment, _ = read_experiment(str(file), until_decided=True)
    assert (experiment.seed_list, experiment.margin) == (list(range(50, 59)), 0.2)
    assert list(LOOKS) == [9, 13, 18, 24]  # as the type of `max_seeds` says
    assert Decide().max_seeds == max(LOOKS)


def test_floors_are_what_their_generators_call_so(small: Path) -> None:
    (small.parent / "study.yaml").write_text(
        "recipes: [small, dots, identity, canny, {use: dots, name: points}]\nat: d.yaml\n"
    )
    (small.parent / "d.yaml").write_text("data: {use: toonworld, size: 32, scenes: 8, evaluation_scenes: 3}\n")
    experiment, path = read_experiment(str(small.parent / "study.yaml"))
    specs = plan_cells(experiment, path, {}, discover())
    assert floors_of(specs, discover()) == ["dots", "identity", "points"]


STYLES = """recipes: [small, lone, dots]
set: {data: {use: toonworld}}
factors:
  style:
    a: {data.size: 48, only: {small: {generator.losses.content.weight: 2}, lone: {train.batch: 3}}}
    b: {data.size: 64}
  critics.image.weight: [1, 2]
within: [style]
"""


def test_a_level_may_change_one_recipe_and_its_descendants_alone(small: Path) -> None:
    (small.parent / "lone.yaml").write_text("extends: small\ncritics: {patch: null}\n")
    planned = cells(small.parent, f"{STYLES}seeds: 1\n")
    found = {(r.name, r.data.parameters["size"]): (r.train.batch, r.generator.losses) for r in planned}
    weights = {key: losses["content"].weight if losses else None for key, (_, losses) in found.items()}
    own = weights["small", 64]
    assert own not in (2, None)
    assert weights == {**dict.fromkeys([("small", 48), ("lone", 48)], 2), ("small", 64): own, ("lone", 64): own} | {
        ("dots", size): None for size in (48, 64)
    }
    assert (found["lone", 48][0], found["small", 48][0], found["lone", 64][0]) == (3, 2, 2)


def test_within_a_factor_each_level_has_a_baseline_of_its_own(small: Path) -> None:
    (small.parent / "lone.yaml").write_text("extends: small\ncritics: {patch: null}\n")
    (small.parent / "study.yaml").write_text(STYLES)
    experiment, path = read_experiment(str(small.parent / "study.yaml"))
    specs = plan_cells(experiment, path, {}, discover())
    found = baselines_of(experiment, specs)
    assert len(found) == len({spec.variant.label for spec in specs}) == 10
    for label, baseline in found.items():
        style = label.partition("style ")[2][0]
        assert baseline == f"small (style {style}, image.weight 1)"
    (small.parent / "study.yaml").write_text(STYLES.replace("within: [style]\n", ""))
    assert baselines_of(read_experiment(str(path))[0], specs) == {}

"""The grammar of recipes: inheritance, overrides, completion, and all errors at once."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from toonlab import discover
from toonlab.errors import RecipeError, ToonlabError
from toonlab.recipes.dotted_tree import DottedTree
from toonlab.recipes.load import from_data, load, parse_override, read
from toonlab.registry.catalogue import Catalogue
from toonlab.utils import yaml as toonlab_yaml


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


def test_everything_left_out_is_filled_in(small: Path, catalogue: Catalogue) -> None:
    recipe = load(small, catalogue)
    assert recipe.name == "small"
    assert recipe.critics["image"].sampler.use == "whole"
    assert recipe.critics["image"].representation is None
    assert recipe.critics["patch"].sampler.parameters["stride_fake"] == 0.75
    assert recipe.critics["patch"].weight.generator == 3
    assert recipe.generator.losses["content"].use == "content"
    assert recipe.generator.losses["tv"].weight == 0.1
    assert recipe.tree["train"]["precision"] == "fp32"
    assert load(small, catalogue, ["stages=null"]).tree["stages"] == [
        {"share": 1.0, "name": "training", "keep_optimizers": False},
    ]


def test_the_resolved_tree_is_a_recipe_of_the_same_meaning(small: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    recipe = load(small, catalogue)
    (tmp_path / "again.yaml").write_text(yaml.safe_dump(recipe.tree))
    assert load(str(tmp_path / "again.yaml"), catalogue).tree == recipe.tree


@pytest.mark.parametrize("steps", ["4", "null"])
def test_without_losses_and_critics_there_are_no_stages(small: Path, catalogue: Catalogue, steps: str) -> None:
    nothing = ["generator.losses=null", "critics={image: null, patch: null}", f"train.steps={steps}"]
    for stages in ("null", "[]"):
        recipe = load(small, catalogue, [*nothing, f"stages={stages}"])
        assert recipe.stages == ()
        assert recipe.tree["stages"] == []
    with pytest.raises(RecipeError, match="stages: got \\[\\], expected a list of stages"):
        load(small, catalogue, ["stages=[]"])


@pytest.mark.parametrize(("name", "channels_last"), [("ctss", False), ("cartoongan", True), ("ctss_random", False)])
def test_what_helps_on_a_gpu_lies_over_every_recipe(catalogue: Catalogue, name: str, channels_last: bool) -> None:
    train = load(name, catalogue, at=["tiny", "gpu"]).train
    assert (train.precision, train.compile, train.channels_last, train.size) == ("bf16", True, channels_last, 64)


def test_cuda_graphs_are_asked_for_by_name(small: Path, catalogue: Catalogue) -> None:
    assert load(small, catalogue, ["train.compile=graphs"]).train.compile == "graphs"
    with pytest.raises(RecipeError, match=r"train.compile: got 'graph', expected bool \| graphs"):
        load(small, catalogue, ["train.compile=graph"])


@pytest.mark.parametrize("name", ["identity", "classic"])
def test_what_lies_over_any_recipe_lies_over_one_that_learns_nothing(catalogue: Catalogue, name: str) -> None:
    recipe = load(name, catalogue, at=["tiny"], shared={"train.steps": 20, "critics.patch.sampler.k": 1})
    assert (recipe.data.use, recipe.evaluate.samples, recipe.train.steps) == ("toonworld", 24, 20)
    assert recipe.stages == ()


def test_all_errors_come_together_each_with_its_path(small: Path, catalogue: Catalogue) -> None:
    wrong = [
        "critics.patch.sampler.patch_sise=48",
        "critics.patch.sampler.k=0",
        "critics.image.objective.use=lsgam",
        "generator.optimizer.lr=fast",
        "generator.network.weight=2",
        "train.precision=fp16",
        "datas.use=folder",
        "features.depth=??? ",
        "evaluate.metrics=[linse]",
    ]
    with pytest.raises(RecipeError) as caught:
        load(small, catalogue, wrong)
    text = str(caught.value)
    for expected in (
        "critics.patch.sampler.patch_sise: unknown; did you mean 'patch_size'?",
        "critics.patch.sampler.k: got 0, expected int, > 0",
        "critics.image.objective.use: 'lsgam': no such objective; did you mean 'lsgan'?",
        "generator.optimizer.lr: got 'fast'",
        "generator.network.weight: a weight is for losses and critics, not for a generator",
        "train.precision: got 'fp16', expected fp32 | fp32-strict | tf32 | bf16",
        "datas: unknown section; did you mean 'data'?",
        "features.depth: must be given",
        "evaluate.metrics.0.use: 'linse': no such metric; did you mean 'lines'?",
    ):
        assert expected in text
    assert len(caught.value.problems) == len(wrong)


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("critics.patch.sampler.patch_size=8", "critics.patch.sampler.patch_size", 8),
        ("generator.optimizer.lr=1e-3", "generator.optimizer.lr", 1e-3),
        ("train.ema=0.99", "train.ema", 0.99),
        ("train.ema=null", "train.ema", None),
        ("critics.patch.sampler=random_patches", "critics.patch.sampler.use", "random_patches"),
        ("critics.patch.sampler.use=random_patches", "critics.patch.sampler.patch_size", 96),
        ("critics.*.discriminator.width=6", "critics.image.discriminator.width", 6),
        ("stages=[{name: a, steps: 3}]", "stages.0.steps", 3),
        ("evaluate.metrics.0.others=2", "evaluate.metrics.0.others", 2),
    ],
)
def test_overrides(small: Path, catalogue: Catalogue, override: str, path: str, value: Any) -> None:
    here: Any = load(small, catalogue, [override]).tree
    for key in path.split("."):
        here = here[int(key)] if isinstance(here, list) else here[key]
    assert here == value


@pytest.mark.parametrize("gone", ["critics.patch", "generator.losses.content", "features", "observers.mlflow"])
def test_null_removes(small: Path, catalogue: Catalogue, gone: str) -> None:
    recipe = load(
        small, catalogue, ["observers.mlflow.tracking_uri=x", f"{gone}=null", "generator.losses.content=null"]
    )
    above, _, last = gone.rpartition(".")
    here: Any = recipe.tree
    for key in above.split(".") if above else ():
        here = here[key]
    assert here.get(last) is None


def test_extends_merges_mappings_and_replaces_lists(small: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "child.yaml").write_text(
        "extends: small\ncritics: {patch: {sampler: {use: random_patches, patch_size: 8}}, image: null}\n"
        "stages: null\n"
        "train: {steps: 9}\n"
    )
    recipe = load(str(tmp_path / "child.yaml"), catalogue)
    assert set(recipe.critics) == {"patch"}
    assert recipe.critics["patch"].sampler.parameters == {"patch_size": 8, "k": 4}
    assert (recipe.train.steps, recipe.train.size) == (9, 32)


def test_extending_itself_is_an_error_not_a_loop(tmp_path: Path, catalogue: Catalogue) -> None:
    (tmp_path / "a.yaml").write_text("extends: b.yaml\n")
    (tmp_path / "b.yaml").write_text("extends: a.yaml\n")
    with pytest.raises(ToonlabError, match="extends itself: a -> b -> a"):
        load(str(tmp_path / "a.yaml"), catalogue)


def test_at_applies_what_has_a_place(small: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "narrow.yaml").write_text(
        "about: x\ncritics.*.discriminator.width: 2\ncritics.style.sampler.k: 3\ngenerator.network.widht: 1\n"
        "critics.*.sampler.k: 1\ntrain.steps: 2\n"
    )
    recipe = load(small, catalogue, at=[str(tmp_path / "narrow.yaml")])
    assert [critic.discriminator.parameters["width"] for critic in recipe.critics.values()] == [2, 2]
    assert recipe.critics["patch"].sampler.parameters["k"] == 1
    assert recipe.critics["image"].sampler.use == "whole"
    assert recipe.train.steps == 2


def test_a_stage_starts_from_the_recipes_losses(small: Path, catalogue: Catalogue) -> None:
    stages = "stages=[{name: a, share: 0.25, critics: [], losses: {tv: {weight: 7}}}, {name: b, share: 0.75}]"
    recipe = load(small, catalogue, [stages])
    warm_up = recipe.stages[0]
    assert warm_up.critics == ()
    assert warm_up.losses is not None
    assert (warm_up.losses["tv"].use, warm_up.losses["tv"].weight) == ("total_variation", 7)
    assert recipe.stages[1].losses is None


@pytest.mark.parametrize(
    ("stages", "says"),
    [
        ("[{name: a}]", "its length is missing"),
        ("[{name: a, steps: 3, epochs: 1}]", "steps and epochs are given; give one of"),
        ("[{name: a, share: 0.5}, {name: b, steps: 2}]", "give all of them shares, or none"),
        ("[{name: a, share: 0.5}]", "the shares add up to 0.5"),
        ("[{name: a, steps: 3, critics: [imag]}]", "did you mean 'image'?"),
        ("[{name: a, steps: 3, critic: []}]", "stages.0.critic: unknown; did you mean 'critics'?"),
        ("{}", "expected a list of stages"),
    ],
)
def test_stages_that_make_no_sense(small: Path, catalogue: Catalogue, stages: str, says: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load(small, catalogue, [f"stages={stages}"])
    assert says in str(caught.value)


def test_a_python_tag_is_refused_and_not_run(tmp_path: Path, catalogue: Catalogue) -> None:
    file = tmp_path / "evil.yaml"
    file.write_text(f"about: !!python/object/apply:os.mkdir ['{tmp_path}/made']\n")
    with pytest.raises(ToonlabError, match=r"evil\.yaml, line 1"):
        load(str(file), catalogue)
    assert not (tmp_path / "made").exists()


def test_a_key_given_twice_is_an_error(tmp_path: Path, catalogue: Catalogue) -> None:
    (tmp_path / "twice.yaml").write_text("train: {steps: 1}\ntrain: {steps: 2}\n")
    with pytest.raises(ToonlabError, match="line 2: key 'train' is given twice"):
        load(str(tmp_path / "twice.yaml"), catalogue)


@pytest.mark.parametrize("text", ["train.steps", "=3", ".a=1", "a.=1"])
def test_an_override_without_a_key_or_value(text: str) -> None:
    with pytest.raises(ToonlabError, match="expected key=value"):
        parse_override(text)


def test_torch_refuses_a_negative_rate_before_the_run(small: Path, catalogue: Catalogue) -> None:
    with pytest.raises(RecipeError, match=r"generator\.optimizer: Adam refuses it: Invalid learning rate: -1"):
        load(small, catalogue, ["generator.optimizer.lr=-1"])
    with pytest.raises(RecipeError, match=r"did you mean 'Adam'"):
        load(small, catalogue, ["generator.optimizer.use=AdamX"])


def test_overrides_for_one_recipe_and_those_that_extend_it(small: Path) -> None:
    folder = small.parent
    (folder / "child.yaml").write_text("extends: small\n")
    (folder / "other.yaml").write_text(small.read_text())
    (folder / "at.yaml").write_text(
        "train.batch: 3\nonly:\n  child: {train.steps: 7}\n  small: {train.steps: 5, train.batch: 4}\n"
    )
    found = {
        name: load(folder / f"{name}.yaml", discover(), at=[str(folder / "at.yaml")]).train
        for name in ("small", "child", "other")
    }
    assert {name: (train.steps, train.batch) for name, train in found.items()} == {
        "small": (5, 4),
        "child": (7, 4),
        "other": (4, 3),
    }
    (folder / "at.yaml").write_text("only: [child]\n")
    with pytest.raises(ToonlabError, match=r"only: got .*expected recipes' names"):
        load(small, discover(), at=[str(folder / "at.yaml")])


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read."""
    names: list[str] = []
    load_file = toonlab_yaml.load_file

    def recorded(path: Path) -> dict[str, Any]:
        names.append(path.name)
        return load_file(path)

    monkeypatch.setattr(toonlab_yaml, "load_file", recorded)
    return names


def test_every_file_of_a_chain_is_read_once(catalogue: Catalogue, parsed: list[str]) -> None:
    load("ctss_db", catalogue, at=["tiny"])
    assert parsed == ["ctss_db.yaml", "ctss.yaml", "plain.yaml", "tiny.yaml"]


def test_a_draft_has_the_names_of_all_that_it_extends(small: Path) -> None:
    (small.parent / "child.yaml").write_text("extends: small\nabout: child\n")
    draft = read(small.parent / "child.yaml")
    assert draft.names == ("child", "small")
    assert draft.tree.get("about") == "child"
    assert draft.tree.get("critics.patch.sampler.k") == 2
    assert "extends" not in draft.tree


def test_a_recipe_may_extend_a_listed_one_of_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "ctss.yaml").write_text("extends: ctss\nabout: mine\n")
    assert read(tmp_path / "ctss.yaml").names == ("ctss", "ctss", "plain")


def test_what_is_present_is_told(small: Path, catalogue: Catalogue) -> None:
    draft = read(small)
    overrides = {"train.steps": 9, "train.stepz": 9, "critics.*.discriminator.width": 3, "critics.*.sampler.k": 1}
    assert draft.apply_present(overrides, catalogue) == {
        "train.steps",
        "critics.*.discriminator.width",
        "critics.*.sampler.k",
    }
    assert draft.tree.get("train.steps") == 9
    assert "train.stepz" not in draft.tree
    assert "critics.image.sampler" not in draft.tree  # `whole` has no k


def test_a_recipe_as_data_is_what_its_file_would_be(small: Path, catalogue: Catalogue) -> None:
    data = toonlab_yaml.load_file(small)
    before = copy.deepcopy(data)
    assert from_data(data, "small", catalogue, ["train.steps=5"], ["tiny"]) == load(
        small, catalogue, ["train.steps=5"], ["tiny"]
    )
    assert data == before
    child = from_data({"extends": str(small), "about": "child"}, "child", catalogue)
    assert (child.name, child.about, child.critics) == ("child", "child", load(small, catalogue).critics)


TYPED = [
    *(
        "2024",
        "2024-05-01",
        "no",
        "yes",
        "null",
        "~",
        "12:30",
        "0x10",
        "1_000",
        "[set1]",
        "{a}",
        "a: b",
        "- x",
        "?",
        "&x",
    ),
    *(
        "*all",
        "!x",
        "@x",
        "%x",
        "|",
        ">",
        "'x'",
        '"x"',
        " x",
        "x ",
        "My Photos #2",
        "a=b",
        "a: b: c",
        "[set1",
        "漫画",
        "---",
    ),
    *("\udce9", "x\ny", "1e3", ".inf", "<<", "`x", "x: |", "{{}}", "null ", "Null"),
]


@pytest.mark.parametrize("text", TYPED)
def test_where_text_or_a_path_is_expected_the_value_is_what_was_typed(
    text: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    (tmp_path / "folders.yaml").write_text(
        "extends: plain\ndata: {use: folder, photos: x, cartoons: x}\nevaluate: {metrics: []}\ntrain: {steps: 9}\n"
    )
    texts = ["data.photos", "stages.0.name", "about"]
    or_null = ["data.evaluation", "observers.mlflow.experiment"]
    given = [f"{path}={text}" for path in (*texts, *or_null)]
    tree = DottedTree(load(tmp_path / "folders.yaml", catalogue, ["stages=[{share: 1}]", *given]).tree)
    assert [tree[path] for path in texts] == [text] * 3
    assert [tree[path] for path in or_null] == [None if text == "null" else text] * 2


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("train.steps=1_000", 1000),
        ("critics.patch=null", None),
        ("data.kind=null", None),
        ("data.kind=street", "street"),
        ("train.flip=yes", True),
        (
            "generator.losses.tv={use: total_variation, weight: 2}",
            {"use": "total_variation", "weight": 2.0, "of": "fake"},
        ),
        ("evaluate.metrics=[psnr]  # a comment", [{"use": "psnr"}]),
        ("generator.optimizer.lr=1e-3", 1e-3),
    ],
)
def test_elsewhere_a_value_is_yaml(override: str, value: object, small: Path, catalogue: Catalogue) -> None:
    path = override.partition("=")[0]
    found = DottedTree(load(small, catalogue, [override]).tree).get(path)
    assert found == value if not isinstance(found, list) else found[0]["use"] == "psnr"


def test_nothing_is_null_and_no_path_of_the_working_directory(tmp_path: Path, catalogue: Catalogue) -> None:
    (tmp_path / "folders.yaml").write_text("extends: plain\ndata: {use: folder, photos: x, cartoons: x}\n")
    with pytest.raises(RecipeError, match=r"data\.photos: got None, expected Path"):
        load(tmp_path / "folders.yaml", catalogue, ["data.photos="])


def test_a_value_that_is_no_yaml_names_its_path(small: Path, catalogue: Catalogue) -> None:
    with pytest.raises(ToonlabError, match=r"^train\.steps, line 1: "):
        load(small, catalogue, ["train.steps=[4"])

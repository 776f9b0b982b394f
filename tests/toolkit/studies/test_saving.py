"""Winners as recipes: what they say, that they are the winner's very recipe, and that nothing is overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest
from searches import SEARCH, SIZE, K

from toonlab import discover
from toonlab.errors import ToonlabError
from toonlab.recipes.load import load
from toonlab.studies.plan.search import read_search
from toonlab.studies.plan.search_plan import plans_of
from toonlab.studies.results.results import CellResult, SearchResult, SearchTrial, StudyResults, Variant
from toonlab.studies.saving import check_free, save, targets

OBJECTIVE = {"metric": "lines", "direction": "maximize"}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def saved(file: Path, name: str, *trials: list[SearchTrial], **known: object) -> list[Path]:
    """The files that a search with these trials saves."""
    search, path = read_search(str(file))
    plans, files = plans_of(search, path, discover(), {}), targets(search, name)
    check_free(files)
    found = [
        SearchResult(plan.base.name, OBJECTIVE, {}, default=plan.default, trials=own)
        for plan, own in zip(plans, trials, strict=True)
    ]
    results = StudyResults("patches", file.parent, [], "tune", search=found[0], further=found[1:], **known)
    save(files, plans, results)
    return files


def test_a_saved_winner_is_the_recipe_that_won(file: Path) -> None:
    (file.parent / "over.yaml").write_text("train.batch: 3\ncritics.patch.discriminator: {use: ctss_image, width: 2}\n")
    weight = "critics.patch.weight.generator"  # which the recipe gives as one number for both sides
    file.write_text(
        SEARCH.replace("recipe: small", "recipe: small\nat: over.yaml").replace(
            "search: {", f"search: {{{weight}: [1, 2], "
        )
    )
    params = {weight: 2, SIZE: 24, K: 1}
    trials = [SearchTrial(0, {weight: 1, SIZE: 16, K: 2}, value=0.25), SearchTrial(7, params, value=0.5)]
    (written,) = saved(file, "tuned", trials)
    search, path = read_search(str(file))
    (plan,) = plans_of(search, path, discover(), {})
    won, read = plan.spec(params, 0).recipe, load(str(written), discover())
    own = {key: value for key, value in won.tree.items() if key not in ("about", "observers", "evaluate")}
    assert {key: read.tree[key] for key in own} == own
    assert written == Path("baselines/tuned.yaml")
    text = written.read_text()
    assert text.startswith(
        "# toonlab train baselines/tuned.yaml\n# trial 7 of 2 of the study patches: lines 0.5 in the search\n"
        "about: small, tuned by the study patches\n"
    )
    assert read.evaluate == load(str(file.parent / "small.yaml"), discover()).evaluate


def test_what_the_finals_say_of_a_winner_stands_above_it(file: Path) -> None:
    trials = [SearchTrial(0, {SIZE: 16, K: 2}, value=0.25), SearchTrial(1, {SIZE: 24, K: 1}, value=0.5)]
    cells = []
    for levels, value in (({}, 0.25), (trials[1].params, 0.5)):
        for n in range(6):
            outcome = {"metrics": {"lines": value + n / 64}, "photo": {}, "costs": {}, "measured": {}, "seconds": 1.0}
            cells.append(CellResult(Variant("small", levels), n, "x", "finished", outcome=outcome))
    search, path = read_search(str(file))
    plans = plans_of(search, path, discover(), {})
    found = SearchResult(
        "small", OBJECTIVE, {}, default=plans[0].default, trials=trials, finals={cells[-1].variant.label: 1}
    )
    known = {"metrics": ["lines"], "higher": {"lines": True}, "baseline": "small"}
    save([file.parent / "best.yaml"], plans, StudyResults("patches", file.parent, cells, "tune", search=found, **known))
    says = "# on fresh seeds, small (patch_size 24, k 1) compared with small: +0.250 (+0.250 to +0.250), better"
    text = (file.parent / "best.yaml").read_text()
    assert says in text.splitlines()
    assert "extends: small.yaml\n" in text


def test_each_recipe_has_a_file_and_a_default_that_won_has_none(several: Path) -> None:
    weight = "generator.losses.content.weight"
    several.write_text(several.read_text().replace("search:\n", f"search:\n  other: {{{weight}: [1.5, 3]}}\n"))
    first = [SearchTrial(0, {K: 2, weight: 1.5}, value=0.5), SearchTrial(1, {K: 1, weight: 1.5}, value=0.1)]
    files = saved(several, "tuned", first, [SearchTrial(1, {weight: 3}, value=0.5)])
    assert [file.name for file in files] == ["tuned_small.yaml", "tuned_other.yaml"]
    assert [file.exists() for file in files] == [False, True]
    with pytest.raises(ToonlabError, match=r"^baselines/tuned_other\.yaml: exists already; give --save another name"):
        saved(several, "tuned", first, first)


@pytest.mark.parametrize("name", ["", "a/b", "../up", "-x", ".hidden"])
def test_a_name_that_is_none(file: Path, name: str) -> None:
    with pytest.raises(ToonlabError, match="expected the name of a recipe"):
        targets(read_search(str(file))[0], name)

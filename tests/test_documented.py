"""What there is is documented: hooks, commands, options, recipes, experiments, metrics, samplers, settings, names."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import toonlab
from toonlab.recipes import spec
from toonlab.registry import executors, protocols
from toonlab.registry.hookspecs import ObserverHooks, RegistrationHooks
from toonlab.registry.protocols import KINDS
from toonlab.utils import paths

from .docs.reference import commands, names
from .docs.reference import parts as parts_page
from .docs.reference import recipes as recipes_page

ROOT = Path(__file__).parents[1]
DOCS = {str(path.relative_to(ROOT / "docs")): path.read_text("utf-8") for path in (ROOT / "docs").rglob("*.md")}
GUIDE = (ROOT / "plugins" / "README.md").read_text("utf-8")
ALL = "\n".join([*DOCS.values(), GUIDE, (ROOT / "README.md").read_text("utf-8")])
CATALOGUE = toonlab.discover()
WALKED = dict(commands.walk())


def own(kind: str) -> list[str]:
    """Names of toonlab's own parts."""
    offers = CATALOGUE.offers[kind].values()
    return [offer.name for offer in offers if offer.distribution.startswith("toonlab ")]


def unnamed(wanted: Iterable[str], text: str, form: str = r"\b{}\b") -> list[str]:
    """Those that a text does not name."""
    return [name for name in wanted if not re.search(form.replace("{}", re.escape(name)), text, re.MULTILINE)]


def silent(things: Iterable[tuple[str, Any]]) -> list[str]:
    """Those without a docstring of their own."""
    return [name for name, thing in things if not (thing if isinstance(thing, str) else inspect.getdoc(thing))]


def unhelpful(walked: dict[str, Any]) -> list[str]:
    """Commands without a docstring, options and arguments without a help text."""
    found = silent((name, command.callback) for name, command in walked.items())
    return found + [
        f"{name} {parameter.name}"
        for name, command in walked.items()
        for parameter in command.params
        if parameter.name != "help" and not parameter.help
    ]


def undescribed(classes: Iterable[type]) -> list[str]:
    """Fields that the `Args:` of a class do not tell of."""
    return [f"{cls.__name__}.{field}" for cls in classes for field in fields(cls) if field not in told(cls)]


def fields(cls: type) -> Iterable[str]:
    return inspect.signature(cls).parameters


def told(cls: type) -> set[str]:
    return set(re.findall(r"^    (\w+):", inspect.getdoc(cls) or "", re.MULTILINE))


def test_every_hook_is_documented() -> None:
    hooks = [*names.hooks_of(RegistrationHooks), *names.hooks_of(ObserverHooks)]
    assert len(hooks) == len(set(hooks)) >= 21
    assert (
        silent(
            (name, getattr(spec, name)) for spec in (RegistrationHooks, ObserverHooks) for name in names.hooks_of(spec)
        )
        == []
    )
    assert unnamed(names.hooks_of(RegistrationHooks), GUIDE, "`{}`") == []
    assert unnamed(hooks, names.hooks(), r"^::: toonlab\.registry\.hookspecs\.\w+\.{}$") == []


def test_every_kind_of_part_is_documented() -> None:
    kinds = names.kinds()
    assert {f"register_{kind}" for kind in KINDS} == set(names.hooks_of(RegistrationHooks))
    assert unnamed(KINDS, kinds, "^## {} ") == []
    for module in (protocols, executors):
        shapes = {n: c for n, c in vars(module).items() if inspect.isclass(c) and c.__module__ == module.__name__}
        assert unnamed(shapes.keys() - {"Kind", "Tunable"}, kinds, rf"^::: {re.escape(module.__name__)}\.{{}}$") == []
        assert silent(shapes.items()) == []


def test_every_command_and_option_is_documented() -> None:
    assert {"train", "compare", "plugins", "plugins doctor", "world", "score"} <= WALKED.keys()
    assert unhelpful(WALKED) == []
    assert unnamed(WALKED, ALL, r"\btoonlab {}\b") == []
    assert unnamed(WALKED, commands.commands(), "^## toonlab {} ") == []


def test_every_metric_has_a_card_and_a_row() -> None:
    assert unnamed(own("metrics"), DOCS["metrics.md"], "^## {}$") == []
    assert unnamed(own("metrics"), DOCS["metrics.md"], r"^\| \[`{}`\]") == []


def test_every_sampler_has_a_card_and_a_row() -> None:
    assert unnamed(own("samplers"), DOCS["samplers.md"], "^## {}$") == []
    assert unnamed(own("samplers"), DOCS["samplers.md"], r"^\| \[`{}`\]") == []


def test_every_part_is_in_the_reference_and_says_what_it_is() -> None:
    page = parts_page.parts()
    for kind in KINDS:
        assert unnamed([f"{kind}-{name}" for name in own(kind)], page, "^### .* {: #{} }$") == []
        assert [name for name in own(kind) if not CATALOGUE.offers[kind][name].about] == []


def test_every_recipe_is_on_a_card_of_a_method() -> None:
    cards = "\n".join(text for page, text in DOCS.items() if page.startswith("methods/"))
    assert unnamed(paths.listed("baselines"), cards, "`{}`|^# {}$") == []


def test_every_experiment_and_file_for_at_is_in_the_documentation() -> None:
    assert unnamed(paths.listed("experiments"), "\n".join(DOCS.values())) == []
    assert unnamed(paths.listed("baselines/at"), ALL, "`?--at {}`?") == []
    page = recipes_page.recipes()
    shelved = [name for folder in ("baselines", "baselines/at", "experiments") for name in paths.listed(folder)]
    assert unnamed(shelved, page, "^### {} ") == []


def test_every_setting_of_a_recipe_is_described() -> None:
    assert undescribed(recipes_page.SECTIONS.values()) == []
    assert {spec.Train, spec.Evaluate} <= set(recipes_page.SECTIONS.values())


def test_every_extra_and_environment_variable_is_in_the_documentation() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert unnamed(set(project["optional-dependencies"]) - {"dev"}, ALL, r"toonlab\[{}\]") == []
    sources = [*(ROOT / "toolkit").rglob("*.py"), *(ROOT / "plugins").rglob("*.py"), *(ROOT / "deploy").iterdir()]
    found = {name for path in sources for name in re.findall(r"\bTOONLAB_[A-Z_]*[A-Z]", path.read_text("utf-8"))}
    assert "TOONLAB_CACHE" in found
    assert unnamed(found, ALL) == []


def test_every_python_name_says_what_it_is() -> None:
    named = {name: getattr(toonlab, name) for name in toonlab.__all__}
    things = [(name, thing) for name, thing in named.items() if inspect.isclass(thing) or inspect.isfunction(thing)]
    assert silent(things) == []
    assert unnamed(named, names.python(), r"^::: toonlab\.{}$") == []


def test_every_tensor_function_is_in_the_reference_and_says_what_it_takes() -> None:
    """Public functions and classes of `toonlab.ops`: shapes, and each parameter of those that have several."""
    page = names.ops()
    modules = [import_module(name) for name in names.OPS_MODULES]
    assert {"toonlab.ops.filters", "toonlab.ops.layers", "toonlab.ops.patch_grid"} <= set(names.OPS_MODULES)
    assert unnamed(names.OPS_MODULES, page, "^::: {}$") == []
    things = {f"{module.__name__}.{name}": thing for module in modules for name, thing in public(module)}
    assert silent([(module.__name__, module) for module in modules]) == []
    assert silent(things.items()) == []
    assert {name: missing for name, thing in things.items() if (missing := untold(thing))} == {}


def public(module: ModuleType) -> list[tuple[str, Any]]:
    """The functions and classes that a module defines, without those with a leading underscore."""
    own = [(name, thing) for name, thing in vars(module).items() if getattr(thing, "__module__", "") == module.__name__]
    return [(name, thing) for name, thing in own if not name.startswith("_") and callable(thing)]


def untold(thing: Any) -> list[str]:
    """The parameters of a function or class that its docstring does not describe; one alone needs no `Args:`."""
    parameters = [name for name in fields(thing) if not name.startswith("*")]
    return [] if len(parameters) == 1 else [name for name in parameters if name not in told(thing) | in_code(thing)]


def in_code(thing: Any) -> set[str]:
    """Words in backticks of a docstring."""
    return {word for text in re.findall(r"`([^`]+)`", inspect.getdoc(thing) or "") for word in re.findall(r"\w+", text)}


# The tests above can fail.


def test_a_parameter_that_is_not_described_is_found() -> None:
    def scale(values: int, factor: int) -> None:
        """Values times `factor`."""

    assert untold(scale) == ["values"]


def test_what_is_not_named_is_found() -> None:
    assert unnamed(["psnr", "fid"], "## psnr\n\n`fid` is not a heading\n", "^## {}$") == ["fid"]
    assert unnamed(["train"], "toonlab training") == ["train"]


def test_what_has_no_docstring_is_found() -> None:
    def said() -> None:
        """This."""

    def unsaid() -> None: ...

    assert silent([("said", said), ("unsaid", unsaid)]) == ["unsaid"]


def test_an_option_without_a_help_text_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    option = next(one for one in WALKED["train"].params if one.name == "runs")
    monkeypatch.setattr(option, "help", "")
    assert unhelpful(WALKED) == ["train runs"]


def test_a_setting_without_a_description_is_found() -> None:
    class Section:
        """A section.

        Args:
            said: this.
        """

        def __init__(self, said: int, unsaid: int) -> None: ...

    assert undescribed([Section]) == ["Section.unsaid"]

"""Parts of a recipe's tree: completed with their defaults and checked. Problems are collected, not raised."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from toonlab.errors import PluginError, Problem, nearest
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.protocols import KINDS
from toonlab.registry.schema import Parameter, Schema
from toonlab.utils.yaml import MUST_BE_GIVEN

from . import torch_classes
from .dotted_tree import DottedTree, Tree
from .spec import WEIGHTED, Part, TorchPart

_WEIGHT = Schema({"weight": Parameter("weight", float, 1.0)})


class PartResolver:
    """Makes parts from a tree; `problems` collects their mistakes, with dotted paths.

    A part with a problem is returned with those of its values that are valid, so that the rest is checked too.
    """

    def __init__(self, given: Tree, catalogue: Catalogue) -> None:
        self.given, self.catalogue = DottedTree(given), catalogue
        self.problems: list[Problem] = []

    def parts(self, path: str, kind: str, given: Any) -> dict[str, Part]:
        """A named set of parts, in which `use` defaults to the name and null removes."""
        named = {str(name): part for name, part in self.mapping(path, given or {}).items() if part is not None}
        return {name: self.part(f"{path}.{name}", kind, part, name) for name, part in named.items()}

    def part(self, path: str, kind: str, given: Any, default: str | None = None) -> Part:
        """One part, given as `{use: name, parameter: value}` or by its name; `default` is its name if it has none."""
        given = {"use": given} if isinstance(given, str) else given
        names = self.catalogue.names(kind)
        if not isinstance(given, Mapping):
            got = "missing" if given is None else f"got {given!r}"
            self.report(path, f"{got}; give {KINDS[kind].one}, such as {{use: {next(iter(names), 'name')}}}")
            return Part(kind, "", {})
        use = given.get("use", default)
        if not isinstance(use, str) or use == MUST_BE_GIVEN:
            self.report(f"{path}.use", f"missing; {nearest('', names)}")
            return Part(kind, "", {})
        try:
            schema = self.catalogue.get(kind, use).schema
        except PluginError as error:
            self.report(f"{path}.use", str(error))
            return Part(kind, use, {})
        weight = self.part_weight(path, kind, given)
        values = {key: value for key, value in given.items() if key not in ("use", "weight")}
        return Part(kind, use, self.parameters(path, schema, values), weight)

    def parameters(self, path: str, schema: Schema, given: Tree) -> dict[str, Any]:
        """The values of a part's parameters; some may be parts themselves."""
        kinds = {parameter.name: parameter.part_kind for parameter in schema.parameters.values()}
        inner = {name: value for name, value in given.items() if kinds.get(name) and value is not None}
        values = self.values(path, schema, {name: value for name, value in given.items() if name not in inner})
        return values | {name: self.part(f"{path}.{name}", str(kinds[name]), part) for name, part in inner.items()}

    def part_weight(self, path: str, kind: str, given: Mapping[str, Any]) -> float:
        weight = {"weight": given["weight"]} if "weight" in given else {}
        if weight and kind not in WEIGHTED:
            self.report(f"{path}.weight", f"a weight is for losses and critics, not for {KINDS[kind].one}")
            weight = {}
        return float(self.values(path, _WEIGHT, weight).get("weight", 1.0))

    def optimizer(self, path: str, given: Any, base: Mapping[str, Any] | None = None) -> TorchPart:
        """An optimizer; one that names no class changes the arguments of `base` (without one: of the default)."""
        given = {"use": given} if isinstance(given, str) else self.mapping(path, given or {})
        start = torch_classes.DEFAULT_OPTIMIZER if base is None or "use" not in base else base
        return self.torch_part(path, given if "use" in given else {**start, **given}, torch_classes.optimizers)

    def schedule(self, path: str, given: Any) -> TorchPart | None:
        return None if given is None else self.torch_part(path, given, torch_classes.schedules)

    def torch_part(self, path: str, given: Any, classes: Callable[[], Mapping[str, type]]) -> TorchPart:
        given = {"use": given} if isinstance(given, str) else self.mapping(path, given)
        use = given.pop("use", None)
        if not isinstance(use, str) or use not in classes():
            got = "missing" if use is None else f"{use!r} is not a class that a recipe can use"
            self.report(f"{path}.use", f"{got}; {nearest(str(use or ''), classes())}")
            return TorchPart(str(use), {})
        before = len(self.problems)
        values = self.values(path, Schema.of(classes()[use], frozenset({"params", "optimizer"}), strict=False), given)
        arguments = {key: values[key] for key in given if key in values}
        if len(self.problems) == before and (refusal := torch_classes.refusal(classes()[use], arguments)):
            self.report(path, refusal)
        return TorchPart(use, arguments)

    # -- helpers

    def values(self, path: str, schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a schema's parameters that are valid, and the defaults of those that are not given."""
        values, problems = schema.validate(given, path)
        self.problems += problems
        return values

    def mapping(self, path: str, given: Any) -> Tree:
        if isinstance(given, Mapping):
            return dict(given)
        self.report(path, "missing" if given is None else f"got {given!r}, expected names with values")
        return {}

    def only(self, path: str, given: Tree, known: Iterable[str]) -> None:
        for key in given:
            if key not in known:
                self.report(f"{path}.{key}", f"unknown; {nearest(str(key), known)}")

    def report(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))

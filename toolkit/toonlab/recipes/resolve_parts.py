"""The parts of a recipe's tree, completed and checked one by one; what is wrong is collected, not raised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from toonlab.errors import PluginError, Problem, nearest
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.protocols import KINDS
from toonlab.registry.schema import Schema
from toonlab.utils.yaml import MUST_BE_GIVEN

from . import torch_classes
from .spec import Part, TorchPart, Tree


def lookup(tree: Any, dotted: str) -> Any:
    """The value at a path, or None."""
    for key in dotted.split("."):
        if isinstance(tree, list) and key.isdigit() and int(key) < len(tree):
            tree = tree[int(key)]
        elif isinstance(tree, dict):
            tree = tree.get(key)
        else:
            return None
    return tree


class PartResolver:
    """`problems` collects what is wrong, `tree` what is complete; paths are dotted."""

    def __init__(self, given: Tree, catalogue: Catalogue) -> None:
        self.given, self.catalogue = given, catalogue
        self.problems: list[Problem] = []
        self.tree: Tree = {}

    def parts(self, path: str, kind: str, given: Any, weighted: bool = True) -> dict[str, Part]:
        """A named set of parts, in which `use` defaults to the name and null removes."""
        self.put(path, {})
        named = {str(name): part for name, part in self.mapping(path, given).items() if part is not None}
        made = {name: self.part(f"{path}.{name}", kind, part, name, weighted) for name, part in named.items()}
        return {name: part for name, part in made.items() if part}

    def optional(self, path: str, kind: str, given: Any) -> Part | None:
        self.put(path, None)
        return None if given is None else self.part(path, kind, given)

    def part(self, path: str, kind: str, given: Any, default: str | None = None, weighted: bool = False) -> Part | None:
        spec = {"use": given} if isinstance(given, str) else given
        if spec is None or not isinstance(spec, Mapping):
            got = "missing" if spec is None else f"got {spec!r}"
            self.report(
                path,
                f"{got}; give a {KINDS[kind]}, such as {{use: {next(iter(self.catalogue.names(kind)), 'name')}}}",
            )
            return None
        use = spec.get("use", default)
        if not isinstance(use, str) or use == MUST_BE_GIVEN:
            self.report(f"{path}.use", f"missing; {nearest('', self.catalogue.names(kind))}")
            return None
        try:
            offer = self.catalogue.get(kind, use)
        except PluginError as error:
            self.report(f"{path}.use", str(error))
            return None
        weight = self.part_weight(path, spec, weighted, str(KINDS[kind]))
        given_values = {key: value for key, value in spec.items() if key not in ("use", "weight")}
        values = self.values(path, offer.schema, given_values)
        shown = {k: offer.schema.parameters[k].to_json(v) for k, v in values.items()}
        self.put(path, {"use": use, **({"weight": weight} if weighted else {}), **shown})
        return Part(kind, use, values, weight)

    def part_weight(self, path: str, spec: Mapping[str, Any], weighted: bool, label: str) -> float:
        given = spec.get("weight", 1.0)
        if "weight" in spec and not weighted:
            self.report(f"{path}.weight", f"a {label} has no weight; losses and critics have")
            return 1.0
        if isinstance(given, str):
            try:
                return float(given)  # YAML reads 1e-3 as text
            except ValueError:
                pass
        elif isinstance(given, int | float) and not isinstance(given, bool):
            return float(given)
        self.report(f"{path}.weight", f"got {given!r}, expected float")
        return 1.0

    def optimizer(self, path: str, given: Any, base: Mapping[str, Any] | None = None) -> TorchPart | None:
        """An optimizer; one that names no class changes the arguments of `base` (without one: of the default)."""
        if isinstance(given, str):
            given = {"use": given}
        given = self.mapping(path, given or {})
        start = torch_classes.DEFAULT_OPTIMIZER if base is None or "use" not in base else base
        return self.torch(path, given if "use" in given else {**start, **given}, torch_classes.optimizers)

    def optional_torch(self, path: str, given: Any) -> TorchPart | None:
        return None if given is None else self.torch(path, given, torch_classes.schedules)

    def torch(self, path: str, given: Any, classes: Callable[[], Mapping[str, type]]) -> TorchPart | None:
        spec = {"use": given} if isinstance(given, str) else self.mapping(path, given)
        use = spec.get("use")
        if not isinstance(use, str) or use not in classes():
            got = "missing" if use is None else f"{use!r} is not a class that a recipe can use"
            self.report(f"{path}.use", f"{got}; {nearest(str(use or ''), classes())}")
            return None
        schema = Schema.of(classes()[use], skip=frozenset({"params", "optimizer"}), strict=False)
        arguments = {key: value for key, value in spec.items() if key != "use"}
        before = len(self.problems)
        values = self.values(path, schema, arguments)
        arguments = {key: values[key] for key in arguments if key in values}
        if len(self.problems) == before and (refusal := torch_classes.refusal(classes()[use], arguments)):
            self.report(path, refusal)
        shown = {key: schema.parameters[key].to_json(value) for key, value in arguments.items()}
        self.put(path, {"use": use, **shown})
        return TorchPart(use, arguments)

    # -- helpers

    def values(self, path: str, schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
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

    def put(self, path: str, value: Any) -> None:
        here: Any = self.tree
        *way, last = path.split(".")
        for key in way:
            here = here[int(key)] if isinstance(here, list) else here.setdefault(key, {})
        if isinstance(here, list):
            here[int(last)] = value
        else:
            here[last] = value

    def report(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))

"""Turn a recipe's tree into a complete, checked `Recipe`, collecting everything that is wrong on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from . import torchparts
from .errors import PluginError, Problem, nearest
from .parts import KINDS
from .plugins import Catalogue
from .schema import Schema
from .specs import (
    CriticSpec,
    Evaluate,
    GeneratorSpec,
    Length,
    Part,
    Recipe,
    StageSpec,
    TorchPart,
    Train,
    Tree,
    Weight,
)
from .yamlfile import MUST_BE_GIVEN

T = TypeVar("T")
SECTIONS = ("about", "data", "features", "generator", "critics", "stages", "train", "evaluate", "observers")


def resolve(tree: Tree, name: str, catalogue: Catalogue) -> tuple[Recipe | None, list[Problem]]:
    """The recipe, or None with all that is wrong with it."""
    resolver = _Resolver(tree, catalogue)
    recipe = resolver.recipe(name)
    return (None if resolver.problems else recipe), resolver.problems


def exists(tree: Tree, dotted: str, catalogue: Catalogue) -> bool:
    """Whether a path is there once every default is filled in."""
    completed = _Resolver(tree, catalogue)
    completed.recipe("")
    above, _, last = dotted.rpartition(".")
    there = lookup(completed.tree, above) if above else completed.tree
    return isinstance(there, Mapping) and last in there


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


class _Resolver:
    """One pass over a tree: `problems` collects what is wrong, `tree` what is complete."""

    def __init__(self, given: Tree, catalogue: Catalogue) -> None:
        self.given, self.catalogue = given, catalogue
        self.problems: list[Problem] = []
        self.tree: Tree = {}

    def recipe(self, name: str) -> Recipe | None:
        for key in self.given:
            if key not in SECTIONS:
                self.report(str(key), f"unknown section; {nearest(str(key), SECTIONS)}")
        about = self.given.get("about") or ""
        self.tree["about"] = about if isinstance(about, str) else str(about)
        data = self.part("data", "datasets", self.given.get("data"))
        features = self.optional("features", "features", self.given.get("features"))
        generator = self.generator(self.given.get("generator"))
        critics = self.critics(self.mapping("critics", self.given.get("critics") or {}))
        train = self.section("train", Train)
        stages = self.stages(self.given.get("stages"), critics)
        self.check_length(stages, train)
        evaluate = self.evaluate(self.mapping("evaluate", self.given.get("evaluate") or {}))
        observers = self.parts("observers", "observers", self.given.get("observers") or {}, weighted=False)
        if data is None or generator is None or train is None or evaluate is None:
            return None
        return Recipe(
            name,
            self.tree,
            data,
            generator,
            critics,
            stages,
            train,
            evaluate,
            observers,
            features,
            self.tree["about"],
        )

    # -- sections

    def generator(self, section: Any) -> GeneratorSpec | None:
        given = self.mapping("generator", section)
        if not isinstance(section, Mapping):
            return None
        self.only("generator", given, ("network", "optimizer", "losses", "schedule"))
        network = self.part("generator.network", "generators", given.get("network"))
        optimizer = self.optimizer("generator.optimizer", given.get("optimizer"))
        losses = self.parts("generator.losses", "generator_losses", given.get("losses") or {})
        schedule = self.optional_torch("generator.schedule", given.get("schedule"))
        return GeneratorSpec(network, optimizer, losses, schedule) if network and optimizer else None

    def critics(self, given: Tree) -> dict[str, CriticSpec]:
        self.put("critics", {})
        found = {}
        for name, critic in given.items():
            if critic is not None and (spec := self.critic(f"critics.{name}", self.mapping(f"critics.{name}", critic))):
                found[str(name)] = spec
        return found

    def critic(self, path: str, given: Tree) -> CriticSpec | None:
        known = (
            "sampler",
            "representation",
            "discriminator",
            "objective",
            "losses",
            "weight",
            "optimizer",
            "schedule",
        )
        self.only(path, given, known)
        sampler = self.part(f"{path}.sampler", "samplers", given.get("sampler") or "whole")
        representation = self.optional(f"{path}.representation", "representations", given.get("representation"))
        discriminator = self.part(f"{path}.discriminator", "discriminators", given.get("discriminator"))
        objective = self.part(f"{path}.objective", "objectives", given.get("objective"))
        losses = self.parts(f"{path}.losses", "discriminator_losses", given.get("losses") or {})
        weight = self.weight(f"{path}.weight", given.get("weight", 1.0))
        optimizer = self.optimizer(f"{path}.optimizer", given.get("optimizer"))
        schedule = self.optional_torch(f"{path}.schedule", given.get("schedule"))
        if sampler is None or discriminator is None or objective is None or optimizer is None:
            return None
        return CriticSpec(sampler, discriminator, objective, optimizer, representation, losses, weight, schedule)

    def weight(self, path: str, given: Any) -> Weight:
        both = given if isinstance(given, Mapping) else {"critic": given, "generator": given}
        values = self.values(path, Schema.of(Weight), both)
        self.put(path, values)
        return Weight(**values)

    def stages(self, given: Any, critics: Mapping[str, CriticSpec]) -> tuple[StageSpec, ...]:
        self.put("stages", [])
        if given is None:
            given = [{"name": "training", "share": 1.0}]
        if not isinstance(given, list) or not all(isinstance(stage, Mapping) for stage in given) or not given:
            self.report("stages", f"got {given!r}, expected a list of stages such as {{name: warm-up, epochs: 10}}")
            return ()
        self.put("stages", [{} for _ in given])
        stages = tuple(self.stage(f"stages.{i}", dict(stage), i, critics) for i, stage in enumerate(given))
        self.check_shares([stage.length.share for stage in stages])
        return stages

    def check_shares(self, shares: Sequence[float | None]) -> None:
        given = [share for share in shares if share is not None]
        if given and len(given) < len(shares):
            self.report("stages", "some have a share and some steps or epochs; give all of them shares, or none")
        elif given and abs(sum(given) - 1) > 1e-6:
            self.report("stages", f"the shares add up to {sum(given):g}, not to 1")

    def stage(self, path: str, given: Tree, index: int, critics: Mapping[str, CriticSpec]) -> StageSpec:
        lengths = tuple(field.name for field in fields(Length))
        own = ("name", "critics", "losses", "generator_optimizer", "schedule", "keep_optimizers")
        self.only(path, given, (*own, *lengths))
        length = self.values(path, Schema.of(Length), {key: given[key] for key in lengths if key in given})
        if sum(value is not None for value in length.values()) != 1:
            self.report(path, "its length is missing; give one of steps, epochs, share (of train.steps)")
        for unit, value in length.items():
            if value is not None:
                self.put(f"{path}.{unit}", value)
        name = str(given.get("name", f"stage {index + 1}"))
        self.put(f"{path}.name", name)
        keep = given.get("keep_optimizers", False)
        if not isinstance(keep, bool):
            self.report(f"{path}.keep_optimizers", f"got {keep!r}, expected true or false")
        self.put(f"{path}.keep_optimizers", keep)
        active = self.stage_critics(f"{path}.critics", given.get("critics"), critics)
        losses = self.stage_losses(f"{path}.losses", given["losses"]) if given.get("losses") is not None else None
        optimizer = self.stage_optimizer(f"{path}.generator_optimizer", given.get("generator_optimizer"))
        schedule = self.optional_torch(f"{path}.schedule", given.get("schedule"))
        return StageSpec(name, Length(**length), active, losses, optimizer, schedule, bool(keep))

    def stage_critics(self, path: str, given: Any, critics: Mapping[str, CriticSpec]) -> tuple[str, ...] | None:
        if given is None:
            return None
        if not isinstance(given, list):
            self.report(path, f"got {given!r}, expected a list of critics' names ([] for none)")
            return ()
        for name in given:
            if name not in (self.given.get("critics") or {}) or (self.given["critics"][name] is None):
                self.report(path, f"{name!r}: no such critic; {nearest(str(name), critics)}")
        self.put(path, list(given))
        return tuple(given)

    def stage_losses(self, path: str, given: Any) -> dict[str, Part]:
        """A stage's entry starts from the recipe's loss of the same name: `{content: {weight: 7.5}}`."""
        base = lookup(self.given, "generator.losses") or {}
        merged = {}
        for name, loss in self.mapping(path, given).items():
            known = {"use": base[name]} if isinstance(base.get(name), str) else base.get(name)
            same = isinstance(known, dict) and isinstance(loss, dict) and "use" not in loss
            merged[name] = {**known, **loss} if same else loss  # type: ignore[dict-item]
        return self.parts(path, "generator_losses", merged)

    def stage_optimizer(self, path: str, given: Any) -> TorchPart | None:
        """A stage's optimizer starts from the generator's: `{lr: 2e-4}`."""
        base = lookup(self.given, "generator.optimizer")
        return None if given is None else self.optimizer(path, given, base if isinstance(base, dict) else None)

    def check_length(self, stages: Iterable[StageSpec], train: Train | None) -> None:
        if train and train.steps is None and any(stage.length.share for stage in stages):
            self.report("train.steps", "missing; give the number of steps (no stage has steps or epochs)")

    def evaluate(self, given: Tree) -> Evaluate | None:
        metrics = given.get("metrics") or []
        self.put("evaluate", {"metrics": []})
        if not isinstance(metrics, list):
            self.report("evaluate.metrics", f"got {metrics!r}, expected a list of metrics' names")
            metrics = []
        self.put("evaluate.metrics", [{} for _ in metrics])
        parts = [self.part(f"evaluate.metrics.{i}", "metrics", metric) for i, metric in enumerate(metrics)]
        numbers = {key: value for key, value in given.items() if key != "metrics"}
        values = self.values("evaluate", Schema.of(Evaluate, skip=frozenset({"metrics"})), numbers)
        for key, value in values.items():
            self.put(f"evaluate.{key}", value)
        return Evaluate(tuple(part for part in parts if part), **values)

    def section(self, path: str, factory: Callable[..., T]) -> T | None:
        before = len(self.problems)
        values = self.values(path, Schema.of(factory), self.mapping(path, self.given.get(path) or {}))
        self.put(path, values)
        return factory(**values) if len(self.problems) == before else None

    # -- parts

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
        start = torchparts.DEFAULT_OPTIMIZER if base is None or "use" not in base else base
        return self.torch(path, given if "use" in given else {**start, **given}, torchparts.optimizers)

    def optional_torch(self, path: str, given: Any) -> TorchPart | None:
        return None if given is None else self.torch(path, given, torchparts.schedules)

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
        if len(self.problems) == before and (refusal := torchparts.refusal(classes()[use], arguments)):
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

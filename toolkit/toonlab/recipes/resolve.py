"""Turn a recipe's tree into a complete, checked `Recipe`, collecting everything that is wrong on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from toonlab.errors import Problem, nearest
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.schema import Schema

from .resolve_parts import PartResolver, lookup
from .spec import CriticSpec, Evaluate, GeneratorSpec, Length, Part, Recipe, StageSpec, TorchPart, Train, Tree, Weight

T = TypeVar("T")
SECTIONS = ("about", "data", "features", "generator", "critics", "stages", "train", "evaluate", "observers")


def resolve(tree: Tree, name: str, catalogue: Catalogue) -> tuple[Recipe | None, list[Problem]]:
    """The recipe, or None with all that is wrong with it."""
    resolver = _Resolver(tree, catalogue)
    recipe = resolver.recipe(name)
    return (None if resolver.problems else recipe), resolver.problems


def resolve_part(tree: Tree, path: str, kind: str, catalogue: Catalogue) -> tuple[Part | None, list[Problem]]:
    """One part of a recipe alone, or None with all that is wrong with it."""
    resolver = PartResolver(tree, catalogue)
    part = resolver.part(path, kind, lookup(tree, path))
    return (None if resolver.problems else part), resolver.problems


def exists(tree: Tree, dotted: str, catalogue: Catalogue) -> bool:
    """Whether a path is there once every default is filled in."""
    completed = _Resolver(tree, catalogue)
    completed.recipe("")
    above, _, last = dotted.rpartition(".")
    there = lookup(completed.tree, above) if above else completed.tree
    return isinstance(there, Mapping) and last in there


class _Resolver(PartResolver):
    """One pass over a tree: `problems` collects what is wrong, `tree` what is complete."""

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
        self.check_select(train, evaluate)
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
        if given in (None, []) and not self.taught:  # the generator stays as it is
            return ()
        if given is None:
            given = [{"name": "training", "share": 1.0}]
        if not isinstance(given, list) or not all(isinstance(stage, Mapping) for stage in given) or not given:
            self.report("stages", f"got {given!r}, expected a list of stages such as {{name: warm-up, epochs: 10}}")
            return ()
        self.put("stages", [{} for _ in given])
        stages = tuple(self.stage(f"stages.{i}", dict(stage), i, critics) for i, stage in enumerate(given))
        self.check_shares([stage.length.share for stage in stages])
        return stages

    @property
    def taught(self) -> bool:
        """Whether there is anything that a generator could learn from."""
        sets = (lookup(self.given, "generator.losses"), self.given.get("critics"))
        return any(part is not None for named in sets if isinstance(named, Mapping) for part in named.values())

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
        stated = [unit for unit, value in length.items() if value is not None]
        if len(stated) != 1:
            wrong = f"{' and '.join(stated)} are given" if stated else "its length is missing"
            self.report(path, f"{wrong}; give one of steps, epochs, share (of train.steps)")
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

    def check_select(self, train: Train | None, evaluate: Evaluate | None) -> None:
        if train and evaluate:
            names = ["last", *(metric.use for metric in evaluate.metrics)]
            if train.select not in names:
                text = f"{train.select!r} is neither last nor one of evaluate.metrics; {nearest(train.select, names)}"
                self.report("train.select", text)

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

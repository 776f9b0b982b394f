"""A recipe's tree as a complete, checked `Recipe`, or an error with everything that is wrong with it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from toonlab.errors import RecipeError, nearest
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.schema import Parameter, Schema
from toonlab.types import STREAM_MARK, STREAMS
from toonlab.utils.yaml import MUST_BE_GIVEN

from .dotted_tree import DottedTree, Tree
from .resolve_parts import PartResolver
from .spec import CriticSpec, Evaluate, GeneratorSpec, Part, Recipe, StageSpec, TorchPart, Train, Weight, plain

SECTIONS = tuple(field.name for field in fields(Recipe) if field.name != "name")
_FILE_NAME = re.compile(r"[\w-]+")
_STAGE_PARTS = frozenset({"critics", "losses", "generator_optimizer", "schedule"})  # of which no schema is read
_CRITIC = Schema(
    {
        key: value
        for key, value in Schema.of(CriticSpec, strict=False).parameters.items()
        if key in ("real", "fake", "pool")
    }
)
_START = Schema({"weights": Parameter("weights", Path | None, None)})


def resolve(tree: Tree, name: str, catalogue: Catalogue, source: str | None = None) -> Recipe:
    """The recipe of a tree, with every default filled in.

    Raises:
        RecipeError: with everything that is wrong; it names the `source`, or else the recipe.
    """
    resolver = _Resolver(tree, catalogue)
    recipe = resolver.recipe(name)
    if resolver.problems:
        raise RecipeError(source or name, resolver.problems)
    return recipe


def resolve_part(tree: Tree, path: str, kind: str, catalogue: Catalogue, source: str) -> Part:
    """One part of a recipe alone.

    Raises:
        RecipeError: with everything that is wrong with it.
    """
    resolver = PartResolver(tree, catalogue)
    part = resolver.part(path, kind, resolver.given.get(path))
    if resolver.problems:
        raise RecipeError(source, resolver.problems)
    return part


def exists(tree: Tree, path: str, catalogue: Catalogue) -> bool:
    """Whether a recipe has a path once defaults are filled in; completes only the section that the path is in."""
    section = path.partition(".")[0]
    if section not in SECTIONS:
        return False
    if DottedTree(tree).get(path) == MUST_BE_GIVEN:
        return True
    return path in DottedTree({section: plain(getattr(_Resolver(tree, catalogue), section)())})


def parameter_at(tree: Tree, path: str, catalogue: Catalogue) -> Parameter | None:
    """The parameter at a dotted path of a recipe; None for a section, a part, and where there is none."""
    section, *keys = path.split(".")
    if keys[-1:] == ["use"] or path == "about":
        return Parameter(path, str, "")
    if section not in SECTIONS or not keys:
        return None
    here = getattr(_Resolver(tree, catalogue), section)()
    for key in keys[:-1]:
        here = _inside(here, key)
    return _parameters(here, catalogue).get(keys[-1])


def _inside(spec: Any, key: str) -> Any:
    if isinstance(spec, Part):
        return spec.parameters.get(key)
    if isinstance(spec, tuple):
        return dict(enumerate(spec)).get(int(key)) if key.isdigit() else None
    return spec.get(key) if isinstance(spec, Mapping) else getattr(spec, key, None)


def _parameters(spec: Any, catalogue: Catalogue) -> Mapping[str, Parameter]:
    if isinstance(spec, Part):
        return catalogue.get(spec.kind, spec.use).schema.parameters if spec.use in catalogue.names(spec.kind) else {}
    return Schema.of(type(spec), strict=False).parameters if is_dataclass(spec) else {}


class _Resolver(PartResolver):
    """A method for each section, which reads `given` and returns the section's specification."""

    def recipe(self, name: str) -> Recipe:
        for key in self.given.root:
            if key not in SECTIONS:
                self.report(str(key), f"unknown section; {nearest(str(key), SECTIONS)}")
        recipe = Recipe(name=name, **{section: getattr(self, section)() for section in SECTIONS})
        self.check_names(recipe)
        self.check_streams(recipe)
        names = ["last", *(metric.use for metric in recipe.evaluate.metrics)]
        if (select := recipe.train.select) not in names:
            text = f"{select!r} is neither last nor one of evaluate.metrics; {nearest(select, names)}"
            self.report("train.select", text)
        return recipe

    def about(self) -> str:
        return str(self.given.get("about") or "")

    def data(self) -> Part:
        return self.part("data", "datasets", self.given.get("data"))

    def features(self) -> Part | None:
        given = self.given.get("features")
        return None if given is None else self.part("features", "features", given)

    def observers(self) -> dict[str, Part]:
        return self.parts("observers", "observers", self.given.get("observers"))

    def train(self) -> Train:
        given = self.mapping("train", self.given.get("train") or {})
        return Train(**self.values("train", Schema.of(Train), given))

    def evaluate(self) -> Evaluate:
        given = self.mapping("evaluate", self.given.get("evaluate") or {})
        metrics = given.pop("metrics", None) or []
        if not isinstance(metrics, list):
            self.report("evaluate.metrics", f"got {metrics!r}, expected a list of metrics' names")
            metrics = []
        parts = [self.part(f"evaluate.metrics.{i}", "metrics", metric) for i, metric in enumerate(metrics)]
        return Evaluate(tuple(parts), **self.values("evaluate", Schema.of(Evaluate, frozenset({"metrics"})), given))

    def generator(self) -> GeneratorSpec:
        section = self.given.get("generator")
        given = self.mapping("generator", section)
        if not isinstance(section, Mapping):
            return GeneratorSpec(Part("generators", "", {}), TorchPart("", {}))
        self.only("generator", given, _names(GeneratorSpec))
        return GeneratorSpec(
            network=self.part("generator.network", "generators", given.get("network")),
            optimizer=self.optimizer("generator.optimizer", given.get("optimizer")),
            losses=self.parts("generator.losses", "generator_losses", given.get("losses")),
            schedule=self.schedule("generator.schedule", given.get("schedule")),
            **self.values("generator", _START, {key: given[key] for key in _START.parameters if key in given}),
        )

    # -- further generators and streams

    def generators(self) -> dict[str, Part]:
        return self.parts("generators", "generators", self.given.get("generators"))

    def streams(self) -> dict[str, tuple[str, str]]:
        found: dict[str, tuple[str, str]] = {}
        for name, given in self.mapping("streams", self.given.get("streams") or {}).items():
            if given is None:
                continue
            if not isinstance(given, list | tuple) or len(given) != 2 or not all(isinstance(i, str) for i in given):
                self.report(
                    f"streams.{name}", f"got {given!r}, expected a generator and a stream: [generator, cartoon]"
                )
            elif str(name) in STREAMS:
                self.report(f"streams.{name}", "every recipe has it; give another name")
            else:
                found[str(name)] = (given[0], given[1])
        return found

    def check_names(self, recipe: Recipe) -> None:
        """Generators and critics, which give files their names."""
        for path in [*(f"generators.{name}" for name in recipe.generators), *(f"critics.{n}" for n in recipe.critics)]:
            if not _FILE_NAME.fullmatch(path.partition(".")[2]):
                self.report(path, "files are named after it; give it letters, digits, _ and - only")

    def check_streams(self, recipe: Recipe) -> None:
        """Streams of generators that are there, each from one that does not need itself; names that exist."""
        known, nets = [*STREAMS, *recipe.streams], ["generator", *recipe.generators]
        for name, (net, source) in recipe.streams.items():
            if net not in nets:
                self.report(f"streams.{name}", f"{net!r}: no such generator; {nearest(net, nets)}")
            if source not in known:
                self.report(f"streams.{name}", f"{source!r}: no such stream; {nearest(source, known)}")
            elif _needs_itself(name, recipe.streams):
                self.report(f"streams.{name}", "is made from itself")
        for name in recipe.generators:
            if name == "generator":
                self.report("generators.generator", "is what the section generator is called; give another name")
            elif name not in {net for net, _ in recipe.streams.values()}:
                self.report(
                    f"generators.{name}", f"no stream uses it; give one, such as streams: {{x: [{name}, cartoon]}}"
                )
        for name, critic in recipe.critics.items():
            for side in ("real", "fake"):
                if (stream := getattr(critic, side)) not in known:
                    self.report(f"critics.{name}.{side}", f"{stream!r}: no such stream; {nearest(stream, known)}")
        for path, part in recipe.part_at.items():
            for stream in self.named_streams(part):
                if (value := part.parameters.get(stream)) is not None and value not in known:
                    self.report(f"{path}.{stream}", f"{value!r}: no such stream; {nearest(value, known)}")
                elif value is not None and part.kind == "metrics" and _origin(value, recipe.streams) != "photo":
                    text = (
                        f"{value!r}: is made of cartoons, and samples have photos; give a stream that is made of them"
                    )
                    self.report(f"{path}.{stream}", text)

    def named_streams(self, part: Part) -> list[str]:
        """The parameters of a part that name streams."""
        if part.use not in self.catalogue.names(part.kind):
            return []
        parameters = self.catalogue.get(part.kind, part.use).schema.parameters.values()
        return [each.name for each in parameters if STREAM_MARK in each.metadata]

    # -- critics

    def critics(self) -> dict[str, CriticSpec]:
        given = self.mapping("critics", self.given.get("critics") or {})
        present = {str(name): critic for name, critic in given.items() if critic is not None}
        return {name: self.critic(f"critics.{name}", critic) for name, critic in present.items()}

    def critic(self, path: str, given: Any) -> CriticSpec:
        given = self.mapping(path, given)
        self.only(path, given, _names(CriticSpec))
        seen = given.get("representation")
        return CriticSpec(
            sampler=self.part(f"{path}.sampler", "samplers", given.get("sampler") or "whole"),
            representation=None if seen is None else self.part(f"{path}.representation", "representations", seen),
            discriminator=self.part(f"{path}.discriminator", "discriminators", given.get("discriminator")),
            objective=self.part(f"{path}.objective", "objectives", given.get("objective")),
            losses=self.parts(f"{path}.losses", "discriminator_losses", given.get("losses")),
            weight=self.critic_weight(f"{path}.weight", given.get("weight", 1.0)),
            optimizer=self.optimizer(f"{path}.optimizer", given.get("optimizer")),
            schedule=self.schedule(f"{path}.schedule", given.get("schedule")),
            **self.values(path, _CRITIC, {key: given[key] for key in _CRITIC.parameters if key in given}),
        )

    def critic_weight(self, path: str, given: Any) -> Weight:
        both = given if isinstance(given, Mapping) else {"critic": given, "generator": given}
        return Weight(**self.values(path, Schema.of(Weight), both))

    # -- stages

    def stages(self) -> tuple[StageSpec, ...]:
        given = self.given.get("stages")
        if given in (None, []) and not self.learns:
            return ()
        if given is None:
            given = [{"name": "training", "share": 1.0}]
        if not isinstance(given, list) or not all(isinstance(stage, Mapping) for stage in given) or not given:
            self.report("stages", f"got {given!r}, expected a list of stages such as {{name: warm-up, epochs: 10}}")
            return ()
        stages = tuple(self.stage(f"stages.{i}", dict(stage), f"stage {i + 1}") for i, stage in enumerate(given))
        self.check_shares([stage.share for stage in stages])
        return stages

    @property
    def learns(self) -> bool:
        """Whether there is a loss or a critic that the generator could learn from."""
        sets = (self.given.get("generator.losses"), self.given.get("critics"))
        return any(part is not None for named in sets if isinstance(named, Mapping) for part in named.values())

    def check_shares(self, shares: Sequence[float | None]) -> None:
        given = [share for share in shares if share is not None]
        if given and len(given) < len(shares):
            self.report("stages", "some have a share and some steps or epochs; give all of them shares, or none")
        elif given and abs(sum(given) - 1) > 1e-6:
            self.report("stages", f"the shares add up to {sum(given):g}, not to 1")
        if (
            given
            and self.given.get("train.steps") is None
            and not any(p.path.startswith("train") for p in self.problems)
        ):
            self.report("train.steps", "missing; give the number of steps (no stage has steps or epochs)")

    def stage(self, path: str, given: Tree, default: str) -> StageSpec:
        self.only(path, given, _names(StageSpec))
        numbers = {key: value for key, value in given.items() if key in _names(StageSpec) - _STAGE_PARTS}
        numbers["name"] = str(given.get("name", default))
        values = self.values(path, Schema.of(StageSpec, _STAGE_PARTS), numbers)
        if len(lengths := [unit for unit in ("steps", "epochs", "share") if given.get(unit) is not None]) != 1:
            wrong = f"{' and '.join(lengths)} are given" if lengths else "its length is missing"
            self.report(path, f"{wrong}; give one of steps, epochs, share (of train.steps)")
        return StageSpec(
            **{"name": default, **values},
            critics=self.stage_critics(f"{path}.critics", given.get("critics")),
            losses=self.stage_losses(f"{path}.losses", given.get("losses")),
            generator_optimizer=self.stage_optimizer(f"{path}.generator_optimizer", given.get("generator_optimizer")),
            schedule=self.schedule(f"{path}.schedule", given.get("schedule")),
        )

    def stage_critics(self, path: str, given: Any) -> tuple[str, ...] | None:
        if given is None:
            return None
        if not isinstance(given, list):
            self.report(path, f"got {given!r}, expected a list of critics' names ([] for none)")
            return ()
        named = self.given.get("critics")
        critics = [name for name, critic in named.items() if critic is not None] if isinstance(named, Mapping) else []
        for name in given:
            if name not in critics:
                self.report(path, f"{name!r}: no such critic; {nearest(str(name), critics)}")
        return tuple(given)

    def stage_losses(self, path: str, given: Any) -> dict[str, Part] | None:
        """A stage's entry starts from the recipe's loss of the same name: `{content: {weight: 7.5}}`."""
        if given is None:
            return None
        merged = self.mapping(path, given)
        for name, loss in merged.items():
            base = self.given.get(f"generator.losses.{name}")
            base = {"use": base} if isinstance(base, str) else base
            if isinstance(base, dict) and isinstance(loss, dict) and "use" not in loss:
                merged[name] = {**base, **loss}
        return self.parts(path, "generator_losses", merged)

    def stage_optimizer(self, path: str, given: Any) -> TorchPart | None:
        """A stage's optimizer starts from the generator's: `{lr: 2e-4}`."""
        base = self.given.get("generator.optimizer")
        return None if given is None else self.optimizer(path, given, base if isinstance(base, dict) else None)


def _needs_itself(name: str, streams: Mapping[str, tuple[str, str]]) -> bool:
    seen = {name}
    while name in streams:
        name = streams[name][1]
        if name in seen:
            return True
        seen.add(name)
    return False


def _origin(name: str, streams: Mapping[str, tuple[str, str]]) -> str:
    """The photo or the cartoon that a stream is made of in the end; streams that need themselves are reported."""
    while name in streams and not _needs_itself(name, streams):
        name = streams[name][1]
    return "cartoon" if name == "cartoon" else "photo"


def _names(spec: type) -> set[str]:
    return {field.name for field in fields(spec)}

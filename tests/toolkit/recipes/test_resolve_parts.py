"""Parts of a recipe's tree: names, parameters and weights, optimizers and schedules."""

from typing import Any

import pytest

from toonlab import discover
from toonlab.recipes.resolve_parts import PartResolver
from toonlab.recipes.spec import Part, TorchPart
from toonlab.recipes.torch_classes import DEFAULT_OPTIMIZER


@pytest.fixture(scope="module")
def catalogue() -> Any:
    return discover()


@pytest.fixture
def resolver(catalogue: Any) -> PartResolver:
    return PartResolver({}, catalogue)


def problems(resolver: PartResolver) -> list[str]:
    return [str(problem) for problem in resolver.problems]


def test_a_part_by_its_name_is_a_part_with_defaults(resolver: PartResolver) -> None:
    short = resolver.part("sampler", "samplers", "ctss")
    assert short == resolver.part("sampler", "samplers", {"use": "ctss"})
    assert short == resolver.part("sampler", "samplers", {}, default="ctss")
    assert (short.use, short.parameters["patch_size"], short.weight) == ("ctss", 96, 1)
    assert resolver.problems == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (None, "at: missing; give a sampler, such as {use: "),
        (3, "at: got 3; give a sampler, such as {use: "),
        ({}, "at.use: missing; valid: "),
        ({"use": 3}, "at.use: missing; valid: "),
        ({"use": "???"}, "at.use: missing; valid: "),
        ({"use": "ctsss"}, "at.use: 'ctsss': no such sampler; did you mean 'ctss'?"),
        ({"use": "ctss", "k": 0}, "at.k: got 0, expected int, > 0"),
        ({"use": "ctss", "kk": 1}, "at.kk: unknown; did you mean 'k'?"),
        ({"use": "ctss", "k": "???"}, "at.k: must be given: at.k=…, int, > 0"),
        ({"use": "ctss", "weight": 1}, "at.weight: a weight is for losses and critics, not for a sampler"),
    ],
)
def test_parts_that_are_wrong(resolver: PartResolver, given: Any, says: str) -> None:
    part = resolver.part("at", "samplers", given)
    assert isinstance(part, Part)  # that the rest is checked, too
    (problem,) = problems(resolver)
    assert problem.startswith(says)


def test_a_part_with_a_problem_keeps_its_valid_values(resolver: PartResolver) -> None:
    part = resolver.part("at", "samplers", {"use": "ctss", "k": 0, "patch_size": 8})
    assert part.parameters["patch_size"] == 8
    assert "k" not in part.parameters


def test_named_parts_have_the_name_as_use_and_null_removes(resolver: PartResolver) -> None:
    given = {"content": {"weight": 2}, "tv": {"use": "total_variation"}, "color": None, "plain": "content"}
    parts = resolver.parts("losses", "generator_losses", given)
    assert {name: (part.use, part.weight) for name, part in parts.items()} == {
        "content": ("content", 2),
        "tv": ("total_variation", 1),
        "plain": ("content", 1),
    }
    assert resolver.parts("losses", "generator_losses", None) == {}
    assert resolver.problems == []


@pytest.mark.parametrize("weight", [2, 2.0, "2", "2e0"])
def test_a_weight_is_a_number_as_yaml_may_give_it(resolver: PartResolver, weight: Any) -> None:
    assert resolver.part("loss", "generator_losses", {"use": "content", "weight": weight}).weight == 2
    assert resolver.problems == []


@pytest.mark.parametrize("weight", ["much", True, None, [1]])
def test_a_weight_that_is_no_number(resolver: PartResolver, weight: Any) -> None:
    assert resolver.part("loss", "generator_losses", {"use": "content", "weight": weight}).weight == 1
    assert problems(resolver) == [f"loss.weight: got {weight!r}, expected float"]


def test_an_optimizer_without_a_class_changes_the_default_or_its_base(resolver: PartResolver) -> None:
    default = TorchPart("Adam", {"lr": 2e-4, "betas": (0.5, 0.999)})
    assert resolver.optimizer("at", None) == default
    assert DEFAULT_OPTIMIZER == {"use": "Adam", "lr": 2e-4, "betas": [0.5, 0.999]}
    assert resolver.optimizer("at", {"lr": "1e-3"}) == TorchPart("Adam", {**default.arguments, "lr": 1e-3})
    base = {"use": "SGD", "lr": 0.1}
    assert resolver.optimizer("at", {"momentum": 0.9}, base) == TorchPart("SGD", {"lr": 0.1, "momentum": 0.9})
    assert resolver.optimizer("at", {"lr": 1}, {"lr": 0.1}) == TorchPart("Adam", {**default.arguments, "lr": 1})
    assert resolver.optimizer("at", "RMSprop", base) == TorchPart("RMSprop", {})
    assert resolver.problems == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (3, "at: got 3, expected names with values"),
        ({"use": "Adamm"}, "at.use: 'Adamm' is not a class that a recipe can use; did you mean 'Adam'?"),
        ({"use": "LBFGS"}, "at.use: 'LBFGS' is not a class that a recipe can use"),
        ({"lr": "fast"}, "at.lr: got 'fast', expected "),
        ({"use": "Adam", "beta": 1}, "at.beta: unknown; did you mean 'betas'?"),
        ({"lr": -1}, "at: Adam refuses it: Invalid learning rate: -1"),
    ],
)
def test_optimizers_that_are_wrong(resolver: PartResolver, given: Any, says: str) -> None:
    assert isinstance(resolver.optimizer("at", given), TorchPart)
    (problem,) = problems(resolver)
    assert problem.startswith(says)


def test_schedules(resolver: PartResolver) -> None:
    assert resolver.schedule("at", None) is None
    given = {"use": "StepLR", "step_size": 3}
    assert resolver.schedule("at", given) == TorchPart("StepLR", {"step_size": 3})
    assert given == {"use": "StepLR", "step_size": 3}
    assert resolver.problems == []
    resolver.schedule("at", {"step_size": 3})
    resolver.schedule("at", {"use": "StepLR"})
    missing, required = problems(resolver)
    assert missing.startswith("at.use: missing; valid: ConstantLR")
    assert required.startswith("at.step_size: missing; give int")

"""The conformance kit: what toonlab expects of every kind of part, as tests for the authors of plugins.

    from toonlab.testing import SamplerTests

    class TestMySampler(SamplerTests):
        factory = MySampler
        parameters = {"patch_size": 16, "k": 2}

gives pytest a test for each property; `check_sampler(MySampler, patch_size=16, k=2)` tries all of them without pytest.
Both say of what fails what was expected, what was got, and what to change.
"""

from collections.abc import Callable, Mapping
from typing import Any

from .data import DatasetTests
from .frame import PartTests, check
from .losses import DiscriminatorLossTests, GeneratorLossTests
from .metrics import MetricTests
from .networks import DiscriminatorTests, FeaturesTests, GeneratorTests
from .objectives import ObjectiveTests
from .observers import ObserverTests
from .postprocessors import PostprocessorTests
from .representations import RepresentationTests
from .samplers import SamplerTests

TESTS: Mapping[str, type[PartTests]] = {
    tests.kind: tests
    for tests in (
        SamplerTests,
        RepresentationTests,
        DiscriminatorTests,
        GeneratorTests,
        ObjectiveTests,
        DiscriminatorLossTests,
        GeneratorLossTests,
        FeaturesTests,
        DatasetTests,
        MetricTests,
        PostprocessorTests,
        ObserverTests,
    )
}


def check_sampler(factory: Callable[..., Any], **parameters: Any) -> None:
    """Try all of `SamplerTests` on `factory(**parameters)`, whose patches have to fit images of 64x64.

    Raises:
        AssertionError: with a line for each test that failed: its name, and what to change.
    """
    check(SamplerTests, factory, parameters)


def check_representation(factory: Callable[..., Any], **parameters: Any) -> None:
    """All of `RepresentationTests`; errors as `check_sampler`'s."""
    check(RepresentationTests, factory, parameters)


def check_discriminator(factory: Callable[..., Any], **parameters: Any) -> None:
    """All of `DiscriminatorTests`, for several `in_channels`; errors as `check_sampler`'s."""
    check(DiscriminatorTests, factory, parameters)


def check_generator(factory: Callable[..., Any], **parameters: Any) -> None:
    """All of `GeneratorTests`; errors as `check_sampler`'s."""
    check(GeneratorTests, factory, parameters)


def check_objective(factory: Callable[..., Any], **parameters: Any) -> None:
    """All of `ObjectiveTests`; errors as `check_sampler`'s."""
    check(ObjectiveTests, factory, parameters)


def check_discriminator_loss(factory: Callable[..., Any], **parameters: Any) -> None:
    """All of `DiscriminatorLossTests`; errors as `check_sampler`'s."""
    check(DiscriminatorLossTests, factory, parameters)


def check_generator_loss(factory: Callable[..., Any], **parameters: Any) -> None:
    """All of `GeneratorLossTests`; errors as `check_sampler`'s."""
    check(GeneratorLossTests, factory, parameters)


def check_features(factory: Callable[..., Any], **parameters: Any) -> None:
    """All of `FeaturesTests`; errors as `check_sampler`'s."""
    check(FeaturesTests, factory, parameters)


def check_dataset(factory: Callable[..., Any], **parameters: Any) -> None:
    """All of `DatasetTests`; errors as `check_sampler`'s."""
    check(DatasetTests, factory, parameters)


def check_metric(factory: Callable[..., Any], **parameters: Any) -> None:
    """All of `MetricTests`; errors as `check_sampler`'s."""
    check(MetricTests, factory, parameters)


def check_postprocessor(factory: Callable[..., Any], **parameters: Any) -> None:
    """All of `PostprocessorTests`; errors as `check_sampler`'s."""
    check(PostprocessorTests, factory, parameters)


def check_observer(factory: Callable[..., Any], **parameters: Any) -> None:
    """All of `ObserverTests`; errors as `check_sampler`'s."""
    check(ObserverTests, factory, parameters)


__all__ = [
    "TESTS",
    "DatasetTests",
    "DiscriminatorLossTests",
    "DiscriminatorTests",
    "FeaturesTests",
    "GeneratorLossTests",
    "GeneratorTests",
    "MetricTests",
    "ObjectiveTests",
    "ObserverTests",
    "PartTests",
    "PostprocessorTests",
    "RepresentationTests",
    "SamplerTests",
    "check_dataset",
    "check_discriminator",
    "check_discriminator_loss",
    "check_features",
    "check_generator",
    "check_generator_loss",
    "check_metric",
    "check_objective",
    "check_observer",
    "check_postprocessor",
    "check_representation",
    "check_sampler",
]

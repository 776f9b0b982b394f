"""The conformance kit: what toonlab expects of every kind of part, as tests for the authors of plugins.

    from toonlab.testing import SamplerTests

    class TestMySampler(SamplerTests):
        factory = MySampler
        parameters = {"patch_size": 16, "k": 2}

gives pytest a test for each property; `check(SamplerTests, MySampler, patch_size=16, k=2)` runs all of them without
pytest. A failure says what was expected, what was got, and what to change.
"""

from collections.abc import Mapping

from .data import DatasetTests
from .executors import ExecutorTests
from .frame import PartTests, check
from .losses import DiscriminatorLossTests, GeneratorLossTests
from .metrics import MetricTests
from .networks import DiscriminatorTests, FeaturesTests, GeneratorTests
from .objectives import ObjectiveTests
from .observers import ObserverTests
from .postprocessors import PostprocessorTests
from .samplers import SamplerTests
from .views import RepresentationTests

__all__ = [
    "TESTS",
    "DatasetTests",
    "DiscriminatorLossTests",
    "DiscriminatorTests",
    "ExecutorTests",
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
    "check",
]

TESTS: Mapping[str, type[PartTests]] = {
    tests.kind: tests for tests in list(globals().values()) if hasattr(tests, "kind") and issubclass(tests, PartTests)
}

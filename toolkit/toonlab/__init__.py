"""toonlab: a pluggable GAN for photo cartoonization, and a benchmark that compares cartoonization GANs fairly.

Names are imported when they are first used, so that `import toonlab` and `toonlab --help` answer at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api.inspection import Inspection, inspect_picture
    from .api.results import Results, open_study
    from .api.run import TrainedRun, open_run
    from .api.study import compare, tune
    from .api.train import train
    from .api.votes import Poll
    from .api.weights import Weights, open_weights, save_weights
    from .errors import DivergedError, PartError, PluginError, RecipeError, ToonlabError, first_line, nearest
    from .images.canvas import Tile, compose
    from .images.folders import find_pictures, picture_manifest, picture_problems, picture_stem, scan_pictures
    from .images.io import read_picture
    from .ops.checks import check_images
    from .ops.crop import crop
    from .registry.catalogue import Catalogue, discover
    from .registry.executors import Executor, ExecutorFactory, Slot, TaskContext, UnfitSlotError
    from .registry.hookspecs import hookimpl, hookspec
    from .registry.protocols import (
        CriticParts,
        Dataset,
        DatasetFactory,
        DiscriminatorFactory,
        DiscriminatorLoss,
        DiscriminatorLossFactory,
        Encoder,
        Explains,
        FeaturesFactory,
        GeneratorFactory,
        GeneratorLoss,
        GeneratorLossFactory,
        Images,
        Metric,
        MetricFactory,
        Objective,
        ObjectiveFactory,
        ObserverFactory,
        Postprocessor,
        PostprocessorFactory,
        RepresentationFactory,
        SamplerFactory,
        Tunable,
        ViewTransform,
    )
    from .studies.results.votes import Vote
    from .types import (
        Batch,
        Context,
        Features,
        Logits,
        OnAccess,
        Outcome,
        Run,
        Sample,
        SamplerPart,
        Step,
        Stream,
        Truth,
        Views,
    )
    from .utils.databases import driver_error, open_database, sqlite_url
    from .utils.paths import cache_dir
    from .utils.progress import progress
    from .utils.reading import read_state_dict
    from .utils.rng import rng
    from .utils.text import duration, hide_password, printable, without_password
    from .utils.video import decoded_frames

_HOME = {
    "api.inspection": ["Inspection", "inspect_picture"],
    "api.results": ["Results", "open_study"],
    "api.run": ["TrainedRun", "open_run"],
    "api.study": ["compare", "tune"],
    "api.train": ["train"],
    "api.votes": ["Poll"],
    "api.weights": ["Weights", "open_weights", "save_weights"],
    "ops.checks": ["check_images"],
    "errors": ["DivergedError", "PartError", "PluginError", "RecipeError", "ToonlabError", "first_line", "nearest"],
    "images.canvas": ["Tile", "compose"],
    "images.folders": ["find_pictures", "picture_manifest", "picture_problems", "picture_stem", "scan_pictures"],
    "images.io": ["read_picture"],
    "ops.crop": ["crop"],
    "types": [
        "Batch", "Context", "Features", "Logits", "OnAccess", "Outcome", "Run", "Sample", "SamplerPart", "Step",
        "Stream", "Truth", "Views",
    ],
    "registry.executors": ["Executor", "ExecutorFactory", "Slot", "TaskContext", "UnfitSlotError"],
    "registry.hookspecs": ["hookimpl", "hookspec"],
    "registry.protocols": [
        "CriticParts", "Dataset", "DatasetFactory", "DiscriminatorFactory", "DiscriminatorLoss",
        "DiscriminatorLossFactory", "Encoder", "Explains", "FeaturesFactory", "GeneratorFactory", "GeneratorLoss",
        "GeneratorLossFactory", "Images", "Metric", "MetricFactory", "Objective", "ObjectiveFactory", "ObserverFactory",
        "Postprocessor", "PostprocessorFactory", "RepresentationFactory", "SamplerFactory", "Tunable", "ViewTransform",
    ],
    "registry.catalogue": ["Catalogue", "discover"],
    "studies.results.votes": ["Vote"],
    "utils.databases": ["driver_error", "open_database", "sqlite_url"],
    "utils.progress": ["progress"],
    "utils.rng": ["rng"],
    "utils.text": ["duration", "hide_password", "printable", "without_password"],
    "utils.paths": ["cache_dir"],
    "utils.video": ["decoded_frames"],
    "utils.reading": ["read_state_dict"],
}  # fmt: skip
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [  # noqa: RUF022 (grouped as above: this is the public contract)
    "check_images", "DivergedError", "PartError", "PluginError", "RecipeError", "ToonlabError", "Outcome", "Run",
    "Batch", "Context", "Features", "Logits", "Sample", "SamplerPart", "Step", "Stream", "Truth", "Views",
    "crop", "hookimpl", "hookspec",
    "CriticParts", "Dataset", "DatasetFactory", "DiscriminatorFactory", "DiscriminatorLoss",
    "DiscriminatorLossFactory", "Encoder", "Explains", "FeaturesFactory", "GeneratorFactory", "GeneratorLoss",
    "GeneratorLossFactory", "Images", "Metric", "MetricFactory", "Objective", "ObjectiveFactory", "ObserverFactory",
    "Postprocessor", "PostprocessorFactory", "RepresentationFactory", "SamplerFactory", "Tunable", "ViewTransform",
    "Executor", "ExecutorFactory", "Slot", "TaskContext", "UnfitSlotError", "Catalogue", "discover", "rng",
    "cache_dir",
    "train", "compare", "tune", "open_run", "TrainedRun", "open_study", "Results",
    "open_weights", "save_weights", "Weights", "inspect_picture", "Inspection", "Tile", "compose",
    "Poll", "Vote",
    "find_pictures", "read_picture", "read_state_dict", "picture_problems", "picture_stem", "picture_manifest",
    "OnAccess", "nearest",
    "first_line", "scan_pictures", "hide_password", "without_password", "printable", "duration", "progress",
    "decoded_frames",
    "driver_error", "open_database", "sqlite_url",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'toonlab' has no attribute {name!r}")
    value = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

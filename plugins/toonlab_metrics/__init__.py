"""Metrics: against a known truth, against a set of real cartoons, and against the photo.

Each has a card in the documentation, and `benchmarks/validity.py` tests its claims.
"""

from collections.abc import Mapping

from toonlab import DatasetFactory, MetricFactory, hookimpl

from .appearance import EdgeSharpness, Flatness
from .closeness import MSSSIM, PSNR, SSIM
from .content import ContentEdges, ContentSSIM
from .fidelity import KIDCLIP, FDDINOv2, PrecisionRecall
from .folders import EvaluationFolders
from .frechet import FID, KID, RandomKID
from .lines import Lines
from .outline import OutlineF1
from .regions import FlatColorError, ResidualTexture
from .surfaces import Colours, Surfaces
from .wasserstein import SlicedWasserstein

METRICS = (
    *(Lines, Surfaces, Colours, OutlineF1, FlatColorError, ResidualTexture, PSNR, SSIM, MSSSIM),  # against the truth
    *(KID, FID, RandomKID, SlicedWasserstein, EdgeSharpness, Flatness),  # against real cartoons
    *(FDDINOv2, KIDCLIP, PrecisionRecall),  # the same, by networks that are not tested here
    *(ContentEdges, ContentSSIM),  # against the photo
)


@hookimpl
def register_metrics() -> Mapping[str, MetricFactory]:
    return {metric.name: metric for metric in METRICS}


@hookimpl
def register_datasets() -> Mapping[str, DatasetFactory]:
    return {"evaluation_folders": EvaluationFolders}

"""EfficientNet-Lite0 with real ImageNet weights from pip: features for losses, and the distances of metrics."""

from collections.abc import Mapping

import toonlab

from .features import EfficientNetLite0
from .metric import KIDLite0


@toonlab.hookimpl
def register_features() -> Mapping[str, toonlab.FeaturesFactory]:
    return {"efficientnet_lite0": EfficientNetLite0}


@toonlab.hookimpl
def register_metrics() -> Mapping[str, toonlab.MetricFactory]:
    return {KIDLite0.name: KIDLite0}

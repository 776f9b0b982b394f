"""Metrics against a known truth: outline F1, PSNR, SSIM."""

from __future__ import annotations

from collections.abc import Mapping

from toonlab import MetricFactory, hookimpl

from .closeness import PSNR, SSIM
from .outline import OutlineF1


@hookimpl
def register_metrics() -> Mapping[str, MetricFactory]:
    return {"outline_f1": OutlineF1, "psnr": PSNR, "ssim": SSIM}

"""White-box's structure loss: the distance to the picture's own superpixel version."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field, NonNegativeFloat
from torch import Tensor

from toonlab import Step, Tunable, check_images
from toonlab.ops.filters import full_precision

from .adaptive import adaptive
from .labels import Coloring, paint
from .slic import scikit_slic, slic

Work = Callable[[NDArray[np.float32]], NDArray[np.int64]]


@dataclass(frozen=True)
class Structure:
    """L1 distance between the features of the fake and of its own superpixel version, for flat blocks of colour.

    Mean over all elements of a layer, then over layers; the superpixel version is computed from each fake, without a
    gradient. Wang and Yu, "Learning to Cartoonize Using White-box Cartoon Representations", CVPR 2020, section 3.2 and
    eq. 6. `slic` is the default of their code: superpixels by k-means over colour and position. `adaptive` is the
    paper's description: segments of Felzenszwalb and Huttenlocher, merged as in selective search, with adaptive
    colouring. On a CPU both run in threads during the features of the fake; on a GPU `slic` runs there.

    Args:
        mode: `slic` or `adaptive`.
        segments: of `slic`: approximate number of superpixels.
        compactness: of `slic`: weight of position against colour.
        coloring: of `slic`: each region's `mean`, or `mixed`: adaptive, by `gamma1` and `gamma2`. `adaptive` is always
            coloured adaptively.
        scale: of `adaptive`: larger gives larger segments.
        sigma: of `adaptive`: blur before segmenting, in pixels.
        min_size: of `adaptive`: pixels of the smallest segment.
        regions: of `adaptive`: the largest number of regions after merging.
        gamma1: standard deviation on a scale of 0 to 255, below which a region gets its mean.
        gamma2: the same, above which it gets its median; between the two, the mean of both.
        power: of `adaptive`: exponent on values in [0, 1], which are then stretched so that the largest is 1; larger
            than 1 for more contrast.
    """

    mode: Literal["slic", "adaptive"] = "slic"
    segments: Annotated[int, Field(gt=0), Tunable(50, 400, step=50)] = 200
    compactness: Annotated[float, Field(gt=0), Tunable(1.0, 40.0, log=True)] = 10.0
    coloring: Coloring = "mean"
    scale: Annotated[float, Field(gt=0), Tunable(1.0, 100.0, log=True)] = 10.0
    sigma: NonNegativeFloat = 0.8
    min_size: Annotated[int, Field(gt=0), Tunable(10, 200, step=10)] = 100
    regions: Annotated[int, Field(gt=0), Tunable(30, 200, step=10)] = 90
    gamma1: NonNegativeFloat = 20.0
    gamma2: NonNegativeFloat = 40.0
    power: Annotated[float, Field(gt=0), Tunable(1.0, 1.5, step=0.1)] = 1.2

    def __call__(self, step: Step) -> Tensor:
        target = self.begin(step.fake)
        step.features.layers(step.fake)  # kept: while threads compute the superpixels
        return step.features.mean_over_layers(F.l1_loss, step.fake, target())

    def superpixels(self, images: Tensor) -> Tensor:
        """Pictures of few flat regions: `(B, 3, H, W)` in [-1, 1] -> the same, without a gradient.

        Values outside [-1, 1] are clipped. Raises `PartError` unless there are 3 channels.
        """
        return self.begin(images)()

    def begin(self, images: Tensor) -> Callable[[], Tensor]:
        """Start to compute `superpixels`; the returned function waits for them."""
        check_images(images, "structure", channels=3)
        # a diverged network gives NaN: the engine reports the loss, so this must not fail before
        pictures = full_precision(images.detach()).nan_to_num(0.0).clamp(-1, 1)
        labels = self._labels(pictures)
        return lambda: self._colored(pictures, labels()).to(images.dtype)

    def _labels(self, pictures: Tensor) -> Callable[[], Tensor]:
        if self.mode == "adaptive":
            own = (self.scale, self.sigma, self.min_size, self.regions)
            return start(lambda picture: adaptive(picture, *own), pictures)
        if pictures.device.type == "cpu":  # where scikit-image is faster: benchmarks/structure.py
            return start(partial(scikit_slic, segments=self.segments, compactness=self.compactness), pictures)
        return partial(slic, pictures, self.segments, self.compactness)

    @torch.no_grad()
    def _colored(self, pictures: Tensor, labels: Tensor) -> Tensor:
        if self.mode == "slic":
            return paint(pictures, labels, self.coloring, self.gamma1, self.gamma2)
        unit = (paint(pictures, labels, "mixed", self.gamma1, self.gamma2) + 1) / 2
        darker = unit**self.power
        largest = darker.amax((1, 2, 3), keepdim=True)
        return 2 * torch.where(largest > 0, darker / largest, darker).clamp(0, 1) - 1  # black stays black


def start(work: Work, images: Tensor) -> Callable[[], Tensor]:
    """Start to process pictures in threads: `(B, C, H, W)`; the returned function waits for the results, `(B, H, W)`.

    Threads instead of processes: the expensive parts of scikit-image and numpy release the GIL. `work` maps `(H, W, C)`
    float32 to `(H, W)` and has to be a pure function, so that the results do not depend on the number of threads. The
    returned function raises its errors, and moves the results to the device of the images. With one core, or for one
    picture, the work is done at once.
    """
    pictures = list(np.ascontiguousarray(images.detach().float().movedim(1, -1).cpu().numpy()))
    if len(pictures) == 1 or cores() == 1:
        done = [work(picture) for picture in pictures]
        return lambda: torch.from_numpy(np.stack(done)).to(images.device)
    pool = ThreadPoolExecutor(cores())
    running = [pool.submit(work, picture) for picture in pictures]
    pool.shutdown(wait=False)  # its threads end with the last picture
    return lambda: torch.from_numpy(np.stack([future.result() for future in running])).to(images.device)


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

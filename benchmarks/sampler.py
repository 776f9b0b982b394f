"""The CTSS sampler against the formulation that extracts all patches, as the original does.

    python benchmarks/sampler.py [--batch 8] [--size 256] [--k 4] [--repeat 5]

All start from the same images (ToonWorld's cartoons) and the same edge map, and choose the same patches: the script
checks it.

- *unfold* extracts all candidate patches of colour and of edges, sums each patch of edges, takes the best of the batch
  and gathers them, as the original does with `tf.extract_image_patches`;
- *pooled* sums by average pooling, the best that can be had in one line without extracting anything;
- *ours* sums by an integral image.

`pooled` and `ours` cut only what is chosen. The pass `forward` is choice and cut, `both` adds the gradient of the
patches with respect to the images. Times are the fastest of some runs; memory is the most that torch's allocator held
beyond the images and the edge map, the patches (and the gradient) included. Writes
`benchmarks/results/sampler-<device>.json`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from _common import MIB, device, extra_bytes, fastest, report
from torch import Tensor

from toonlab import crop
from toonlab.ops.levels import to_float
from toonlab_ctss.sampler import CTSS
from toonlab_world.data.dataset import ToonWorld

PATCHES, STRIDES = (32, 64, 96, 128), (48, 16, 8, 4)
Method = Callable[[Tensor, Tensor, CTSS, int], Tensor]


def unfold(images: Tensor, edges: Tensor, sampler: CTSS, stride: int) -> Tensor:
    """All patches of colour and of edges, then the best."""
    size = sampler.patch_size
    scores = F.unfold(edges[:, None], size, stride=stride).sum(1)  # (B, n)
    image, place = best_of(scores, sampler.k)
    colour = F.unfold(images, size, stride=stride)  # (B, 3 * size * size, n)
    return colour[image, :, place].unflatten(1, (images.shape[1], size, size))


def pooled(images: Tensor, edges: Tensor, sampler: CTSS, stride: int) -> Tensor:
    """Sums by pooling, which adds every pixel once for every patch that it lies in."""
    size = sampler.patch_size
    means = F.avg_pool2d(edges[:, None], size, stride)[:, 0]  # (B, rows, columns)
    image, place = best_of(means.flatten(1), sampler.k)
    columns, side = means.shape[2], torch.full_like(place, size)
    boxes = torch.stack([image, place // columns * stride, place % columns * stride, side, side], 1)
    return crop(images, boxes, (size, size))


def ours(images: Tensor, edges: Tensor, sampler: CTSS, stride: int) -> Tensor:
    """What the sampler does after its edge map."""
    boxes, _ = sampler.best(edges, "stride_real")
    return crop(images, boxes, (sampler.patch_size, sampler.patch_size))


def best_of(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Image and place of the `k * B` best of a batch: `(B, n)` -> two of `(k * B,)`."""
    best = scores.flatten().topk(k * len(scores)).indices
    return best // scores.shape[1], best % scores.shape[1]


METHODS: dict[str, Method] = {"unfold": unfold, "pooled": pooled, "ours": ours}


def gradient(forward: Callable[..., Tensor], images: Tensor) -> Tensor:
    """The gradient of the chosen patches, all of whose pixels count alike, with respect to the images."""
    patches = forward(images)
    return torch.autograd.grad(patches, images, torch.ones_like(patches))[0]


def measure(patch: int, stride: int, images: Tensor, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A row for the forward pass and one for both passes."""
    sampler = CTSS(patch_size=patch, stride_real=stride / patch, k=options.k)
    edges, attached = sampler.saliency(images), images.clone().requires_grad_()
    methods = {name: partial(method, edges=edges, sampler=sampler, stride=stride) for name, method in METHODS.items()}
    if not all(torch.equal(methods["ours"](images), method(images)) for method in methods.values()):
        raise SystemExit(f"patch {patch}, stride {stride}: the methods choose different patches")
    forward = {name: partial(method, images) for name, method in methods.items()}
    both = {name: partial(gradient, method, attached) for name, method in methods.items()}
    for passes, works in (("forward", forward), ("both", both)):
        ms = {name: 1e3 * time for name, time in fastest(works, options.repeat, images.device).items()}
        mib = {name: extra_bytes(work, images.device) / MIB for name, work in works.items()}
        yield {
            "patch": patch,
            "stride": stride,
            "passes": passes,
            **{f"{name} ms": round(ms[name], 2) for name in METHODS},
            **{f"{name}/ours time": round(ms[name] / ms["ours"], 1) for name in ("unfold", "pooled")},
            **{f"{name} MiB": round(mib[name], 1) for name in METHODS},
            **{f"{name}/ours memory": round(mib[name] / mib["ours"], 1) for name in ("unfold", "pooled")},
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--k", type=int, default=4, help="patches per image")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    where = device()
    _, cartoons = ToonWorld(scenes=options.batch, size=options.size).train()
    images = to_float(torch.stack([cartoons[index] for index in range(options.batch)]).to(where))
    edge_map = fastest({"edge map": lambda: CTSS().saliency(images)}, options.repeat, where)["edge map"]
    rows = [row for patch in PATCHES for stride in STRIDES for row in measure(patch, stride, images, options)]
    report("sampler", where, rows, {**vars(options), "edge map ms": round(1e3 * edge_map, 2)})


if __name__ == "__main__":
    main()

"""Cartoonize a photo in strips: choose their height, store what later stages need, and stream."""

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.fx import Node

from toonlab.engine.evaluator import padded_side
from toonlab.errors import ToonlabError
from toonlab.inference.memory import free_memory
from toonlab.ops.levels import to_float, to_levels

from .graph import ROWS, NeedsWholeError, row_bytes, shape_of, tensor_of
from .moments import Moments
from .network import Network
from .operators import Normalised
from .stage import Source, Stage
from .stores import ELSEWHERE, InMemory, OnDisk, Store, scratch

STRIPS = {"cpu": 2**28, "cuda": 2**33}  # bytes that the strips of all maps may take: more saves no time
SHARE = 0.25  # of the memory, for strips; half of it is for stored maps


@dataclass
class Plan:
    """A network, the steps of each stage, and where maps are stored.

    `memory` are bytes of the device: on a CPU for strips and stored maps, on a GPU for strips alone.
    """

    network: Network
    memory: float
    device: torch.device
    counts: list[int] = field(default_factory=list)
    in_memory: set[Node] = field(default_factory=set)
    disk: int = 0  # bytes at the most

    def __post_init__(self) -> None:
        strips = min(SHARE * self.memory, STRIPS.get(self.device.type, 2**28))
        self.counts = [stage.fitting(strips) for stage in self.network.stages]
        peaks = [stage.peak(count) for stage, count in zip(self.network.stages, self.counts, strict=True)]
        self.need = max(peaks, default=0)
        room = (self.memory if self.device.type == "cpu" else free_memory(torch.device("cpu"))) / 2
        room = room if self.device.type != "cpu" or self.need <= SHARE * self.memory else 0
        held = dict.fromkeys(("memory", "disk"), 0)
        sizes: dict[Node, int] = {}
        for number, stage in enumerate(self.network.stages):
            for node in sorted(stage.stored, key=row_bytes):
                sizes[node] = size = row_bytes(node) * shape_of(node)[ROWS]
                if held["memory"] + size <= room:
                    self.in_memory.add(node)
                held["memory" if node in self.in_memory else "disk"] += size
            self.disk = max(self.disk, held["disk"])
            for node in self.unused_after(number):
                held["memory" if node in self.in_memory else "disk"] -= sizes[node]

    def unused_after(self, number: int) -> list[Node]:
        """The stored maps that no stage after this one reads, but this one reads or makes."""
        stages = self.network.stages
        later = {each.node for stage in stages[number + 1 :] for each in stage.operators if isinstance(each, Source)}
        stored = {node for stage in stages[: number + 1] for node in stage.stored}
        now = {each.node for each in stages[number].operators} & stored
        return [node for node in now if node not in later]

    def run(self, read: Callable[[int, int], Tensor], write: Callable[[int, Tensor], None]) -> None:
        """Stream a photo through the network.

        Args:
            read: rows of the padded photo, `(1, 3, h, W)` in [-1, 1].
            write: takes the number of the first row and rows of the network's output, from top to bottom.

        Raises:
            ToonlabError: if there is no room for temporary files.
        """
        folder = scratch()
        if self.disk and (free := shutil.disk_usage(folder).free) < self.disk:
            need, have = (f"{count / 2**30:.3g} GiB" for count in (self.disk, free))
            raise ToonlabError(f"{need} of temporary files don't fit into {folder}, which has {have}; {ELSEWHERE}")
        network, stores, known = self.network, dict[Node, Store](), dict[Node, Moments]()
        with ExitStack() as opened:
            for number, (stage, count) in enumerate(zip(network.stages, self.counts, strict=True)):
                for node in stage.stored:
                    small = node in self.in_memory
                    stores[node] = InMemory(node, self.device) if small else OnDisk(node, self.device, folder)
                    opened.callback(stores[node].close)
                known.update({node: Moments() for node in stage.measured})
                for each in stage.operators:
                    if isinstance(each, Source):
                        each.read = read if each.node is network.photo else stores[each.node].read
                    elif isinstance(each, Normalised):
                        each.statistics = network.moments(each.inputs[0], known)

                def take(node: Node, first: int, rows: Tensor, stage: Stage = stage) -> None:
                    if node in stage.stored:
                        stores[node].write(first, rows)
                    if node in stage.measured:
                        known[node].add(rows)
                    if node is network.output:
                        write(first, rows)

                stage.run(count, take)
                for mean, of in network.means.items():
                    if of in stage.measured:
                        value = known[of].mean.view(shape_of(mean))
                        network.constants.known[mean] = value.to(self.device, tensor_of(mean).dtype)
                for node in self.unused_after(number):
                    stores[node].close()


@torch.no_grad()
def cartoonize_in_strips(generator: nn.Module, photo: Tensor, memory: float) -> Tensor:
    """The cartoon of one photo, `(3, H, W)`, uint8 or float in [-1, 1], in the same form on the photo's device.

    It equals `cartoonize`'s up to rounding (float32 sums in another order).

    Args:
        generator: on the device to compute on.
        photo: on any device.
        memory: bytes to take, besides photo and cartoon; maps that don't fit are written to temporary files.

    Raises:
        NeedsWholeError: if the network can't be computed in strips, or the memory is too small for the narrowest.
        ToonlabError: if there is no room for temporary files.
    """
    _, height, width = photo.shape
    bottom, right = (padded_side(side, generator) - side for side in (height, width))
    device = next((each.device for each in [*generator.parameters(), *generator.buffers()]), photo.device)
    training = generator.training
    try:
        network = Network(generator.eval(), height + bottom, width + right, device)
    finally:
        generator.train(training)
    plan = Plan(network, memory, device)
    if plan.need > memory:
        raise NeedsWholeError(f"the narrowest strips take {plan.need / 2**30:.3g} GiB")
    cartoon = torch.empty_like(photo)

    def read(first: int, end: int) -> Tensor:
        at = torch.arange(first, end, device=photo.device).clamp_(max=height - 1)
        rows = to_float(photo.index_select(1, at)[None].to(device))
        return F.pad(rows, (0, right, 0, 0), mode="replicate")

    def write(first: int, rows: Tensor) -> None:
        inside = rows[0, :, : height - first, :width].float().clamp(-1, 1)
        finished = to_levels(inside) if photo.dtype == torch.uint8 else inside
        cartoon[:, first : first + inside.shape[1]] = finished

    plan.run(read, write)
    return cartoon

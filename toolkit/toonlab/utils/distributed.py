"""The devices of a training: one, or several processes launched by Lightning Fabric."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

from toonlab.errors import ToonlabError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

T = TypeVar("T")


@dataclass(frozen=True)
class DistributedContext:
    """The processes that train together; by default only this one.

    Every process computes the losses of its share of a batch, and gradients are averaged before a step. Networks are
    not wrapped, so losses can use them as on one device: freeze them, add penalties, run further forward passes.
    """

    device: torch.device
    rank: int = 0
    size: int = 1
    fabric: Fabric | None = None

    def mean(self, values: Tensor) -> Tensor:
        """The mean over all processes."""
        return values if self.fabric is None else self.fabric.all_reduce(values, reduce_op="mean")  # type: ignore[return-value]

    def average_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace every gradient by its mean over all processes, in one message; a missing one counts as zero."""
        if self.fabric is None:
            return
        grown = [parameter for parameter in parameters if parameter.requires_grad]
        for parameter in grown:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter in grown if parameter.grad is not None]
        mean = self.mean(torch.cat([gradient.flatten() for gradient in gradients]))
        for gradient, part in zip(gradients, torch.split(mean, [g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def gather(self, images: Tensor) -> Tensor:
        """`(B, …)` of every process, in the order of their ranks: `(size B, …)`."""
        if self.fabric is None:
            return images
        return self.fabric.all_gather(images).flatten(0, 1)  # type: ignore[union-attr]

    def on_first(self, work: Callable[[], T]) -> T:
        """Call a function on the first process while the others wait; all get its result, or its error."""
        if self.fabric is None:
            return work()
        done: T | Exception | None = None
        if self.rank == 0:
            try:
                done = work()
            except Exception as error:
                done = error
        done = self.fabric.broadcast(done)
        if isinstance(done, Exception):
            raise done
        return done  # type: ignore[return-value]

    def share(self, value: T) -> T:
        """The first process's value, for all."""
        return value if self.fabric is None else self.fabric.broadcast(value)


def launch(device: str = "auto", devices: int = 1, nodes: int = 1) -> DistributedContext:
    """Start the processes of a training (the same command again, once for each device), or join those of torchrun.

    Args:
        device: `auto` (a GPU where there is one), or any torch device; with several devices its kind counts.
        devices: processes on this machine.
        nodes: machines; each is started by torchrun, or with Fabric's environment variables.
    """
    under_torchrun = "TORCHELASTIC_RUN_ID" in os.environ
    if devices * nodes == 1 and not under_torchrun:
        return DistributedContext(pick_device(device))
    from lightning_fabric import Fabric

    kind = pick_device(device).type
    if kind == "cuda" and devices > torch.cuda.device_count():
        raise ToonlabError(f"--devices {devices}: this machine has {torch.cuda.device_count()} GPUs")
    here = int(os.environ["LOCAL_WORLD_SIZE"]) if under_torchrun else devices
    count = int(os.environ["WORLD_SIZE"]) // here if under_torchrun else nodes
    fabric = Fabric(accelerator=kind, devices=here, num_nodes=count, strategy="ddp")
    fabric.launch()
    return DistributedContext(fabric.device, fabric.global_rank, fabric.world_size, fabric)


def device_name(device: torch.device) -> str:
    """The model name of a GPU or of the processor, if the system reports it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def pick_device(name: str) -> torch.device:
    """`auto`: a GPU where there is one, else the CPU. CUDA is not initialized.

    Raises:
        ToonlabError: if there is no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.device_count() else "cpu"
    try:
        device = torch.device(name)
        if device.type != "cuda":
            torch.empty(0, device=device)
        elif (device.index or 0) >= (count := torch.cuda.device_count()):
            raise RuntimeError(f"there are {count} GPUs")
    except (RuntimeError, AssertionError) as error:
        text = str(error).partition("\n")[0]
        raise ToonlabError(f"--device {name}: not usable here: {text}; take auto or cpu") from error
    return device


def has_bf16(device: torch.device) -> bool:
    """Whether a device has bf16 instructions; other processors emulate bf16, tens of times slower."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    supported = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return supported is None or bool(supported())

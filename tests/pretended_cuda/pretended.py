"""A GPU that is not there: tensors without data that say that they lie on `cuda:0`, and what a step does with them.

    with training(recipe, catalogue) as (gan, stages), Watch() as watch:
        gan.step(next(stages), batch_of(8, 256), 0)
    assert not watch.waits

torch's `FakeTensorMode` knows shapes, dtypes and devices of results without computing them. It refuses operations that
mix devices; `Watch` notes those for which the program would wait for the GPU, and counts kernels. Python, and so every
plugin, is told `cuda:0`; torch's C++ half is told `meta`, since autograd would ask the driver for a stream. FakeTensor
is no public part of torch: what is needed of it is all in this file.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import torch
import torch._subclasses.fake_tensor as fake_tensor
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, unset_fake_temporarily
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

import toonlab_ctss.multiscale
import toonlab_whitebox.slic
from toonlab.engine.builder import build
from toonlab.engine.gan import GAN, ActiveStage
from toonlab.engine.stages import enter
from toonlab.ops.spectral import norm_together
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue
from toonlab.types import Batch
from toonlab.utils.distributed import DistributedContext

CUDA, META, CPU = torch.device("cuda", 0), torch.device("meta"), torch.device("cpu")
aten = torch.ops.aten


# -- the device


class PretendedCuda(FakeTensorMode):  # type: ignore[misc]
    """What C++ makes on the device of another tensor, which it takes for `meta`, belongs on the pretended device."""

    def dispatch(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is aten.exponential_.default:  # has no kernel for tensors without data
            return args[0]
        if not self.in_kernel_invocation and (kwargs or {}).get("device") == META:
            kwargs = {**kwargs, "device": CUDA}
        return super().dispatch(func, types, args, kwargs or {})


def _device_for_cpp(args: tuple[Any, ...]) -> torch.device:
    (tensor,) = args
    return META if tensor.fake_mode.in_kernel_invocation or tensor.fake_device.type == "cuda" else tensor.fake_device


@contextmanager
def pretended() -> Iterator[PretendedCuda]:
    """Within, `torch.empty(..., device="cuda")` works, and all tensors are without data."""
    inner = FakeTensor.__dict__["__torch_dispatch__"].__func__

    def dispatch(cls: Any, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _device_for_cpp(args) if func is torch.ops.prim.device.default else inner(cls, func, types, args, kwargs)

    handlers = {torch.ops.prim.device.default: _device_for_cpp}
    replaced: list[tuple[Any, str, Any]] = [
        (FakeTensor, "__torch_dispatch__", classmethod(dispatch)),
        (torch.cuda, "is_available", lambda: True),
        (torch.cuda, "is_bf16_supported", lambda *_: True),
        (torch.cuda, "current_device", lambda: 0),
        (torch.cuda, "_lazy_init", lambda: None),
        (torch.optim.Optimizer, "_accelerator_graph_capture_health_check", lambda _: None),
        (torch.optim.Optimizer, "_cuda_graph_capture_health_check", lambda _: None),  # its name before
        (torch, "autocast", _autocast),
    ]
    with ExitStack() as stack:
        for owner, name, value in replaced:
            if hasattr(owner, name):
                stack.enter_context(mock.patch.object(owner, name, value))
        stack.enter_context(mock.patch.dict(fake_tensor._DISPATCH_META_HANDLERS, handlers))
        stack.enter_context(_tables_made())
        yield stack.enter_context(PretendedCuda(allow_non_fake_inputs=False))


@contextmanager
def _tables_made() -> Iterator[None]:
    """Tables that are computed once on the CPU, with real numbers, and kept."""
    cells, weights = toonlab_whitebox.slic.cells, toonlab_ctss.multiscale._weights

    def made(height: int, width: int, segments: int, device: torch.device) -> toonlab_whitebox.slic.Cells:
        with unset_fake_temporarily():
            real = cells(height, width, segments, CPU)
        tables = {name: without_data(value) for name, value in vars(real).items() if isinstance(value, Tensor)}
        return replace(real, **tables)

    weights.cache_clear()  # with numbers before, without after
    with mock.patch.object(toonlab_whitebox.slic, "cells", made):
        yield
    weights.cache_clear()


def without_data(tensor: Tensor) -> Tensor:
    """A tensor like that one on the pretended device."""
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=CUDA)


def move(module: nn.Module, moved: dict[int, nn.Parameter] | None = None) -> None:
    """Move a module of real tensors to the pretended device, in place; `moved` keeps parameters that modules share."""
    moved = {} if moved is None else moved
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None and not isinstance(parameter, FakeTensor):
                if id(parameter) not in moved:
                    twin = nn.Parameter(without_data(parameter), requires_grad=parameter.requires_grad)
                    moved[id(parameter)] = twin
                part._parameters[name] = moved[id(parameter)]
        for name, buffer in part._buffers.items():
            if buffer is not None and not isinstance(buffer, FakeTensor):
                part._buffers[name] = without_data(buffer)


# -- a training on it


@contextmanager
def training(recipe: Recipe, catalogue: Catalogue) -> Iterator[tuple[GAN, Iterator[ActiveStage]]]:
    """A recipe's GAN on the pretended device, and its stages one by one."""
    gan = build(recipe, catalogue, DistributedContext(CPU))  # with numbers: its probe looks at some
    with pretended():
        moved: dict[int, nn.Parameter] = {}
        parts = [part for part in gan.parts().values() if isinstance(part, nn.Module)]
        for part in [*parts, *([gan.ema] if gan.ema else [])]:
            move(part, moved)
        gan = replace(gan, distributed=DistributedContext(CUDA))
        for critic in gan.critics.values():
            norm_together(critic.net)  # as the builder does on a GPU
        yield gan, _stages(gan, recipe)


def _stages(gan: GAN, recipe: Recipe) -> Iterator[ActiveStage]:
    stage = None
    for index in range(len(recipe.stages)):
        stage = enter(gan, recipe, index, 0, 100, stage)
        yield stage


def batch_of(count: int, side: int, channels_last: bool = False) -> Batch:
    """Photos and cartoons without data."""
    form = torch.channels_last if channels_last else torch.contiguous_format
    photo, cartoon = (torch.empty(count, 3, side, side, device=CUDA).to(memory_format=form) for _ in range(2))
    return Batch(photo, cartoon)


# -- autocast, which torch would apply by the device that its C++ half knows

_LOWER: set[Callable[..., Any]] = {
    *(F.conv2d, torch.conv2d, F.conv_transpose2d, torch.conv_transpose2d, F.linear, torch.addmm, torch.baddbmm),
    *(torch.matmul, Tensor.matmul, Tensor.__matmul__, torch.mm, torch.mv, torch.bmm, Tensor.bmm),
}
_HIGHER: set[Callable[..., Any]] = {
    *(F.group_norm, torch.group_norm, F.layer_norm, F.mse_loss, F.l1_loss, F.huber_loss, F.normalize),
    *(F.binary_cross_entropy_with_logits, Tensor.norm, torch.norm, torch.linalg.vector_norm),
    *(torch.pow, Tensor.pow, torch.sum, Tensor.sum, torch.cumsum),
}


class _Casts(TorchFunctionMode):
    """Autocast by CUDA's lists of functions; `dtype` None: off."""

    def __init__(self, dtype: torch.dtype | None) -> None:
        super().__init__()
        self.dtype = dtype

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        to = self.dtype if func in _LOWER else torch.float32 if func in _HIGHER else None
        if self.dtype is not None and to is not None:
            args, kwargs = tree_map_only(Tensor, lambda t: t.to(to) if _casts(t) else t, (args, kwargs or {}))
        return func(*args, **(kwargs or {}))


def _casts(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and tensor.dtype != torch.float64


@contextmanager
def _autocast(device_type: str, dtype: torch.dtype | None = None, enabled: bool = True, **_: Any) -> Iterator[None]:
    outer = [mode for mode in torch.overrides._get_current_function_mode_stack() if isinstance(mode, _Casts)]
    before = [mode.dtype for mode in outer]
    for mode in outer:
        mode.dtype = None  # the innermost counts
    try:
        with _Casts(dtype if enabled else None):
            yield
    finally:
        for mode, dtype_before in zip(outer, before, strict=True):
            mode.dtype = dtype_before


# -- what is done on it

# operations that compute nothing: views, and memory
_FREE = {
    *("view", "_unsafe_view", "reshape", "_reshape_alias", "permute", "transpose", "t", "movedim", "expand", "alias"),
    *(
        "squeeze",
        "squeeze_",
        "unsqueeze",
        "unsqueeze_",
        "slice",
        "select",
        "narrow",
        "diagonal",
        "as_strided",
        "unfold",
    ),
    *(
        "split",
        "split_with_sizes",
        "unsafe_split",
        "chunk",
        "unbind",
        "detach",
        "detach_",
        "lift_fresh",
        "is_same_size",
    ),
    *("empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "_version", "is_same_size"),
}
# operations of several kernels
_KERNELS = {
    **{"convolution_backward": 3, "native_group_norm": 3, "native_group_norm_backward": 4, "native_batch_norm": 2},
    **{"sort": 6, "argsort": 6, "index_put": 8, "index_put_": 8, "_index_put_impl_": 8, "cumsum": 2, "cumsum_": 2},
    **{"_fused_adam_": 4, "max_pool2d_with_indices_backward": 2, "dot": 2},
}
# operations whose results' shapes or values the program needs
_WAITS = {
    *("_local_scalar_dense", "nonzero", "equal", "is_nonzero", "masked_select", "_unique2", "unique_dim", "argwhere"),
    *("unique_consecutive", "bincount", "allclose", "histc"),
}
SMALL = 2**16  # bytes up to which a copy from memory that is not pinned is taken over without a wait


class Watch(TorchDispatchMode):
    """Within, kernels on the pretended device are counted, by operation, and what makes the program wait is noted.

    Of an operation that torch carries out by several kernels the usual number counts; see `_KERNELS`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kernels: Counter[str] = Counter()
        self.waits: Counter[str] = Counter()
        self.pinned: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        space, _, name = func._schema.name.partition("::")
        if space == "prim":  # asks for a property
            return func(*args, **kwargs)
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        on_device = any(tensor.device.type == "cuda" for tensor in given)
        if on_device and (name in _WAITS or _is_by_mask(name, args) or _is_unsized(name, kwargs)):
            self.waits[f"{name} {_place()}"] += 1
            if name == "equal":
                return True
            if name == "_local_scalar_dense":
                return args[0].dtype.is_floating_point or args[0].dtype == torch.bool or 1
        pin = kwargs.pop("pin_memory", False)
        out = func(*args, **kwargs)
        made = [leaf for leaf in tree_leaves(out) if isinstance(leaf, Tensor)]
        self.pinned |= {id(tensor) for tensor in made if pin}
        if name in ("_to_copy", "copy_"):
            self._note_copy(given[-1] if name == "copy_" else given[0], made[0], args, kwargs)
        if (on_device or any(tensor.device.type == "cuda" for tensor in made)) and name not in _FREE:
            self.kernels[name] += _KERNELS.get(name, 1)
        return out

    def _note_copy(self, source: Tensor, target: Tensor, args: Any, kwargs: dict[str, Any]) -> None:
        """Between devices the program goes on only if it is told to, and if large memory is pinned."""
        if source.device.type == target.device.type:
            return
        way = f"copy from {source.device.type} to {target.device.type}"
        if not (kwargs.get("non_blocking") or args[2:3] == (True,)):
            self.waits[f"{way} without non_blocking {_place()}"] += 1
        elif target.device.type == "cuda" and source.nbytes > SMALL and id(source) not in self.pinned:
            self.waits[f"{way} of {source.nbytes} bytes that are not pinned {_place()}"] += 1


def _is_by_mask(name: str, args: Any) -> bool:
    """Whether elements are chosen by a mask, whose sum the program needs."""
    masks = args[1] if name in ("index", "index_put", "index_put_") else ()
    return any(mask is not None and mask.dtype in (torch.bool, torch.uint8) for mask in masks)


def _is_unsized(name: str, kwargs: dict[str, Any]) -> bool:
    return name == "repeat_interleave" and kwargs.get("output_size") is None


def _place() -> str:
    """The innermost line of the project's that is being executed."""
    for frame in reversed(traceback.extract_stack()):
        for folder in ("/toolkit/toonlab/", "/plugins/toonlab_"):
            if folder in frame.filename:
                return f"at {folder[1:]}{frame.filename.rpartition(folder)[2]}:{frame.lineno}"
    return "in autograd"

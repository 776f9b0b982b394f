"""Operators of a network, row by row: which rows of its inputs some rows of an output need, and how to compute them."""

import math
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.fx import Node

from .graph import ROWS, Constants, NeedsWholeError, Rows, arguments_of, aten, dims_of, filled, is_pointwise, shape_of
from .moments import Moments


class RowOperator:
    """One node of the network, by default one whose rows depend on the same rows of the inputs.

    Args:
        node: of the recorded network.
        maps: its arguments that are maps, in order.
        constants: the values of the others.
    """

    def __init__(self, node: Node, maps: Sequence[Node], constants: Constants) -> None:
        self.node, self.inputs, self.constants = node, tuple(maps), constants
        self.shape = shape_of(node)
        self.height = self.shape[ROWS]
        self.heights = [shape_of(given)[ROWS] for given in maps]
        self.given = arguments_of(node)

    def needs(self, index: int, first: int, end: int) -> Rows:
        """The rows of input `index` for the rows `first` to `end` of the output; they grow with both."""
        return first, end

    def compute(self, pieces: Sequence[Tensor], rows: Rows) -> Tensor:
        """The output's rows from those of the inputs, each as `needs` says, empty where none is needed."""
        of = dict(zip(self.inputs, pieces, strict=True))

        def value(node: Node) -> Any:
            return of[node] if node in of else self.constants.rows(node, rows, self.height)

        target: Any = self.node.target
        result = target(*filled(self.node.args, value), **filled(self.node.kwargs, value))
        return result[0] if isinstance(result, tuple | list) else result

    def constant(self, name: str) -> Any:
        """An argument that may be a constant, None or a number."""
        given = self.given[name]
        return self.constants.value(given) if isinstance(given, Node) else given

    def require(self, condition: bool) -> None:
        if not condition:
            raise NeedsWholeError(f"{self.node.target} with {self.given} needs the whole picture")


class Same(RowOperator):
    """Its first input, such as an element of a tuple that is a single map here."""

    def compute(self, pieces: Sequence[Tensor], rows: Rows) -> Tensor:
        return pieces[0]


class Window(RowOperator):
    """A convolution or a pooling."""

    def __init__(self, node: Node, maps: Sequence[Node], constants: Constants) -> None:
        super().__init__(node, maps, constants)
        self.require(len(maps) == 1 and not self.given.get("ceil_mode"))
        self.kernel = _pair(self.given.get("kernel_size") or shape_of(self.given["weight"])[2:])
        self.stride = _pair(self.given["stride"] or self.kernel)
        self.dilation = _pair(self.given.get("dilation", 1))
        total = [dilation * (kernel - 1) for dilation, kernel in zip(self.dilation, self.kernel, strict=True)]
        padding = self.given["padding"]
        if isinstance(padding, str):
            self.require(padding == "valid" or not any(side % 2 for side in total))
            padding = [side // 2 if padding == "same" else 0 for side in total]
        self.padding, self.reach = _pair(padding), total[0] + 1
        self.require("weight" in self.given or self.padding == (0, 0))  # of a pooling: not zeros, or not counted

    def unclipped(self, first: int, end: int) -> Rows:
        return first * self.stride[0] - self.padding[0], (end - 1) * self.stride[0] - self.padding[0] + self.reach

    def needs(self, index: int, first: int, end: int) -> Rows:
        return _clipped(self.unclipped(first, end), self.heights[0])

    def compute(self, pieces: Sequence[Tensor], rows: Rows) -> Tensor:
        first, end = self.unclipped(*rows)
        top, bottom = max(0, -first), max(0, end - self.heights[0])
        piece = F.pad(pieces[0], (0, 0, top, bottom)) if top or bottom else pieces[0]
        if "weight" not in self.given:
            target: Any = self.node.target
            return target(piece, *self.node.args[1:], **self.node.kwargs)
        weight, bias, groups = self.constant("weight"), self.constant("bias"), self.given["groups"]
        return F.conv2d(piece, weight, bias, self.stride, (0, self.padding[1]), self.dilation, groups)


class TransposedConvolution(RowOperator):
    def __init__(self, node: Node, maps: Sequence[Node], constants: Constants) -> None:
        super().__init__(node, maps, constants)
        self.require(len(maps) == 1)
        names = ("stride", "padding", "dilation", "output_padding")
        self.stride, self.padding, self.dilation, self.extra = (_pair(self.given[name]) for name in names)
        self.reach = self.dilation[0] * (shape_of(self.given["weight"])[2] - 1)
        self.require(self.reach >= self.stride[0] - 1)

    def unclipped(self, first: int, end: int) -> Rows:
        stride, padding = self.stride[0], self.padding[0]
        return -(-(first + padding - self.reach) // stride), (end - 1 + padding) // stride + 1

    def needs(self, index: int, first: int, end: int) -> Rows:
        return _clipped(self.unclipped(first, end), self.heights[0])

    def compute(self, pieces: Sequence[Tensor], rows: Rows) -> Tensor:
        first, end = self.unclipped(*rows)
        top, bottom = max(0, -first), max(0, end - self.heights[0])
        piece = F.pad(pieces[0], (0, 0, top, bottom)) if top or bottom else pieces[0]
        weight, bias, groups = self.constant("weight"), self.constant("bias"), self.given["groups"]
        padding, extra = (0, self.padding[1]), (0, self.extra[1])
        made = F.conv_transpose2d(piece, weight, bias, self.stride, padding, extra, groups, self.dilation)
        start = rows[0] - (first * self.stride[0] - self.padding[0])
        return made[:, :, start : start + rows[1] - rows[0]]


class Pad(RowOperator):
    def __init__(self, node: Node, maps: Sequence[Node], constants: Constants) -> None:
        super().__init__(node, maps, constants)
        left, right, self.top, self.bottom, *rest = [*self.given["pad"], 0, 0][: max(4, len(self.given["pad"]))]
        self.columns, self.mode = (left, right), self.given["mode"]
        self.require(not any(rest) and self.mode in ("constant", "reflect", "replicate"))
        self.require(min(left, right, self.top, self.bottom) >= 0)

    def needs(self, index: int, first: int, end: int) -> Rows:
        first, end, height = first - self.top, end - self.top, self.heights[0]
        start, stop = _clipped((first, end), height)
        if self.mode == "reflect":  # of the bottom's rows the last needs the highest, of the top's the first the lowest
            start = min(start, 2 * (height - 1) - (end - 1)) if end > height else start
            stop = max(stop, 1 - first) if first < 0 else stop
        elif self.mode == "replicate":
            start, stop = min(start, height - 1), max(stop, 1)
        return start, stop

    def compute(self, pieces: Sequence[Tensor], rows: Rows) -> Tensor:
        first, end, height = rows[0] - self.top, rows[1] - self.top, self.heights[0]
        top, bottom = max(0, min(end, 0) - first), max(0, end - max(first, height))
        if self.mode == "constant":
            return F.pad(pieces[0], (*self.columns, top, bottom), value=self.given["value"] or 0)
        piece, start = pieces[0], self.needs(0, *rows)[0]
        if top or bottom or piece.shape[ROWS] != end - first:
            at = torch.arange(first, end, device=piece.device)
            if self.mode == "reflect":
                at = height - 1 - (height - 1 - at.abs()).abs()
            piece = piece.index_select(ROWS, at.clamp(0, height - 1) - start)
        return F.pad(piece, (*self.columns, 0, 0), self.mode) if any(self.columns) else piece


class SliceRows(RowOperator):
    def __init__(self, node: Node, maps: Sequence[Node], constants: Constants) -> None:
        super().__init__(node, maps, constants)
        start, height = self.given["start"] or 0, self.heights[0]
        self.start, self.step = min(start + height * (start < 0), height), self.given["step"]

    def needs(self, index: int, first: int, end: int) -> Rows:
        return self.start + first * self.step, self.start + (end - 1) * self.step + 1

    def compute(self, pieces: Sequence[Tensor], rows: Rows) -> Tensor:
        return pieces[0][:, :, :: self.step]


class ConcatenateRows(RowOperator):
    def needs(self, index: int, first: int, end: int) -> Rows:
        above = sum(self.heights[:index])
        return _clipped((first - above, end - above), self.heights[index])

    def compute(self, pieces: Sequence[Tensor], rows: Rows) -> Tensor:
        return torch.cat([piece for piece in pieces if piece.shape[ROWS]], ROWS)


class Enlarged(RowOperator):
    """A whole number of rows for each row, which may depend on `margin` neighbours on both sides.

    Upsampling, a shuffle of pixels, or a view that turns a row of pairs into a pair of rows.
    """

    def __init__(self, node: Node, maps: Sequence[Node], constants: Constants) -> None:
        super().__init__(node, maps, constants)
        name = str(node.target)
        self.margin = 2 if "bicubic" in name else 1 if "bilinear" in name else 0
        self.require(len(maps) == 1 and self.height % self.heights[0] == 0 and not self.given.get("align_corners"))
        self.factor = self.height // self.heights[0]
        before = shape_of(maps[0])
        if node.target is aten.view.default:
            self.require(
                before[:2] == self.shape[:2] and math.prod(before[3:]) == self.factor * math.prod(self.shape[3:])
            )
        elif node.target is not aten.pixel_shuffle.default:
            self.mode = name.split("_")[1].split("2d")[0]
            self.require(self.shape[3] % before[3] == 0)

    def needs(self, index: int, first: int, end: int) -> Rows:
        return _clipped((first // self.factor - self.margin, -(-end // self.factor) + self.margin), self.heights[0])

    def compute(self, pieces: Sequence[Tensor], rows: Rows) -> Tensor:
        (piece,) = pieces
        if self.node.target is aten.view.default:
            made = piece.reshape(*self.shape[:2], -1, *self.shape[3:])
        elif self.node.target is aten.pixel_shuffle.default:
            made = F.pixel_shuffle(piece, self.given["upscale_factor"])
        else:
            factors = (float(self.factor), self.shape[3] / piece.shape[3])
            made = F.interpolate(piece, scale_factor=factors, mode=self.mode)
        start = rows[0] - self.needs(0, *rows)[0] * self.factor
        return made[:, :, start : start + rows[1] - rows[0]]


class Normalised(RowOperator):
    """Group or instance norm, by statistics of the whole map; the planner sets `statistics`."""

    statistics: Moments

    def __init__(self, node: Node, maps: Sequence[Node], constants: Constants) -> None:
        super().__init__(node, maps, constants)
        self.require(len(maps) == 1 and maps[0] is self.given["input"] and self.given.get("use_input_stats", True))
        self.groups = self.given.get("num_groups", self.shape[1])
        self.eps = self.given["eps"]

    def compute(self, pieces: Sequence[Tensor], rows: Rows) -> Tensor:
        mean, variance = self.statistics.of_groups(self.groups)
        scale = (variance + self.eps).rsqrt()
        if (weight := self.constant("weight")) is not None:
            scale = scale * weight.detach().cpu()
        numbers = [value.to(pieces[0]).view(1, -1, 1, 1) for value in (mean, scale)]
        result = (pieces[0] - numbers[0]).mul_(numbers[1])
        bias = self.constant("bias")
        return result if bias is None else result.add_(bias.view(1, -1, 1, 1))


_KINDS: Mapping[Any, type[RowOperator]] = {
    operator.getitem: Same,
    aten.conv2d.default: Window,
    aten.conv2d.padding: Window,
    aten.avg_pool2d.default: Window,
    aten.max_pool2d.default: Window,
    aten.conv_transpose2d.input: TransposedConvolution,
    aten.pad.default: Pad,
    aten.view.default: Enlarged,
    aten.pixel_shuffle.default: Enlarged,
    aten.upsample_nearest2d.vec: Enlarged,
    aten.upsample_bilinear2d.vec: Enlarged,
    aten.upsample_bicubic2d.vec: Enlarged,
    aten.group_norm.default: Normalised,
    aten.instance_norm.default: Normalised,
}
_BY_ROW = {  # operators of single rows that torch does not tag as pointwise
    *(aten.detach.default, aten.alias.default, aten.dropout.default, aten.contiguous.default),
    *(aten.to.dtype, aten._to_copy.default, aten.prelu.default, aten.hardswish.default),
    aten._native_batch_norm_legit_no_training.default,
}


def row_operator(node: Node, maps: Sequence[Node], constants: Constants) -> RowOperator:
    """The operator of a node that makes a map from maps.

    Raises:
        NeedsWholeError: if it can't be computed row by row.
    """
    target = node.target
    if kind := _KINDS.get(target):
        return kind(node, maps, constants)
    if target in (aten.slice.Tensor, aten.cat.default, aten.stack.default, aten.mean.dim):
        dims = dims_of(node)
        if dims == {ROWS} and target is aten.slice.Tensor:
            return SliceRows(node, maps, constants)
        if dims == {ROWS} and target is aten.cat.default and len(maps) == len(node.args[0]):  # type: ignore[arg-type]
            return ConcatenateRows(node, maps, constants)
        by_row = all(dim > ROWS or (dim == 1 and target is not aten.stack.default) for dim in dims)
    else:
        by_row = is_pointwise(node) or target in _BY_ROW
    if not by_row or any(shape_of(given)[ROWS] != shape_of(node)[ROWS] for given in maps):
        raise NeedsWholeError(f"{target} needs the whole picture")
    return RowOperator(node, maps, constants)


def is_mean(node: Node) -> bool:
    """Whether a node averages each channel of a map over all pixels."""
    if node.target is aten.adaptive_avg_pool2d.default:
        return list(arguments_of(node)["output_size"]) == [1, 1]
    return node.target is aten.mean.dim and dims_of(node) == {ROWS, 3}


def _pair(sides: Any) -> tuple[int, int]:
    first, *rest = [sides] if isinstance(sides, int) else sides
    return first, rest[0] if rest else first


def _clipped(rows: Rows, height: int) -> Rows:
    first, end = rows
    return min(max(first, 0), height), min(max(end, 0), height)

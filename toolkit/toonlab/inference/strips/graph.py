"""A recorded network's nodes: their shapes, their arguments, and the values of constants.

A map is a tensor whose third dimension are the picture's rows, `(1, C, H, ...)`; constants are all other tensors.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.fx import Node

from toonlab.errors import ToonlabError

ROWS = 2  # the dimension
SMALL = 2**16  # numbers: larger constants, such as a weight for every pixel, are computed in strips too
Rows = tuple[int, int]  # first, end
aten = torch.ops.aten


class NeedsWholeError(ToonlabError):
    """A network has an operator that can't be computed row by row."""


def tensor_of(node: Node) -> Tensor:
    """The tensor of a node at the picture's size, without values; of several the first."""
    value = node.meta["val"]
    first: Tensor = value[0] if isinstance(value, tuple | list) else value
    return first


def shape_of(node: Node) -> torch.Size:
    return tensor_of(node).shape


def row_bytes(node: Node) -> int:
    """Of one row of a map."""
    value = tensor_of(node)
    return value.numel() // value.shape[ROWS] * value.element_size()


class Constants:
    """The values of constants, computed on demand and kept, if they are small.

    Args:
        known: parameters and buffers; statistics of maps are added as they become known.
    """

    def __init__(self, known: Mapping[Node, Tensor]) -> None:
        self.known = dict(known)

    def value(self, node: Node) -> Any:
        """The whole tensor of a constant node."""
        if node not in self.known:
            self.known[node] = self._computed(node, self.value)
        return self.known[node]

    def rows(self, node: Node, rows: Rows, height: int) -> Any:
        """A constant to be combined with rows of a map of this height: its own rows, if it has as many."""
        shape = shape_of(node)
        if len(shape) < 2 or height == 1 or shape[-2] != height:
            return self.value(node)
        if shape.numel() <= SMALL or not is_pointwise(node):
            return self.value(node)[..., rows[0] : rows[1], :]
        return self._computed(node, lambda given: self.rows(given, rows, height))

    def _computed(self, node: Node, value: Callable[[Node], Any]) -> Any:
        assert callable(node.target)
        return node.target(*filled(node.args, value), **filled(node.kwargs, value))


def filled(arguments: Any, value: Callable[[Node], Any]) -> Any:
    """Arguments of a node, with values in the places of nodes."""
    return torch.fx.node.map_arg(arguments, value)


def is_pointwise(node: Node) -> bool:
    return isinstance(node.target, torch._ops.OpOverload) and torch.Tag.pointwise in node.target.tags


def dims_of(node: Node) -> set[int]:
    """The dimensions that a node works on, from the front."""
    given = arguments_of(node)["dim"]
    of = len(shape_of(node.all_input_nodes[0])) + (node.target is aten.stack.default)
    return {dim % of for dim in ([given] if isinstance(given, int) else given)}


def arguments_of(node: Node) -> dict[str, Any]:
    """The arguments of a node by their names, with the defaults."""
    module = node.graph.owning_module
    assert module is not None
    named = node.normalized_arguments(module, normalize_to_only_use_kwargs=True)
    return dict(named.kwargs) if named else {}

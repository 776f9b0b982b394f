"""A generator, recorded for one size of picture as a graph of operators, and cut into stages."""

import warnings
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import nn
from torch.fx import Node

from toonlab.errors import first_line

from .graph import Constants, NeedsWholeError, aten, shape_of
from .moments import Moments
from .operators import Normalised, RowOperator, is_mean, row_operator
from .stage import Source, Stage


class Network:
    """A generator recorded at one size, cut into stages.

    Args:
        generator: photo -> cartoon; in eval mode.
        height: of the photo after padding.
        width: of it.
        device: of the generator.

    Raises:
        NeedsWholeError: if it can't be recorded, or has an operator that can't be computed row by row.
    """

    def __init__(self, generator: nn.Module, height: int, width: int, device: torch.device) -> None:
        photo = torch.empty(1, 3, height, width, device=device)  # never touched: takes address space only
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                program = torch.export.export(generator, (photo,), strict=False).run_decompositions({})
        except Exception as error:  # of many types; a network may do anything
            raise NeedsWholeError(f"can't be recorded: {first_line(error)}") from error
        del photo
        signature = program.graph_signature
        named = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
        lifted = signature.inputs_to_lifted_tensor_constants
        tensors = {name: program.state_dict.get(full, program.constants.get(full)) for name, full in named.items()}
        tensors |= {name: program.constants[full] for name, full in lifted.items()}
        graph = program.graph_module.graph
        (outputs,) = graph.output_node().args
        assert isinstance(outputs, Sequence)
        self.output = outputs[0]
        if not isinstance(self.output, Node) or tuple(shape_of(self.output)) != (1, 3, height, width):
            raise NeedsWholeError("its output has another size than the photo")
        self.constants = Constants({node: tensors[node.name] for node in graph.nodes if node.name in tensors})
        self._divide(_reached(graph.nodes, self.output))

    def _divide(self, nodes: Sequence[Node]) -> None:
        """Give every map an operator and a stage."""
        self.operators: dict[Node, RowOperator] = {}
        self.means: dict[Node, Node] = {}  # a mean over all pixels -> its map
        self.norms: dict[Node, Node] = {}  # a norm -> the map with the statistics
        self.shifts: dict[Node, tuple[Node, Node]] = {}  # a map less a number for each channel -> that map, the numbers
        stage: dict[Node, int] = {}  # in which a map is streamed; of a constant, in which it is known
        for node in nodes:
            given = [each for each in node.all_input_nodes if each in stage]
            stage[node] = max((stage[each] for each in given), default=0)
            maps = [each for each in given if each in self.operators]
            if node.op == "placeholder":
                if node not in self.constants.known:
                    self.photo = node
                    self.operators[node] = Source(node, lambda first, end: torch.empty(0), self.constants)
            elif maps and is_mean(node):
                self.means[node] = maps[0]
                stage[node] = stage[maps[0]] + 1
            elif maps:
                self.operators[node] = made = row_operator(node, maps, self.constants)
                if node.target is aten.sub.Tensor and node.args[0] is maps[0] and len(node.kwargs) == 0:
                    less = node.args[1]
                    if isinstance(less, Node) and shape_of(less) == (1, made.shape[1], 1, 1):
                        self.shifts[node] = maps[0], less
                if isinstance(made, Normalised):
                    base = maps[0]
                    while base in self.shifts:
                        base = self.shifts[base][0]
                    self.norms[node] = base
                    stage[node] = max(stage[node], stage[base] + 1)
        self.stages = self._stages(stage)

    def _stages(self, stage: Mapping[Node, int]) -> list[Stage]:
        measured = {*self.means.values(), *self.norms.values()}
        crossing = {
            given for each in self.operators.values() for given in each.inputs if stage[given] < stage[each.node]
        }
        self.origin: dict[Node, Node | None] = {}  # the one map in store that single rows of a map are computed from
        stored = set[Node]()
        for node, each in self.operators.items():
            origins = {self.origin[given] for given in each.inputs}
            by_row = type(each) in (RowOperator, Normalised)
            origin = origins.pop() if by_row and len(origins) == 1 else None
            if node is self.photo or (node in crossing and origin is None):
                stored.add(node)
                origin = node
            self.origin[node] = origin
        stages = []
        for number in sorted({stage[node] for node in self.operators}):
            here = {node for node in self.operators if stage[node] == number}
            made = (stored - {self.photo}) & here
            targets = made | (measured & here) | ({self.output} & here)
            if targets:
                members = self._behind(targets, {node for node in stored if stage[node] < number} | {self.photo})
                stages.append(Stage(members, targets, made, measured & here))
        return stages

    def _behind(self, targets: set[Node], sources: set[Node]) -> list[RowOperator]:
        """The operators that targets need, back to the sources, in order."""
        members, todo = set[Node](), list(targets)
        while todo:
            node = todo.pop()
            if node not in members:
                members.add(node)
                if node not in sources:
                    todo.extend(self.operators[node].inputs)
        blank = Source(self.photo, lambda first, end: torch.empty(0), self.constants)
        found = []
        for node, each in self.operators.items():
            if node in members:
                found.append(Source(node, blank.read, self.constants) if node in sources else each)
        return found

    def moments(self, node: Node, known: Mapping[Node, Moments]) -> Moments:
        """The statistics of a map, from those that were measured."""
        if node in known:
            return known[node]
        base, less = self.shifts[node]
        return self.moments(base, known).shifted(self.constants.value(less))


def _reached(nodes: Iterable[Node], output: Node) -> list[Node]:
    """The nodes that an output depends on, in order."""
    reached, todo = set[Node](), [output]
    while todo:
        node = todo.pop()
        if node not in reached:
            reached.add(node)
            todo.extend(node.all_input_nodes)
    return [node for node in nodes if node in reached]

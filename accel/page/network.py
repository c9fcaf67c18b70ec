"""A network and its program as JavaScript reads them: plain numbers, and arrays as base64.

Everything that a user's file decides (names of the network, its layers and tensors) is a JSON
string here and is shown as text there.
"""

import base64
import dataclasses
import re

import numpy as np

from accel import params as latencies
from accel.compiler import Mapping, compile_graph
from accel.graph.ir import (
    Add,
    AveragePool,
    Conv,
    Graph,
    Max,
    MaxPool,
    Min,
    Mul,
    Node,
    Requant,
    Softmax,
    Table,
)
from accel.isa import RECORD
from accel.labels import labels_of
from accel.machines import Machine
from accel.page import PageError, probes, vectors
from accel.page.wasm import Module
from accel.params import Params
from accel.program import Layer, Program

#: Images that come with a page, at most.
SAMPLES = 12
#: Layers whose numbers a page explains: a convolution, a table of a byte's function, a pooling,
#: each there or not; or an element-wise operator on two tensors.
_EXPLAINED = re.compile("(?=.)c?t?p?|e")
#: Those operators.
_PAIRS = Add | Mul | Max | Min


@dataclasses.dataclass(frozen=True)
class Network:
    """What a page is of.

    Attributes:
        graph, program: the network, and what the compiler made of it for one image.
        machine: the machine and its memory.
        images: int8 [image, height, width, channels], the first ones of the network's own.
        labels: their classes, or None.
        span: the smallest and the largest number that the network's user gives as a pixel.
    """

    graph: Graph
    program: Program
    machine: Machine
    images: np.ndarray
    labels: np.ndarray | None
    span: tuple[float, float]


def compiled(graph: Graph, params: Params) -> Program:
    """The program of a page: of one image, with every layer's result in memory, to be shown."""
    return compile_graph(graph, params, 1, mapping=Mapping(near=False, grouped=False))


def checked(graph: Graph, program: Program) -> None:
    """Refuse what a page cannot show: a host's part that is no softmax at the end.

    Raises:
        PageError: naming the network, the rule and the part.
    """
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise PageError(
            f"{graph.name}: a page shows one input and one output, not {len(graph.inputs)} and "
            f"{len(graph.outputs)}"
        )
    nodes = {node.name: node for node in graph.nodes}
    first, *others = program.steps
    behind = [nodes[name] for name in first.host]
    strange = next((node for node in behind if not isinstance(node, Softmax)), None)
    if others or strange:
        name = strange.name if strange else others[0].layers[0].name
        raise PageError(
            f"{graph.name}: a page computes on the machine alone, with at most a softmax behind "
            f"it; the host's part {name!r} cannot be shown (accel run simulates it)"
        )
    shape = graph.tensors[graph.inputs[0].tensor].shape
    if shape[2] not in (1, 3):
        raise PageError(
            f"{graph.name}: the input must be an image of 1 or 3 channels, not of shape {shape}"
        )


def described(network: Network, module: Module) -> dict:
    """Everything that the page's scripts know of the network, the machine and the module."""
    graph, program = network.graph, network.program
    (step,) = program.steps
    found = vectors.blocks(program, step, graph)
    return {
        "name": graph.name,
        "machine": _machine(network),
        "places": {name: dataclasses.asdict(place) for name, place in module.places.items()},
        "queues": probes.queues(program.params),
        "done": probes.done(program.params),
        "counted": probes.COUNTED,
        "causes": probes.CAUSES,
        "record": RECORD,
        "program": {
            "start": step.start, "commands": step.commands, "bytes": program.memory_bytes,
            "latency": network.machine.memory.latency_cycles,
            "bytes_per_cycle": network.machine.memory.bytes_per_cycle,
            "image": _packed(program.image),
        },
        "input": _input(network),
        "output": _output(network),
        "tensors": {
            name: _tensor(graph, program, name) for name in program.tensors if name in graph.tensors
        },
        "layers": [_layer(graph, layer, found.get(layer.name)) for layer in step.layers],
        "samples": [
            {"pixels": _packed(image),
             "label": None if network.labels is None else int(network.labels[number])}
            for number, image in enumerate(network.images)
        ],
    }  # fmt: skip


def _packed(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def _machine(network: Network) -> dict:
    names = ("IM2COL_LATENCY", "PE_LATENCY", "ACC_READ_LATENCY", "REQUANT_LATENCY")
    params = network.program.params
    return {
        "name": network.machine.name,
        **dataclasses.asdict(params),
        "bank_rows": params.bank_rows,
        "latencies": {name: getattr(latencies, name) for name in names},
    }


def _tensor(graph: Graph, program: Program, name: str) -> dict:
    place, tensor = program.tensors[name], graph.tensors[name]
    return {
        "address": place.address, "shape": place.shape, "pixel": place.pixel, "row": place.row,
        "scale": tensor.scale, "zero": tensor.zero_point,
    }  # fmt: skip


def _input(network: Network) -> dict:
    port = network.graph.inputs[0]
    low, high = network.span
    return {"tensor": port.tensor, "dtype": port.dtype, "away": port.away, "low": low, "high": high}


def _output(network: Network) -> dict:
    """The tensor that holds a number for each class, on the machine; whether it is a softmax's."""
    graph = network.graph
    tensor = graph.outputs[0].tensor
    made = {name: node for node in graph.nodes for name in node.outputs}
    if isinstance(made[tensor], Softmax):
        return {"tensor": made[tensor].input, "network": "softmax"}
    return {"tensor": tensor, "network": "logits"}


def _layer(graph: Graph, layer: Layer, found: list[vectors.Block] | None) -> dict:
    nodes = {node.name: node for node in graph.nodes}
    inside = [nodes[name] for name in layer.nodes if name in nodes]
    return {
        "name": layer.name, "op": layer.op, "unit": layer.unit, "mark": layer.mark_addr,
        "macs": layer.macs, "output": layer.output,
        "conv": next((_conv(node) for node in inside if isinstance(node, Conv)), None),
        "pool": next((_pool(node) for node in inside if isinstance(node, MaxPool | AveragePool)),
                     None),
        "table": next((_table(node) for node in inside if isinstance(node, Table)), None),
        "pair": next((_pair(node) for node in inside if isinstance(node, _PAIRS)), None),
        "input": inside[0].inputs[0] if inside else None,
        "explained": _EXPLAINED.fullmatch("".join(map(_letter, inside))) is not None,
        "blocks": None if found is None else [dataclasses.asdict(block) for block in found],
    }  # fmt: skip


def _conv(node: Conv) -> dict:
    return {
        "input": node.input, "shape": node.weights.shape, "weights": _packed(node.weights),
        "bias": node.bias.tolist(), "stride": node.stride, "padding": node.padding,
        "dilation": node.dilation, "groups": node.groups, **_requant(node.requant),
    }  # fmt: skip


def _requant(requant: Requant) -> dict:
    return {
        "multiplier": requant.multiplier.tolist(), "shift": requant.shift.tolist(),
        "zero": requant.zero_point, "lo": requant.lo, "hi": requant.hi,
        "rounding": requant.rounding.name,
    }  # fmt: skip


def _pair(node: Add | Mul | Max | Min) -> dict:
    """Two tensors' operator: sums have factors for both, a largest or smallest only bounds."""
    found = {"op": node.op, "inputs": node.inputs}
    if isinstance(node, Max | Min):
        return found | {"lo": node.lo, "hi": node.hi}
    factors = {"operands": node.operands, "offset": node.offset} if isinstance(node, Add) else {}
    return found | factors | _requant(node.requant)


def _pool(node: MaxPool | AveragePool) -> dict:
    found = {
        "kernel": node.kernel, "stride": node.stride, "padding": node.padding, "lo": node.lo,
        "hi": node.hi, "average": None,
    }  # fmt: skip
    if isinstance(node, AveragePool):
        found["average"] = {
            "factors": {str(count): pair for count, pair in node.table.items()},
            "from": node.in_zero, "zero": node.zero_point, "rounding": node.rounding.name,
        }  # fmt: skip
    return found


def _table(node: Table) -> dict:
    return {"name": node.op, "values": node.values.tolist()}


def _letter(node: Node) -> str:
    """What a layer's node is, in the words of _EXPLAINED."""
    kinds = {"c": Conv, "t": Table, "p": MaxPool | AveragePool, "e": _PAIRS}
    return next((letter for letter, kind in kinds.items() if isinstance(node, kind)), "?")


def labels(graph: Graph, given, count: int) -> np.ndarray | None:
    """The classes of ``count`` images, where they are known and whole numbers."""
    found = None if given is None else np.asarray(labels_of(graph, given, count))
    return found if found is not None and found.dtype.kind in "iu" else None

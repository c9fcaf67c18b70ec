"""What of a network the machine computes, and how its user's arrays lie in the machine's memory."""

import dataclasses

import numpy as np

from accel.cyclemodel import predict
from accel.errors import AccelError
from accel.golden.softmax_int8 import exp_table
from accel.golden.softmax_table import exponentials
from accel.graph.ir import Graph, HostNode, Port, Reshape, Softmax, Tensor
from accel.graph.rules import title
from accel.program import Placement, Program
from accel.sim.engine import Memory


class PackageError(AccelError, ValueError):
    """A network cannot be packaged, or a package is not one; the message says why."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One input or output: the user's ``port``, and the ``tensor`` in memory at ``place``.

    With ``softmax`` the driver computes that of the tensor; ``target`` is then its result.
    """

    port: Port
    tensor: Tensor
    place: Placement
    softmax: Softmax | None = None
    target: Tensor | None = None


@dataclasses.dataclass(frozen=True)
class Plan:
    """A network on a machine.

    ``stored``: the machine's tensors, by name, whose bytes are compared, in pieces as they lie in
    memory; each with the golden model's tensor that it must equal, from a channel on.
    ``left_out``: what the host must compute behind the outputs.  ``cycles``: what a run takes, as
    the cycle model predicts it for the memory that was asked for.
    """

    graph: Graph
    program: Program
    inputs: tuple[Entry, ...]
    outputs: tuple[Entry, ...]
    stored: tuple[tuple[Placement, str, int], ...]
    left_out: tuple[HostNode, ...]
    cycles: int


def plan(graph: Graph, program: Program, memory: Memory) -> Plan:
    """Return how a compiled network is packaged, for a machine with this memory.

    Raises:
        PackageError: the machine must be started several times, or reads what a host computes.
    """
    _check(graph, program)
    inputs = tuple(_input(graph, program, port) for port in graph.inputs)
    outputs, left_out = _outputs(graph, program)
    layers = [layer.output for layer in program.layers if not layer.near]
    names = dict.fromkeys([*(entry.tensor.name for entry in inputs), *layers])
    stored = tuple(
        (piece, program.copies.get(name, name), first)
        for name in names
        for first, piece in program.tensors[name].pieces
    )
    (step,) = (step for step in program.steps if step.commands)
    counters, _ = predict(program.params, program.image, step.start, step.commands, **memory.timing)
    return Plan(graph, program, inputs, outputs, stored, left_out, counters["cycles"])


def _check(graph: Graph, program: Program) -> None:
    """Refuse networks of several starts, with the host between them, and of none."""
    nodes = {node.name: node for node in graph.nodes}
    waiting = None  # the first node of the host
    for step in program.steps:
        if step.commands and waiting is not None:
            raise PackageError(
                f"{graph.name}: {title(waiting)} ({waiting.op}) is computed by the host, and the "
                f"machine's {step.layers[0].name!r} follows: a package has C only for what is "
                "behind the machine's last layer; cut the network there, or use accel hls"
            )
        for name in step.host:
            waiting = waiting or nodes[name]
    if not any(step.commands for step in program.steps):
        raise PackageError(f"{graph.name}: the machine computes none of its layers")


def _input(graph: Graph, program: Program, port: Port) -> Entry:
    if port.tensor not in program.tensors:
        raise PackageError(
            f"{graph.name}: input {port.name!r} is read by the host alone, and a package has C "
            "only for what is behind the machine's last layer"
        )
    return Entry(port, graph.tensors[port.tensor], program.tensors[port.tensor])


def _outputs(graph: Graph, program: Program) -> tuple[tuple[Entry, ...], tuple[HostNode, ...]]:
    """The outputs that the driver gives, and the host's nodes that remain for its user."""
    makers = {name: node for node in graph.nodes for name in node.outputs}
    hosted = {name for step in program.steps for name in step.host}
    found, left_out = [], {}

    def views(name):
        """The tensor of which this one is only another shape, if the host made it."""
        while isinstance(makers.get(name), Reshape) and name not in program.tensors:
            name = makers[name].input
        return name

    for port in graph.outputs:
        maker = makers.get(views(port.tensor))
        if maker is None or maker.name not in hosted:
            name = port.tensor
            found.append(Entry(port, graph.tensors[name], program.tensors[name]))
        elif isinstance(maker, Softmax) and _by_machine(makers, hosted, maker.input):
            place = program.tensors[maker.input]
            target = graph.tensors[maker.output]
            found.append(Entry(port, graph.tensors[maker.input], place, maker, target))
        else:
            left_out |= _behind(makers, hosted, maker)
    reads = [name for node in left_out.values() for name in node.inputs]
    for name in dict.fromkeys(reads):
        if _by_machine(makers, hosted, name) and name in program.tensors:
            tensor = graph.tensors[name]
            port = Port(name, name, tensor.shape, "HWC", "int8")
            found.append(Entry(port, tensor, program.tensors[name]))
    return tuple(found), tuple(left_out.values())


def _by_machine(makers, hosted, name) -> bool:
    return name not in makers or makers[name].name not in hosted


def _behind(makers, hosted, node) -> dict[str, HostNode]:
    """A node of the host and those of the host before it, by name, the first ones first."""
    found = {}
    for name in node.inputs:
        if name in makers and makers[name].name in hosted:
            found |= _behind(makers, hosted, makers[name])
    return found | {node.name: node}


def powers(entry: Entry) -> np.ndarray:
    """The table of an integer (int32) or a table (float32) softmax: at n, of a difference of -n."""
    softmax = entry.softmax
    if softmax.arithmetic == "integer":
        return exp_table(softmax.multiplier, softmax.shift).astype(np.int32)
    scale = float(np.float32(entry.tensor.scale))
    return exponentials(scale, entry.tensor.shape[2])[::-1].copy()

"""The whole way from a graph to a program."""

import contextlib
import dataclasses
import gc
from collections.abc import Iterator

import numpy as np

from accel.compiler import (
    allocate,
    copies,
    emit,
    near,
    near_lower,
    schedule,
    seats,
    steps,
    weave,
    weights,
    window_lower,
)
from accel.compiler.errors import CompileError
from accel.compiler.fed import Fed
from accel.compiler.layer import Context, MachineLayer
from accel.compiler.legalise import legalise
from accel.compiler.lower import Lowering, group_kernels
from accel.compiler.mapping import Mapping
from accel.compiler.ready import Ready
from accel.compiler.stream import ARRAY, BESIDE, Stream
from accel.graph.ir import Graph, Reshape, Slice
from accel.isa import RECORD_BYTES
from accel.params import Params
from accel.program import Layer, Placement, Program, Step


def compile_graph(
    graph: Graph,
    params: Params,
    batch: int,
    *,
    data: bool = True,
    mapping: Mapping | None = None,
) -> Program:
    """Compile a network for a machine and a batch size.

    Without ``data`` all is the same except that the weights in the program's image are zeros, and
    that no sums are checked: for whom looks at commands and cycles only, it is several times as
    fast.  ``mapping`` says how layers are cut (accel.mapper finds one); by default rough costs do.

    Raises:
        CompileError: naming the node, the rule and the value that breaks it.
    """
    if not isinstance(batch, int) or batch < 1:
        raise CompileError(f"{graph.name}: the batch must be a positive integer, not {batch!r}")
    with _no_collection():
        return _compile(graph, params, batch, data, mapping or Mapping())


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python's collector from looking through thousands of commands again and again.

    No garbage here is cyclic.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _compile(
    graph: Graph, params: Params, batch: int, data: bool, mapping: Mapping
) -> Program:
    graph, copied = copies.with_copies(graph)
    context = Context(graph, seats.seats(graph), params, batch, data)
    parts = steps.split(graph)
    layers = [legalise(context, part.machine) for part in parts]
    memory = allocate.Memory(params)
    drafts = [_Draft(step, context, mapping, memory) for step in layers]
    tensors = _place(context, parts, drafts, memory)
    # The window unit reads C bytes of every pixel, also of the last one with fewer channels.
    memory.take(params.cols)
    _check_memory(graph, memory.bytes, params)
    commands = [draft.lower(_ready(context, tensors), tensors) for draft in drafts]

    starts, offset = allocate.command_space([len(part) for part in commands], params)
    total = offset + memory.bytes
    _check_memory(graph, total, params)
    image = np.zeros(total, np.uint8)
    for start, part in zip(starts, commands, strict=True):
        encoded = emit.encode(part, offset)
        image[start : start + encoded.size] = encoded
    for address, record in (placed for draft in drafts for placed in draft.records if data):
        image[offset + address : offset + address + record.size] = record.make()
    return Program(
        params=params,
        batch=batch,
        image=image,
        memory_bytes=total,
        steps=tuple(
            Step(start, len(part), draft.layers(offset), tuple(node.name for node in nodes.host))
            for start, part, draft, nodes in zip(starts, commands, drafts, parts, strict=True)
        ),
        tensors={
            name: dataclasses.replace(placement, address=placement.address + offset)
            for name, placement in tensors.items()
        },
        copies=copied,
    )


class _Draft:
    """The layers of one step, with their weights and completion records placed.

    Parameters:
        layers: in order.
        context: what they are compiled for.
        mapping: how they are cut.
        memory: gives room for weights and records.
    """

    def __init__(self, layers: list, context: Context, mapping: Mapping, memory: allocate.Memory):
        self._layers, self._params = layers, context.params
        params = context.params
        self.records: list[tuple[int, weights.Record]] = []
        self._tilings = [mapping.of(layer, params) for layer in layers]
        self._pairs = near.pairs(context, layers, self._tilings) if mapping.near else {}
        #: The layers whose results stay on the chip.
        self._near = set()
        for number, pair in self._pairs.items():
            self._near |= {number, number + 1} if pair.feeds else {number}
        taken = {number + more for number, pair in self._pairs.items()
                 for more in range(3 if pair.feeds else 2)}  # fmt: skip
        self._woven = weave.pairs(context, layers, self._tilings, taken)
        self._addresses, self._sizes = [], {}
        for layer, tiling in zip(layers, self._tilings, strict=True):
            where = {}
            for key, record in _weights(layer, tiling, params):
                where[key] = memory.take(record.size)
                self._sizes[where[key]] = record.size
                self.records.append((where[key], record))
            self._addresses.append(where)
        self._marks = [memory.take(RECORD_BYTES) for _ in layers]
        self._counts: list[tuple[int, int, int]] = []

    def lower(self, ready: dict[str, Ready], tensors: dict[str, Placement]) -> list:
        """All commands in program order."""
        stream = Stream(self._params)
        number, fed = 0, None
        while number < len(self._layers):
            if pair := self._pairs.get(number):
                last = number + (2 if pair.follower else 1)
                fed = self._lower_pair(pair, number, last, stream, ready, tensors, fed)
                number = last + 1
            else:
                both = [number, number + 1] if number in self._woven and not fed else [number]
                self._lower(both, stream, ready, tensors, fed)
                number, fed = number + len(both), None
        for number, mark in enumerate(self._marks):
            self._counts.append(stream.mark(number, mark))
        return schedule.order(stream)

    def _lower_pair(
        self, pair: near.Pair, number: int, last: int, stream: Stream, ready, tensors,
        fed: Fed | None,
    ) -> Fed | None:
        """Add the commands of the layers from ``number`` to ``last``, which stay on the chip.

        ``fed``: the first's input if that is there, too.  Returns the next layer's, likewise.
        """
        layers, following = self._layers[number : last + 1], None
        if pair.feeds:
            reader = self._layers[number + 2]
            once = pair.follower and pair.together == len(layers[0].slices[0].groups)
            rows = pair.follower.height if once else reader.rows.size
            following = Fed(stream, reader, rows)
        view, output = layers[0].view.tensor, layers[-1].output
        source = None if fed else (tensors[view], ready[view])
        target = (tensors[output], ready[output]) if output in tensors else None
        near_lower.Chain(
            pair, number, layers, stream, source, target, self._addresses[number : last + 1], fed,
            following,
        ).run()
        return None if pair.follower else following

    def _lower(self, numbers: list[int], stream: Stream, ready, tensors, fed: Fed | None) -> None:
        """Add the commands of a layer, whose input may be ``fed``, or of two in turn."""
        lowerings = {}
        for number in numbers:
            layer, where, tilings = (
                every[number] for every in (self._layers, self._addresses, self._tilings)
            )
            stream.works_for(_unit(layer), number)
            views = [] if fed else [view.tensor for view in layer.views]
            sources = [(tensors[name], ready[name]) for name in views]
            target = tensors[layer.output], ready[layer.output]
            if isinstance(layer, MachineLayer):
                source = None if fed else sources[0]
                lowerings[number] = Lowering(
                    layer, tilings, stream, source, target, where, fed=fed
                )
            else:
                window_lower.lower(layer, stream, sources, target, where, tilings)
        weave.lower(lowerings, stream)

    @property
    def stored(self) -> list[str]:
        """The tensors that its layers store in memory."""
        return [
            layer.output for number, layer in enumerate(self._layers) if number not in self._near
        ]

    def layers(self, offset: int) -> tuple[Layer, ...]:
        """What a report needs of the layers; data addresses move up by ``offset``."""
        return tuple(
            Layer(
                name=layer.name,
                op=layer.op,
                nodes=layer.nodes,
                output=layer.output,
                macs=layer.macs,
                bytes_read=read,
                bytes_written=written,
                busy_cycles=busy,
                mark_addr=mark + offset,
                unit=_unit(layer),
                records=tuple((where[key] + offset, self._sizes[where[key]]) for key in where),
                near=number in self._near,
            )
            for number, (layer, (read, written, busy), mark, where) in enumerate(
                zip(self._layers, self._counts, self._marks, self._addresses, strict=True)
            )
        )


def _unit(layer) -> str:
    """Who computes a layer."""
    return ARRAY if isinstance(layer, MachineLayer) else BESIDE


def _weights(layer, tiling, params: Params):
    """The weight records of a layer, by what :class:`Lowering` or the window unit call them."""
    if not isinstance(layer, MachineLayer):
        yield from enumerate(window_lower.records(layer, params))
        return
    for number, part in enumerate(layer.slices):
        for index, group in enumerate(part.groups):
            kernels = group_kernels(layer, part, group, tiling[number])
            yield (number, index), weights.record(group, kernels, params)


def _place(context: Context, parts, drafts, memory: allocate.Memory) -> dict[str, Placement]:
    """Where every stored tensor lies, relative to the end of the commands."""
    graph, batch = context.graph, context.batch
    stored = [port.tensor for port in graph.inputs]
    stored += [name for draft in drafts for name in draft.stored]
    stored += [name for part in parts for node in part.host for name in node.outputs]
    stored = [name for name in stored if graph.tensors[name].dtype == "int8"]
    roots = {}
    for name in stored:
        root = context.seats[name].root
        if root not in roots:
            roots[root] = memory.take(batch * graph.tensors[root].size)
    stored += [node.output for node in graph.nodes if isinstance(node, seats.Moves)]
    tensors = {}
    for name in stored:
        seat = context.seats[name]
        tensors[name] = Placement(
            name, roots[seat.root] + seat.offset, graph.tensors[name].shape, batch,
            seat.pixel, seat.row, seat.image,
        )  # fmt: skip
    return tensors


def _ready(context: Context, tensors: dict[str, Placement]) -> dict[str, Ready]:
    """The readiness of every tensor at the start of a step: all that is there is ready."""
    roots, ready = {}, {}
    for name in tensors:
        root = context.seats[name].root
        if root not in roots:
            roots[root] = Ready(tensors[root], context.params.cols)
        ready[name] = roots[root]
    for node in context.graph.nodes:
        if isinstance(node, Reshape):
            ready[node.output] = ready[node.input].reshaped()
        elif isinstance(node, Slice):
            ready[node.output] = ready[node.input]
    return ready


def _check_memory(graph: Graph, size: int, params: Params) -> None:
    if size > 1 << params.addr_bits:
        raise CompileError(
            f"{graph.name}: a network too large for the address space: it needs {size} bytes, "
            f"addr_bits {params.addr_bits} reach {1 << params.addr_bits}"
        )

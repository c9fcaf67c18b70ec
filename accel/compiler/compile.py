"""The whole way from a graph to a program."""

import contextlib
import dataclasses
import gc
from collections.abc import Iterator

import numpy as np

from accel.compiler import allocate, copies, emit, grouped, seats, steps
from accel.compiler.draft import Draft
from accel.compiler.errors import CompileError
from accel.compiler.layer import Context, MachineLayer
from accel.compiler.legalise import legalise
from accel.compiler.mapping import Mapping
from accel.compiler.ready import Ready
from accel.graph.ir import Graph, Reshape, Slice
from accel.params import Params
from accel.program import Placement, Program, Step


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
    context, memory, drafts = _drafts(context, parts, mapping)
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
        record.write(image[offset + address : offset + address + record.size])
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


def _drafts(context: Context, parts, mapping: Mapping):
    """All layers, with the tensors between them by channel groups where they can be.

    Returns also their context, and the memory that weights and records have taken.

    Which tensors are in memory shows only when all layers are known; so they are made twice.
    """
    plain = {}
    if mapping.grouped:
        first = dataclasses.replace(context, data=False)
        _, drafts = _made(first, parts, mapping, {})
        layers = [layer for draft in drafts for layer in draft.machine_layers]
        tilings = [one for draft in drafts for one in draft.tilings]
        stored = {name for draft in drafts for name in draft.stored}
        first = dataclasses.replace(
            first, whole=grouped.whole(layers, tilings), parts=grouped.in_parts(layers, tilings)
        )
        names = grouped.chosen(first, layers, tilings, stored)
        seated = grouped.seats_of(context.graph, names, context.params.cols)
        plain = {layer.name: layer for layer in layers if isinstance(layer, MachineLayer)}
        context = dataclasses.replace(
            context, seats=context.seats | seated, whole=first.whole, parts=first.parts
        )
    memory, drafts = _made(context, parts, mapping, plain)
    return context, memory, drafts


def _made(context: Context, parts, mapping: Mapping, plain: dict[str, MachineLayer]):
    """All layers, and the memory that weights and records have taken."""
    layers = [legalise(context, part.machine) for part in parts]
    memory = allocate.Memory(context.params)
    return memory, [Draft(step, context, mapping, memory, plain) for step in layers]


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
            roots[root] = memory.take(batch * context.seats[root].image)
    stored += [node.output for node in graph.nodes if isinstance(node, seats.Moves)]
    tensors = {}
    for name in stored:
        seat = context.seats[name]
        tensors[name] = Placement(
            name, roots[seat.root] + seat.offset, graph.tensors[name].shape, batch,
            seat.pixel, seat.row, seat.image, seat.group, context.params.cols if seat.group else 0,
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

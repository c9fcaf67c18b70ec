"""The whole way from a graph to a program."""

import dataclasses

import numpy as np

from accel.compiler import allocate, emit, weights
from accel.compiler.errors import CompileError
from accel.compiler.legalise import legalise
from accel.compiler.lower import Lowering, group_kernels
from accel.compiler.stream import Ready, Stream
from accel.compiler.tile import tile
from accel.graph.ir import Graph, Reshape
from accel.isa import COMMAND_BYTES, RECORD_BYTES
from accel.params import Params
from accel.program import Layer, Placement, Program


def compile_graph(graph: Graph, params: Params, batch: int) -> Program:
    """Compile a network for a machine and a batch size.

    Raises:
        CompileError: naming the node, the rule and the value that breaks it.
    """
    if not isinstance(batch, int) or batch < 1:
        raise CompileError(f"{graph.name}: the batch must be a positive integer, not {batch!r}")
    layers = legalise(graph, params, batch)
    tilings = [_tilings(layer, params) for layer in layers]

    memory = allocate.Memory(params)
    records: list[tuple[int, np.ndarray]] = []
    addresses = []
    for layer, tiling in zip(layers, tilings, strict=True):
        addresses.append({})
        for number, part in enumerate(layer.slices):
            for index, group in enumerate(part.groups):
                kernels = group_kernels(layer, part, group, tiling[number])
                data = weights.record(group, kernels, params)
                addresses[-1][number, index] = memory.take(data.size)
                records.append((addresses[-1][number, index], data))
    tensors, ready = _place(graph, layers, memory, batch)
    marks = [memory.take(RECORD_BYTES) for _ in layers]
    _check_memory(graph, memory.bytes, params)

    stream = Stream(params)
    done = []
    for layer, tiling, where, mark in zip(layers, tilings, addresses, marks, strict=True):
        source, target = tensors[layer.view.tensor], tensors[layer.output]
        Lowering(
            layer,
            tiling,
            stream,
            (source, ready[source.address]),
            (target, ready[target.address]),
            where,
        ).run()
        done.append((*stream.mark(mark), mark))
    commands = emit.order(stream)

    offset = allocate.data_offset(len(commands) * COMMAND_BYTES, params)
    total = offset + memory.bytes
    _check_memory(graph, total, params)
    image = np.zeros(total, np.uint8)
    encoded = emit.encode(commands, offset)
    image[: len(encoded)] = np.frombuffer(encoded, np.uint8)
    for address, data in records:
        image[offset + address : offset + address + data.size] = data
    return Program(
        params=params,
        batch=batch,
        image=image,
        memory_bytes=total,
        start=0,
        commands=len(commands),
        tensors={
            name: dataclasses.replace(placement, address=placement.address + offset)
            for name, placement in tensors.items()
        },
        layers=tuple(
            Layer(
                name=layer.name,
                op=layer.op,
                nodes=layer.nodes,
                output=layer.output,
                macs=layer.macs,
                bytes_read=read,
                bytes_written=written,
                mark_addr=mark + offset,
            )
            for layer, (read, written, mark) in zip(layers, done, strict=True)
        ),
    )


def _tilings(layer, params: Params) -> list:
    """The tiling of every slice; slices of the same shape share theirs."""
    known = {}
    for part in layer.slices:
        shape = part.channels, len(part.groups), part.splittable
        if shape not in known:
            known[shape] = tile(layer, part, params)
    return [known[p.channels, len(p.groups), p.splittable] for p in layer.slices]


def _place(graph: Graph, layers, memory: allocate.Memory, batch: int):
    """Addresses of all tensors in memory, and the readiness of each address."""
    stored = [port.tensor for port in graph.inputs] + [layer.output for layer in layers]
    tensors, ready = {}, {}
    for name in dict.fromkeys(stored):
        tensor = graph.tensors[name]
        address = memory.take(batch * tensor.size)
        tensors[name] = Placement(name, address, tensor.shape, batch)
        ready[address] = Ready(tensors[name])
    for node in graph.nodes:
        if isinstance(node, Reshape):
            source, target = tensors[node.input], graph.tensors[node.output]
            if source.size != batch * target.size:
                raise CompileError(
                    f"{node.name}: a reshape keeps the number of elements, but {source.shape} "
                    f"becomes {target.shape}"
                )
            tensors[node.output] = Placement(
                node.output, source.address, target.shape, batch
            )
    return tensors, ready


def _check_memory(graph: Graph, size: int, params: Params) -> None:
    if size > 1 << params.addr_bits:
        raise CompileError(
            f"{graph.name}: a network too large for the address space: it needs {size} bytes, "
            f"addr_bits {params.addr_bits} reach {1 << params.addr_bits}"
        )

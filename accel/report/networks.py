"""What ``accel models`` shows: networks, and one network's layers, parameters and MACs."""

from collections.abc import Iterable

import rich.box
import rich.table

from accel.graph.ir import Conv, Graph
from accel.graph.macs import node_macs
from accel.network import Network


def parameters(node) -> int:
    """Trained values of a graph's node: weights and biases."""
    return node.weights.size + node.bias.size if isinstance(node, Conv) else 0


def _sizes(shape) -> str:
    return "x".join(map(str, shape))


def overview(rows: Iterable[tuple[str, tuple[int, ...], int, int, int, str]]) -> rich.table.Table:
    """A table of networks: (name, input shape, layers, parameters, MACs, weights) a row."""
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD)
    for column in ("network", "input"):
        table.add_column(column, overflow="fold")
    for column in ("layers", "parameters", "MACs"):
        table.add_column(column, justify="right")
    table.add_column("weights")
    for name, shape, layers, count, macs, weights in rows:
        table.add_row(name, _sizes(shape), str(layers), f"{count:,}", f"{macs:,}", weights)
    return table


def figures(graph: Graph) -> tuple[tuple[int, ...], int, int, int]:
    """(input shape, layers, parameters, MACs) of a quantised network."""
    return (
        tuple(graph.inputs[0].shape),
        len(graph.nodes),
        sum(parameters(node) for node in graph.nodes),
        sum(node_macs(node, graph.tensors) for node in graph.nodes),
    )


def _layers(title: str, rows) -> rich.table.Table:
    """A table of layers (name, op, output shape, parameters, MACs), with totals."""
    table = rich.table.Table(title=title, box=rich.box.SIMPLE_HEAD)
    for column in ("layer", "op", "output"):
        table.add_column(column)
    for column in ("parameters", "MACs"):
        table.add_column(column, justify="right")
    total_parameters = total_macs = 0
    for name, op, shape, count, work in rows:
        total_parameters, total_macs = total_parameters + count, total_macs + work
        table.add_row(name, op, _sizes(shape), f"{count:,}", f"{work:,}")
    table.add_section()
    table.add_row("total", "", "", f"{total_parameters:,}", f"{total_macs:,}")
    return table


def describe(name: str, summary: str, graph: Graph) -> rich.table.Table:
    """The layers of a quantised network; outputs are (height, width, channels)."""
    rows = (
        (node.name, node.op, graph.tensors[node.output].shape, parameters(node),
         node_macs(node, graph.tensors))
        for node in graph.nodes
    )  # fmt: skip
    return _layers(f"{name}: {summary}", rows)


def describe_float(network: Network) -> rich.table.Table:
    """The layers of a network's definition; outputs are (channels, height, width)."""
    rows = (
        (node.name, node.layer.op, node.shape, node.parameters, node.macs)
        for node in network.nodes
    )
    return _layers(f"{network.name}: {network.summary}", rows)

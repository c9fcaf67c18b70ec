"""What ``accel models`` shows: a network's layers, parameters and MACs."""

import rich.box
import rich.table

from accel.graph.ir import Conv, Graph
from accel.graph.macs import node_macs


def parameters(node) -> int:
    """Trained values of a node: weights and biases."""
    return node.weights.size + node.bias.size if isinstance(node, Conv) else 0


def describe(name: str, summary: str, graph: Graph) -> rich.table.Table:
    """A table of a network's layers, with totals."""
    table = rich.table.Table(title=f"{name}: {summary}", box=rich.box.SIMPLE_HEAD)
    for column in ("layer", "op", "output"):
        table.add_column(column)
    for column in ("parameters", "MACs"):
        table.add_column(column, justify="right")
    total_parameters = total_macs = 0
    for node in graph.nodes:
        count, work = parameters(node), node_macs(node, graph.tensors)
        total_parameters, total_macs = total_parameters + count, total_macs + work
        shape = "x".join(map(str, graph.tensors[node.output].shape))
        table.add_row(node.name, node.op, shape, f"{count:,}", f"{work:,}")
    table.add_section()
    table.add_row("total", "", "", f"{total_parameters:,}", f"{total_macs:,}")
    return table

"""Which layer of a report reads what which other one computed."""

from accel.graph.ir import Graph


def inputs(graph: Graph, batch, rows: list[dict]) -> dict[str, list[str]]:
    """For the rows of the first batch's program, the names of the rows that they read.

    What moves no bytes (a reshape, a slice, a concatenation) is looked through; a layer that is
    several nodes reads what comes from outside of them.
    """
    made = _made(graph, batch)
    known = {row["name"] for row in rows}
    nodes = {node.name: node for node in graph.nodes}
    producers = {name: node for node in graph.nodes for name in node.outputs}
    found = {}
    for name, inside in _inside(batch, nodes).items():
        own = {tensor for node in inside for tensor in node.outputs}
        wanted = [tensor for node in inside for tensor in node.inputs if tensor not in own]
        sources = dict.fromkeys(
            source for tensor in wanted for source in _sources(tensor, made, producers)
        )
        found[name] = [source for source in sources if source in known]
    for port in graph.outputs:
        found[port.name] = list(_sources(port.tensor, made, producers))
    return found


def _inside(batch, nodes: dict) -> dict[str, list]:
    """The nodes of each layer, and the host's."""
    found = {
        layer.name: [nodes[name] for name in layer.nodes if name in nodes]
        for layer in batch.program.layers
    }
    return found | {name: [nodes[name]] for name in batch.host_seconds if name in nodes}


def _made(graph: Graph, batch) -> dict[str, str]:
    """The row that each tensor comes out of."""
    made = {port.tensor: port.name for port in graph.inputs}
    made |= {layer.output: layer.name for layer in batch.program.layers}
    for node in graph.nodes:
        if node.name in batch.host_seconds:
            made |= dict.fromkeys(node.outputs, node.name)
    return made


def _sources(tensor: str, made: dict, producers: dict) -> list[str]:
    """The rows that a tensor comes from."""
    found, waiting, seen = {}, [tensor], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in made:
            found[made[name]] = None
        elif name in producers:
            waiting += reversed(producers[name].inputs)
    return list(found)

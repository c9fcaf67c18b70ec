"""Check a network before anything relies on it.

Importers call :func:`check` last, the compiler and the golden model first: behind it every shape,
length and range is known to be good.
"""

import math

from accel.graph.ir import External, Graph, HostNode, Node, OneInput, Port, Tensor
from accel.graph.node_checks import CHECKS, sum_bounds
from accel.graph.ports import DTYPES, HOST_DTYPES
from accel.graph.rules import ints, is_int, require, title

__all__ = ["check", "sum_bounds"]

LAYOUTS = {"CHW": 3, "HWC": 3, "N": 1}
#: What computes the parts of a network that the machine does not.
RUNTIMES = ("onnxruntime", "litert")


def check(graph: Graph) -> Graph:
    """Return ``graph`` if it keeps every rule.

    Raises:
        GraphError: naming node, tensor or port, the rule and the value.
    """
    for name, tensor in graph.tensors.items():
        _check_tensor(name, tensor)
    for kind, ports in (("input", graph.inputs), ("output", graph.outputs)):
        require(len(ports) > 0, "the network", f"must have at least one {kind}", 0)
        for port in ports:
            check_port(graph.tensors, kind, port)
    _check_unique("output port", [port.name for port in graph.outputs])
    _check_one_array(graph.inputs)
    _check_unique("input tensor", [port.tensor for port in graph.inputs])
    _check_unique("node", [node.name for node in graph.nodes])
    _check_order(graph)
    for node in graph.nodes:
        check_node(graph.tensors, node)
    return graph


def check_node(tensors: dict[str, Tensor], node: Node) -> None:
    """Check a node by itself; its tensors must exist.

    Raises:
        GraphError: naming the node, the rule and the value.
    """
    if isinstance(node, External):
        _check_external(tensors, node)
        return
    _check_dtypes(tensors, node)
    sources = tuple(tensors[name] for name in node.inputs)
    given = sources[0] if isinstance(node, OneInput) else sources
    CHECKS[type(node)](node, given, tensors[node.output])


def _check_unique(what, names) -> None:
    seen = set()
    for name in names:
        require(name not in seen, f"{what} {name!r}", "must have a name of its own", "a duplicate")
        seen.add(name)


def _check_one_array(inputs: tuple[Port, ...]) -> None:
    """Ports of one name take one array: a float input that is quantised in several ways."""
    first = {}
    for port in inputs:
        same = first.setdefault(port.name, port)
        require((port.shape, port.dtype) == (same.shape, same.dtype), f"input {port.name!r}",
                f"must be {same.dtype} {tuple(same.shape)} for all its tensors",
                f"{port.dtype} {tuple(port.shape)}")


def _check_tensor(name, tensor: Tensor) -> None:
    subject = f"tensor {name!r}"
    require(tensor.name == name, subject, "must be filed under its own name", repr(tensor.name))
    require(ints(tensor.shape, 3, 1) and isinstance(tensor.shape, tuple), subject,
            "shape must be three positive integers (height, width, channels)", tensor.shape)
    require(math.isfinite(tensor.scale) and tensor.scale > 0, subject,
            "scale must be positive and finite", tensor.scale)
    require(is_int(tensor.zero_point, -128, 127), subject,
            "zero point must be from -128 to 127", tensor.zero_point)
    require(tensor.dtype == "int8" or tensor.dtype in HOST_DTYPES, subject,
            f"dtype must be int8, or on the host one of {sorted(HOST_DTYPES)}", repr(tensor.dtype))
    if tensor.dtype != "int8":
        require((tensor.scale, tensor.zero_point) == (1, 0), subject,
                f"{tensor.dtype} must have scale 1 and zero point 0",
                (tensor.scale, tensor.zero_point))


def check_port(tensors: dict[str, Tensor], kind: str, port: Port) -> None:
    """Check an input or an output of a network, or of what a host computes of it.

    Raises:
        GraphError: naming the port, the rule and the value.
    """
    subject = f"{kind} {port.name!r}"
    require(port.tensor in tensors, subject, "tensor must exist", repr(port.tensor))
    tensor = tensors[port.tensor]
    known = DTYPES if tensor.dtype == "int8" else {tensor.dtype}
    require(port.dtype in known, subject,
            f"dtype must be one of {sorted(known)}, its tensor's", repr(port.dtype))
    require(port.layout in LAYOUTS, subject, f"layout must be one of {sorted(LAYOUTS)}",
            repr(port.layout))
    require(math.prod(port.shape) == tensor.size, subject,
            f"shape must hold the tensor's {tensor.size} elements", tuple(port.shape))


def _check_order(graph: Graph) -> None:
    """Every tensor is computed once, before its users: so there is neither gap nor cycle."""
    ready = {port.tensor for port in graph.inputs}
    for node in graph.nodes:
        require(isinstance(node, (*CHECKS, External)), title(node), "must be a known kind",
                type(node).__name__)
        for role, names in (("input", node.inputs), ("output", node.outputs)):
            for name in names:
                require(name in graph.tensors, title(node), f"{role} tensor must exist",
                        repr(name))
        for name in node.inputs:
            require(name in ready, title(node), "input must be computed before (no cycles)",
                    repr(name))
        for name in node.outputs:
            require(name not in ready, title(node), "output must be computed by one node only",
                    repr(name))
            ready.add(name)
    for port in graph.outputs:
        require(port.tensor in ready, f"output {port.name!r}", "tensor must be computed",
                repr(port.tensor))


def _check_external(tensors: dict[str, Tensor], node: External) -> None:
    """Its ports fit its tensors."""
    require(node.runtime in RUNTIMES, title(node), f"runtime must be one of {RUNTIMES}",
            repr(node.runtime))
    require(len(node.writes) > 0, title(node), "must have at least one output", 0)
    for kind, ports in (("input", node.reads), ("output", node.writes)):
        for port in ports:
            check_port(tensors, f"{title(node)}: {kind}", port)


def _check_dtypes(tensors: dict[str, Tensor], node: Node) -> None:
    """Other types than int8 are the host's: only it makes them, only it computes on with them."""
    for name in node.inputs:
        require(tensors[name].dtype == "int8", title(node),
                f"input {name!r} must be int8", tensors[name].dtype)
    output = tensors[node.output]
    require(output.dtype == "int8" or isinstance(node, HostNode), title(node),
            f"output {output.name!r} must be int8", output.dtype)

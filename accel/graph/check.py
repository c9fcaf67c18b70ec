"""Check a network before anything relies on it.

Importers call :func:`check` last, the compiler and the golden model first: behind it every shape,
length and range is known to be good.
"""

import math

import numpy as np

from accel.graph.ir import (
    AveragePool,
    Conv,
    Graph,
    GraphError,
    MaxPool,
    Node,
    Port,
    Requant,
    Reshape,
    Tensor,
)
from accel.graph.ports import DTYPES
from accel.graph.shapes import node_shape, pool_counts
from accel.isa import Rounding
from accel.quant import SHIFT_MAX, SHIFT_MIN

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1
LAYOUTS = {"CHW": 3, "HWC": 3, "N": 1}


def check(graph: Graph) -> Graph:
    """Return ``graph`` if it keeps every rule.

    Raises:
        GraphError: naming node, tensor or port, the rule and the value.
    """
    for name, tensor in graph.tensors.items():
        _check_tensor(name, tensor)
    for kind, ports in (("input", graph.inputs), ("output", graph.outputs)):
        _require(len(ports) > 0, "the network", f"must have at least one {kind}", 0)
        for port in ports:
            _check_port(graph, kind, port)
        _check_unique(f"{kind} port", [port.name for port in ports])
    _check_unique("input tensor", [port.tensor for port in graph.inputs])
    _check_unique("node", [node.name for node in graph.nodes])
    _check_order(graph)
    for node in graph.nodes:
        source, target = graph.tensors[node.input], graph.tensors[node.output]
        _CHECKS[type(node)](node, source, target)
    return graph


def sum_bounds(node: Conv, in_zero: int) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest exact sum (int64) of every output channel over all int8 inputs."""
    weights = node.weights.reshape(node.weights.shape[0], -1).astype(np.int64)
    above = np.where(weights > 0, weights, 0).sum(axis=1)
    below = np.where(weights < 0, weights, 0).sum(axis=1)
    bias = node.bias.astype(np.int64)
    top, bottom = 127 - in_zero, -128 - in_zero
    return bias + above * bottom + below * top, bias + above * top + below * bottom


def _require(condition, subject, rule, value) -> None:
    if not condition:
        raise GraphError(f"{subject}: {rule}, not {value}")


def _is_int(value, low, high=None) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        return False
    return value >= low and (high is None or value <= high)


def _ints(values, count, low, high=None) -> bool:
    return (
        isinstance(values, (tuple, list)) and len(values) == count
        and all(_is_int(value, low, high) for value in values)
    )


def _name(node: Node) -> str:
    return f"node {node.name!r}"


def _check_unique(what, names) -> None:
    seen = set()
    for name in names:
        _require(name not in seen, f"{what} {name!r}", "must have a name of its own", "a duplicate")
        seen.add(name)


def _check_tensor(name, tensor: Tensor) -> None:
    subject = f"tensor {name!r}"
    _require(tensor.name == name, subject, "must be filed under its own name", repr(tensor.name))
    _require(_ints(tensor.shape, 3, 1) and isinstance(tensor.shape, tuple), subject,
             "shape must be three positive integers (height, width, channels)", tensor.shape)
    _require(math.isfinite(tensor.scale) and tensor.scale > 0, subject,
             "scale must be positive and finite", tensor.scale)
    _require(_is_int(tensor.zero_point, -128, 127), subject,
             "zero point must be from -128 to 127", tensor.zero_point)


def _check_port(graph: Graph, kind, port: Port) -> None:
    subject = f"{kind} {port.name!r}"
    _require(port.tensor in graph.tensors, subject, "tensor must exist", repr(port.tensor))
    _require(port.dtype in DTYPES, subject, f"dtype must be one of {sorted(DTYPES)}",
             repr(port.dtype))
    _require(port.layout in LAYOUTS, subject, f"layout must be one of {sorted(LAYOUTS)}",
             repr(port.layout))
    size = graph.tensors[port.tensor].size
    _require(math.prod(port.shape) == size, subject,
             f"shape must hold the tensor's {size} elements", tuple(port.shape))


def _check_order(graph: Graph) -> None:
    """Every tensor is computed once, before its users: so there is neither gap nor cycle."""
    ready = {port.tensor for port in graph.inputs}
    for node in graph.nodes:
        _require(isinstance(node, tuple(_CHECKS)), _name(node), "must be a known kind",
                 type(node).__name__)
        for role, name in (("input", node.input), ("output", node.output)):
            _require(name in graph.tensors, _name(node), f"{role} tensor must exist", repr(name))
        _require(node.input in ready, _name(node),
                 "input must be computed before (no cycles)", repr(node.input))
        _require(node.output not in ready, _name(node),
                 "output must be computed by one node only", repr(node.output))
        ready.add(node.output)
    for port in graph.outputs:
        _require(port.tensor in ready, f"output {port.name!r}", "tensor must be computed",
                 repr(port.tensor))


def _check_conv(node: Conv, source: Tensor, target: Tensor) -> None:
    subject = _name(node)
    weights = node.weights
    _require(weights.dtype == np.int8 and weights.ndim == 4 and weights.size > 0, subject,
             "weights must be int8 [Cout, kh, kw, Cin/groups]",
             f"{weights.dtype} {list(weights.shape)}")
    _require(_is_int(node.groups, 1), subject, "groups must be at least 1", node.groups)
    channels, out_channels = source.shape[2], weights.shape[0]
    _require(channels % node.groups == 0 and out_channels % node.groups == 0, subject,
             f"groups must divide {channels} input and {out_channels} output channels",
             node.groups)
    _require(weights.shape[3] * node.groups == channels, subject,
             f"weights must have {channels // node.groups} input channels", weights.shape[3])
    _require(node.bias.dtype == np.int32 and node.bias.shape == (out_channels,), subject,
             f"bias must be int32 [{out_channels}]",
             f"{node.bias.dtype} {list(node.bias.shape)}")
    _check_window(node)
    _require(_ints(node.dilation, 2, 1), subject, "dilation must be two integers from 1",
             node.dilation)
    _check_shape(node, source, target)
    _check_requant(subject, node.requant, out_channels, target)
    low, high = sum_bounds(node, source.zero_point)
    folded = node.bias - source.zero_point * weights.astype(np.int64).sum(axis=(1, 2, 3))
    # The requantiser shifts left before it multiplies, in 32 bits as well.
    left = np.maximum(node.requant.shift.astype(np.int64), 0)
    least = np.minimum(np.minimum(low, folded), -((-low) << left))
    most = np.maximum(np.maximum(high, folded), high << left)
    for channel in np.flatnonzero((least < INT32_MIN) | (most > INT32_MAX))[:1]:
        raise GraphError(
            f"{subject}: the sums of output channel {channel} must stay within int32, not reach "
            f"{least[channel]} to {most[channel]} (with left shift {left[channel]})"
        )


def _check_requant(subject, requant: Requant, channels, target: Tensor) -> None:
    for what, low, high in (
        ("multiplier", 1 << 30, INT32_MAX), ("shift", SHIFT_MIN, SHIFT_MAX),
    ):
        values = np.asarray(getattr(requant, what))
        _require(values.dtype.kind == "i" and values.shape == (channels,), subject,
                 f"requantisation {what} must be integers [{channels}]",
                 f"{values.dtype} {list(values.shape)}")
        good = (values >= low) & (values <= high)
        if what == "multiplier":
            good |= values == 0
        for value in values[~good][:1]:
            zero = "0 or " if what == "multiplier" else ""
            _require(False, subject,
                     f"requantisation {what} must be {zero}from {low} to {high}", value)
    _check_rounding(subject, requant.rounding)
    _check_zero_point(subject, requant.zero_point, target)
    _require(_is_int(requant.lo, -128, 127) and _is_int(requant.hi, requant.lo, 127), subject,
             "clamp must satisfy -128 <= lo <= hi <= 127", (requant.lo, requant.hi))


def _check_rounding(subject, rounding) -> None:
    _require(rounding in list(Rounding), subject,
             f"rounding must be one of {[r.name for r in Rounding]}", rounding)


def _check_zero_point(subject, zero_point, target: Tensor) -> None:
    _require(zero_point == target.zero_point, subject,
             f"zero point must be its output's, {target.zero_point}", zero_point)


def _check_window(node) -> None:
    _require(_ints(node.stride, 2, 1), _name(node), "stride must be two integers from 1",
             node.stride)
    _require(_ints(node.padding, 4, 0), _name(node),
             "padding must be four integers from 0 (top, left, bottom, right)", node.padding)


def _check_shape(node, source: Tensor, target: Tensor) -> None:
    shape = node_shape(node, source)
    _require(target.shape == shape, _name(node),
             f"output {target.name!r} must have shape {shape}", target.shape)


def _check_pool(node: MaxPool | AveragePool, source: Tensor, target: Tensor) -> np.ndarray:
    _require(_ints(node.kernel, 2, 1), _name(node), "kernel must be two integers from 1",
             node.kernel)
    _check_window(node)
    _check_shape(node, source, target)
    counts = pool_counts(node, source, target)
    _require(counts.min() > 0, _name(node),
             "every window must hold an element of the input", "one that is all padding")
    return counts


def _check_max_pool(node: MaxPool, source: Tensor, target: Tensor) -> None:
    _check_pool(node, source, target)
    _check_same_quantisation(node, source, target)


def _check_average_pool(node: AveragePool, source: Tensor, target: Tensor) -> None:
    subject = _name(node)
    counts = np.unique(_check_pool(node, source, target)).tolist()
    _check_rounding(subject, node.rounding)
    _check_zero_point(subject, node.zero_point, target)
    for count in counts:
        _require(count in node.table, subject, f"table must have an entry for {count} elements",
                 sorted(node.table))
    for count, (multiplier, shift) in node.table.items():
        _require(_is_int(multiplier, 1 << 30, INT32_MAX) or _is_int(multiplier, 0, 0), subject,
                 f"table multiplier must be 0 or from {1 << 30} to {INT32_MAX}", multiplier)
        _require(_is_int(shift, SHIFT_MIN, SHIFT_MAX), subject,
                 f"table shift must be from {SHIFT_MIN} to {SHIFT_MAX}", shift)
        reach = (count * 255) << max(shift, 0)
        _require(reach <= INT32_MAX, subject,
                 f"sums of {count} elements must stay within int32", f"reach {reach}")


def _check_reshape(node: Reshape, source: Tensor, target: Tensor) -> None:
    _require(source.size == target.size, _name(node),
             f"output must have the input's {source.size} elements", target.size)
    _check_same_quantisation(node, source, target)


def _check_same_quantisation(node, source: Tensor, target: Tensor) -> None:
    _require(source.zero_point == target.zero_point, _name(node),
             f"output zero point must be the input's, {source.zero_point}", target.zero_point)
    _require(math.isclose(source.scale, target.scale, rel_tol=1e-6), _name(node),
             f"output scale must be the input's, {source.scale}", target.scale)


_CHECKS = {
    Conv: _check_conv,
    MaxPool: _check_max_pool,
    AveragePool: _check_average_pool,
    Reshape: _check_reshape,
}

"""Every rule of the graph check: the error names the node, the rule and the value."""

import dataclasses

import numpy as np
import pytest

from accel.graph.check import check, sum_bounds
from accel.graph.ir import (
    Add,
    Assemble,
    AveragePool,
    Concat,
    Conv,
    External,
    Graph,
    GraphError,
    LocalResponse,
    Max,
    MaxPool,
    Min,
    Mul,
    Pad,
    Place,
    Port,
    Requant,
    Reshape,
    Slice,
    Softmax,
    Sub,
    Table,
    Tensor,
)
from accel.isa import Rounding

REQUANT = Requant(np.full(2, 1 << 30, np.int32), np.full(2, -8, np.int8), 3)
CONV = Conv("c", "conv2d", "x", "y", np.ones((2, 3, 3, 4), np.int8), np.zeros(2, np.int32),
            REQUANT, padding=(1, 1, 1, 1))
POOL = MaxPool("m", "y", "z", (2, 2), (2, 2))
AVERAGE = AveragePool("a", "z", "w", (2, 2), (1, 1), (0, 0, 1, 1),
                      {1: (1 << 30, 1), 2: (1 << 30, 0), 4: (1 << 30, -1)}, 3, 0)
FLAT = Reshape("r", "w", "v")
ADD = Add("d", ("x", "x2"), "sum", ((1 << 30, 0), (1 << 30, -3)),
          Requant(np.array([1 << 30]), np.array([-18]), 9))
MAX = Max("most", ("x", "x2"), "large")
CONCAT = Concat("j", ("x", "x2", "x"), "all")
SLICE = Slice("l0", "all", "part", Place((1, 0, 2), (2, 3)), (2, 2, 5))
ROWS = Assemble("rows", ("x", "x2"), "tall", (Place((0, 0, 0), (2, 1)), Place((1, 0, 0), (2, 1))))
TABLE = Table("t", "sum", "any", np.zeros(256, np.int8))
PAD = Pad("p", "x", "wide", (1, 0, 2, 3))
SOFTMAX = Softmax("s", "x", "soft", "integer", 1 << 30, 20)
FLOATS = Softmax("f", "x", "real", "float")
LRN = LocalResponse("l", "x", "near", 3, 0.1, 0.75, 1.0)


def network(*replaced, **changes) -> Graph:
    """A small good network, some nodes replaced (by name) and some fields changed."""
    tensors = {
        "x": Tensor("x", (4, 4, 4), 1.0, -1), "y": Tensor("y", (4, 4, 2), 1.0, 3),
        "z": Tensor("z", (2, 2, 2), 1.0, 3), "w": Tensor("w", (2, 2, 2), 1.0, 0),
        "v": Tensor("v", (1, 1, 8), 1.0, 0),
    }
    tensors.update(changes.pop("tensors", {}))
    replaced = {node.name: node for node in replaced}
    nodes = tuple(replaced.get(n.name, n) for n in (CONV, POOL, AVERAGE, FLAT))
    graph = Graph("net", tensors, nodes, (Port("in", "x", (4, 4, 4), "CHW", "float32"),),
                  (Port("out", "v", (8,), "N", "int8"),))
    return dataclasses.replace(graph, **changes)


def joins(*replaced, **changes) -> Graph:
    """A good network of the other kinds of nodes, changed as ``network`` changes its own."""
    tensors = {
        "x": Tensor("x", (4, 4, 4), 1.0, -1), "x2": Tensor("x2", (4, 4, 4), 1.0, -1),
        "sum": Tensor("sum", (4, 4, 4), 2.0, 9), "all": Tensor("all", (4, 4, 12), 1.0, -1),
        "part": Tensor("part", (2, 2, 5), 1.0, -1), "tall": Tensor("tall", (8, 4, 4), 1.0, -1),
        "any": Tensor("any", (4, 4, 4), 0.1, 100), "wide": Tensor("wide", (7, 7, 4), 1.0, -1),
        "soft": Tensor("soft", (4, 4, 4), 1 / 256, -128), "near": Tensor("near", (4, 4, 4), 2.0, 0),
        "real": Tensor("real", (4, 4, 4), 1.0, 0, "float32"),
        "large": Tensor("large", (4, 4, 4), 1.0, -1),
    }  # fmt: skip
    tensors.update(changes.pop("tensors", {}))
    replaced = {node.name: node for node in replaced}
    nodes = (ADD, CONCAT, MAX, SLICE, ROWS, TABLE, PAD, SOFTMAX, FLOATS, LRN)
    ports = [Port(name, name, (64,), "N", "int8") for name in ("x", "x2", "any")]
    ports.append(Port("real", "real", (64,), "N", "float32"))
    graph = Graph("net", tensors, tuple(replaced.get(node.name, node) for node in nodes),
                  tuple(ports[:2]), tuple(ports[2:]))
    return dataclasses.replace(graph, **changes)


def test_good_networks_pass():
    for graph in (network(), joins()):
        assert check(graph) is graph


def conv(**changes):
    return network(dataclasses.replace(CONV, **changes))


def requant(**changes):
    return conv(requant=dataclasses.replace(REQUANT, **changes))


def pool(**changes):
    return network(dataclasses.replace(POOL, **changes))


def average(**changes):
    return network(dataclasses.replace(AVERAGE, **changes))


def tensor(name, /, **changes):
    good = network().tensors[name]
    return network(tensors={name: dataclasses.replace(good, **changes)})


BAD = [
    (tensor("x", shape=(4, 4)), r"tensor 'x': shape must be three positive"),
    (tensor("x", shape=(4, 0, 4)), r"not \(4, 0, 4\)"),
    (tensor("x", scale=0.0), "tensor 'x': scale must be positive and finite, not 0.0"),
    (tensor("x", scale=float("nan")), "not nan"),
    (tensor("x", zero_point=128), "zero point must be from -128 to 127, not 128"),
    (tensor("x", name="q"), "must be filed under its own name, not 'q'"),
    (network(inputs=()), "must have at least one input"),
    (network(outputs=(Port("out", "q", (8,), "N", "int8"),)), "output 'out': tensor must exist"),
    (network(outputs=(Port("out", "v", (7,), "N", "int8"),)), "must hold the tensor's 8 elements"),
    (network(outputs=(Port("out", "v", (8,), "N", "int16"),)), "dtype must be one of .*'int16'"),
    (network(outputs=(Port("out", "v", (8,), "C", "int8"),)), "layout must be one of"),
    (network(nodes=(CONV, CONV)), "node 'c': must have a name of its own, not a duplicate"),
    (network(nodes=(CONV, POOL, FLAT)), "node 'r': input must be computed before .*not 'w'"),
    (network(nodes=(CONV, dataclasses.replace(CONV, name="d"))),
     "node 'd': output must be computed by one node only, not 'y'"),
    (network(nodes=(CONV,)), "output 'out': tensor must be computed, not 'v'"),
    (conv(input="q"), "node 'c': input tensor must exist, not 'q'"),
    (conv(weights=np.ones((2, 3, 3, 4), np.int16)), "weights must be int8 .*not int16"),
    (conv(weights=np.ones((2, 3, 3, 3), np.int8)), "weights must have 4 input channels, not 3"),
    (conv(weights=np.ones((2, 3, 2, 4), np.int8)), r"must have shape \(4, 5, 2\), not"),
    (conv(groups=3), "groups must divide 4 input and 2 output channels, not 3"),
    (conv(groups=4, weights=np.ones((2, 3, 3, 1), np.int8)),
     "groups must divide 4 input and 2 output channels, not 4"),
    (conv(groups=3, weights=np.ones((3, 3, 3, 1), np.int8), bias=np.zeros(3, np.int32)),
     "groups must divide 4 input and 3 output channels, not 3"),
    (conv(groups=2), "weights must have 2 input channels, not 4"),
    (conv(bias=np.zeros(3, np.int32)), r"bias must be int32 \[2\], not int32 \[3\]"),
    (conv(stride=(1, 0)), r"stride must be two integers from 1, not \(1, 0\)"),
    (conv(dilation=(0, 1)), "dilation must be two integers from 1"),
    (conv(padding=(-1, 0, 0, 0)), "padding must be four integers from 0"),
    (requant(multiplier=np.full(3, 1 << 30, np.int32)), r"multiplier must be integers \[2\]"),
    (requant(multiplier=np.full(2, 7, np.int32)), "multiplier must be 0 or from .*not 7"),
    (requant(shift=np.full(2, -32, np.int8)), "shift must be from -31 to 30, not -32"),
    (requant(zero_point=4), "zero point must be its output's, 3, not 4"),
    (requant(lo=5, hi=4), r"clamp must satisfy .*not \(5, 4\)"),
    (requant(rounding=7), "rounding must be one of"),
    (conv(bias=np.full(2, (1 << 31) - 1, np.int32)), "output channel 0 must stay within int32"),
    (requant(shift=np.array([-8, 19], np.int8)), "output channel 1 must stay within int32"),
    (pool(kernel=(0, 2)), "node 'm': kernel must be two integers from 1"),
    (pool(kernel=(9, 9)), "must fit the padded input"),
    (pool(kernel=(1, 2), stride=(4, 2), padding=(1, 0, 0, 0)), "must hold an element of the input"),
    (pool(stride=(1, 2)), r"must have shape \(3, 2, 2\)"),
    (tensor("z", zero_point=4), "node 'm': output zero point must be the input's, 3, not 4"),
    (tensor("z", scale=2.0), "node 'm': output scale must be the input's, 1.0, not 2.0"),
    (average(table={4: (1 << 30, -1)}), "table must have an entry for 1 elements"),
    (average(table={**AVERAGE.table, 2: (5, 0)}), "table multiplier must be 0 or from"),
    (average(table={**AVERAGE.table, 2: (1 << 30, 31)}), "table shift must be from"),
    (average(table={**AVERAGE.table, 2: (1 << 30, 23)}), "sums of 2 elements must stay within"),
    (average(zero_point=1), "zero point must be its output's, 0, not 1"),
    (average(in_zero=2), "in_zero must be its input's zero point, 3, not 2"),
    (average(in_zero=200), "in_zero must be from -128 to 127, not 200"),
    (average(rounding=9), "rounding must be one of"),
    (average(table={**AVERAGE.table, 2: ((1 << 29) - 1, 0)}), "must be 0 or from 536870912 to"),
    (average(table={**AVERAGE.table, 2: (1 << 29, 0)}, rounding=Rounding.FLOAT),
     "table multiplier must be 0 or from 1073741824"),
    (average(table={**AVERAGE.table, 2: ((1 << 30) + 1, 0)}, rounding=Rounding.FLOAT),
     "multiplier must be a multiple of 128 with rounding FLOAT, not 1073741825"),
    (average(lo=5, hi=4), r"node 'a': clamp must satisfy .*not \(5, 4\)"),
    (pool(lo=-129), r"node 'm': clamp must satisfy"),
    (tensor("v", shape=(1, 1, 7)), "must hold the tensor's 7 elements"),
    (tensor("w", shape=(2, 3, 2)), r"must have shape \(2, 2, 2\)"),
]


@pytest.mark.parametrize(("graph", "text"), BAD, ids=range(len(BAD)))
def test_rules(graph, text):
    with pytest.raises(GraphError, match=text):
        check(graph)


def changed(node, **changes):
    return joins(dataclasses.replace(node, **changes))


def need(**changes):
    return changed(ADD, requant=dataclasses.replace(ADD.requant, **changes))


def other(name, /, **changes):
    good = joins().tensors[name]
    return joins(tensors={name: dataclasses.replace(good, **changes)})


def port(number, **changes):
    outputs = list(joins().outputs)
    outputs[number] = dataclasses.replace(outputs[number], **changes)
    return joins(outputs=tuple(outputs))


FLOAT_TENSOR = {"scale": 1.0, "zero_point": 0, "dtype": "float32"}
BAD_JOINS = [
    (changed(ADD, inputs=("x",)), "node 'd': inputs must be two, not 1"),
    (changed(ADD, inputs=("x", "q")), "node 'd': input tensor must exist, not 'q'"),
    (changed(ADD, inputs=("x", "any")), "node 'd': input must be computed before .*not 'any'"),
    (changed(ADD, operands=((1 << 30, 0),)), "node 'd': operands must be two, not 1"),
    (changed(ADD, operands=((1 << 30, 0), (5, 0))), "operand multiplier must be 0 or .*not 5"),
    (changed(ADD, operands=((1 << 30, 0), (0, 1))), "operand shift must be from -31 to 0, not 1"),
    (changed(ADD, offset=128), "node 'd': offset must be from -128 to 127, not 128"),
    (changed(ADD, operands=((1 << 30, 0), (1 << 30, -23)), offset=1),
     "node 'd': an offset needs a second operand's shift from -22 to 0, not -23"),
    (other("x2", shape=(4, 2, 8)),
     r"inputs must have one shape, or .* be \(1, 1, C\), not \(4, 4, 4\) and \(4, 2, 8\)"),
    (changed(MAX, inputs=("x",)), "node 'most': inputs must be two, not 1"),
    (changed(MAX, inputs=("x", "sum")), "node 'most': output zero point must be the input's, 9"),
    (changed(MAX, lo=5, hi=4), r"node 'most': clamp must satisfy .*not \(5, 4\)"),
    (other("large", shape=(4, 4, 5)), r"node 'most': output 'large' must have shape \(4, 4, 4\)"),
    (other("large", scale=2.0), "node 'most': output scale must be the input's, 1.0, not 2.0"),
    (other("sum", shape=(4, 4, 5)), r"node 'd': output 'sum' must have shape \(4, 4, 4\)"),
    (need(multiplier=np.array([1 << 30] * 2)), r"requantisation multiplier must be integers \[1\]"),
    (need(zero_point=8), "node 'd': zero point must be its output's, 9, not 8"),
    (need(shift=np.array([3])), "sums must stay within int32 when shifted left, not by 3"),
    (need(rounding=Rounding.FLOAT, multiplier=np.array([(1 << 30) + 64])),
     "node 'd': multiplier must be a multiple of 128 with rounding FLOAT, not 1073741888"),
    (changed(CONCAT, inputs=()), "node 'j': inputs must be at least one, not 0"),
    (joins(nodes=(PAD, dataclasses.replace(CONCAT, inputs=("x", "wide")), ADD, TABLE, FLOATS)),
     r"node 'j': inputs must all be 4x4, not 7x7 \('wide'\)"),
    (other("all", shape=(4, 4, 8)), r"node 'j': output 'all' must have shape \(4, 4, 12\)"),
    (other("x2", zero_point=0), "node 'j': output zero point must be the input's, 0, not -1"),
    (other("all", scale=2.0), "node 'j': output scale must be the input's, 1.0, not 2.0"),
    (changed(SLICE, place=Place((3, 0, 2), (2, 3))),
     r"node 'l0': must end within its input \(4, 4, 12\), not \(6, 4, 7\)"),
    (changed(SLICE, place=Place((1, 0, 8), (2, 3))), r"must end within .* not \(4, 4, 13\)"),
    (changed(SLICE, place=Place((0, -1, 0))), "start must be three integers from 0, not"),
    (changed(SLICE, place=Place((0, 0, 0), (0, 1))), "step must be two integers from 1, not"),
    (changed(SLICE, shape=(2, 0, 5)), "shape must be three positive integers, not"),
    (other("part", shape=(2, 2, 4)), r"node 'l0': output 'part' must have shape \(2, 2, 5\)"),
    (other("part", scale=2.0), "node 'l0': output scale must be the input's, 1.0, not 2.0"),
    (changed(ROWS, inputs=(), places=()), "node 'rows': inputs must be at least one, not 0"),
    (changed(ROWS, places=ROWS.places[:1]), "must have a place for each of 2 inputs, not 1"),
    (changed(ROWS, places=(Place((0, 0, 0)), Place((2, 0, 0)))),
     r"output 'tall' must have shape \(6, 4, 4\), not \(8, 4, 4\)"),
    (changed(ROWS, places=(Place((0, 0, 0), (2, 1)), Place((1, 0, 0), (2, 0)))),
     "step must be two integers from 1, not"),
    (changed(ROWS, inputs=("x", "x2", "x"), places=(*ROWS.places, Place((0, 0, 0)))),
     "inputs must give the output's 128 bytes, not 192"),
    (changed(ROWS, places=(Place((0, 0, 0), (2, 1)), Place((4, 0, 0)))),
     "inputs must not overlap, not inputs 0 and 1"),
    (other("tall", zero_point=5), "node 'rows': output zero point must be the input's, -1, not 5"),
    (changed(TABLE, values=np.zeros(9, np.int8)), r"values must be int8 \[256\], not int8 \[9\]"),
    (changed(TABLE, values=np.zeros(256, np.uint8)), "values must be int8 .*not uint8"),
    (other("any", shape=(4, 2, 8)), "node 't': output 'any' must have shape"),
    (changed(PAD, padding=(1, 0, -2, 3)), "node 'p': padding must be four integers from 0"),
    (other("wide", shape=(7, 4, 4)), r"node 'p': output 'wide' must have shape \(7, 7, 4\)"),
    (other("wide", zero_point=0), "node 'p': output zero point must be the input's, -1, not 0"),
    (changed(SOFTMAX, arithmetic="exact"),
     "arithmetic must be 'integer', 'table' or 'float', not 'exact'"),
    (changed(SOFTMAX, multiplier=7), "difference multiplier must be 0 or from .*not 7"),
    (changed(SOFTMAX, shift=32), "difference shift must be from 0 to 31, not 32"),
    (other("soft", scale=0.1), "output must be int8 with scale 0.00390625 and zero point -128, "
                               "not int8 with 0.1 and -128"),
    (changed(LRN, size=0), "node 'l': size must be an integer from 1, not 0"),
    (changed(LRN, alpha=-1.0), "alpha must be finite and at least 0, not -1.0"),
    (changed(LRN, beta=float("inf")), "beta must be finite and at least 0, not inf"),
    (changed(LRN, bias=0.0), "bias must be finite and above 0, not 0.0"),
    (other("real", dtype="int4"), "tensor 'real': dtype must be int8, or on the host .*not 'int4'"),
    (other("real", scale=2.0), r"float32 must have scale 1 and zero point 0, not \(2.0, 0\)"),
    (other("sum", **FLOAT_TENSOR), "node 'd': output 'sum' must be int8, not float32"),
    (other("x2", **FLOAT_TENSOR),
     r"input 'x2': dtype must be one of \['float32'\], its tensor's, not 'int8'"),
    (changed(LRN, input="real"), "node 'l': input 'real' must be int8, not float32"),
    (port(1, dtype="int8"),
     r"output 'real': dtype must be one of \['float32'\], its tensor's, not 'int8'"),
]


@pytest.mark.parametrize(("graph", "text"), BAD_JOINS, ids=range(len(BAD_JOINS)))
def test_rules_of_the_other_kinds(graph, text):
    with pytest.raises(GraphError, match=text):
        check(graph)


def test_an_integer_softmax_has_few_channels():
    source, target = Tensor("x", (1, 1, 4096), 1.0, 0), Tensor("soft", (1, 1, 4096), 1 / 256, -128)
    graph = joins(nodes=(SOFTMAX,), tensors={"x": source, "soft": target},
                  inputs=(Port("x", "x", (4096,), "N", "int8"),),
                  outputs=(Port("soft", "soft", (4096,), "N", "int8"),))
    with pytest.raises(GraphError, match="channels must be at most 4095, not 4096"):
        check(graph)


def test_raw_bytes_may_be_averaged():
    raw = dataclasses.replace(AVERAGE, in_zero=-128, zero_point=-128)
    same = dataclasses.replace(network().tensors["w"], zero_point=3)
    flat = dataclasses.replace(network().tensors["v"], zero_point=3)
    check(network(raw, tensors={"w": same, "v": flat}))
    with pytest.raises(GraphError, match="node 'a': output zero point must be the input's, 3"):
        check(network(raw))


def test_float_factors_need_no_room_for_a_left_shift():
    large = {"multiplier": np.full(2, 1 << 30, np.int32), "shift": np.full(2, 25, np.int8)}
    check(requant(**large, rounding=Rounding.FLOAT))
    with pytest.raises(GraphError, match="must stay within int32"):
        check(requant(**large))


def test_sum_bounds_are_reached():
    rng = np.random.default_rng(0)
    weights = rng.integers(-128, 128, (2, 3, 3, 4), dtype=np.int8)
    node = dataclasses.replace(CONV, weights=weights, bias=np.array([5, -9], np.int32),
                               padding=(0, 0, 0, 0))
    low, high = sum_bounds(node, -7)
    for channel in (0, 1):
        for bound, image in ((high, np.where(weights[channel] > 0, 127, -128)),
                             (low, np.where(weights[channel] > 0, -128, 127))):
            total = int(((image.astype(int) + 7) * weights[channel]).sum() + node.bias[channel])
            assert total == bound[channel]


EXTERNAL = External("e", "TopK", (Port("a", "x", (4, 4, 4), "HWC", "int8"),),
                    (Port("b", "real", (64,), "N", "float32"),), "onnxruntime", b"", 0, "a test")


@pytest.mark.parametrize("changes, text", [
    ({}, None),
    ({"runtime": "litert"}, None),
    ({"runtime": "torch"}, r"node 'e'.*: runtime must be one of .*not 'torch'"),
    ({"writes": ()}, "node 'e'.*: must have at least one output, not 0"),
    ({"reads": (Port("a", "x", (4, 4, 5), "HWC", "int8"),)},
     r"node 'e'.*: input 'a': shape must hold the tensor's 64 elements, not \(4, 4, 5\)"),
    ({"writes": (Port("b", "real", (64,), "N", "int8"),)}, "output 'b': dtype must be one of"),
])  # fmt: skip
def test_parts_of_the_host(changes, text):
    node = dataclasses.replace(EXTERNAL, **changes)
    ends = (Port("in", "x", (64,), "N", "int8"),)
    graph = joins(nodes=(node,), outputs=ends)
    if not text:
        check(graph)
        return
    with pytest.raises(GraphError, match=text):
        check(graph)


@pytest.mark.parametrize("shape, dtype", [
    ((64,), "int8"), ((4, 4, 4), "float32"), ((4, 16), "uint8"), ((2, 32), "float32"),
    ((64, 1), "float32"), ((8, 8), "int8"),
])  # fmt: skip
def test_an_array_for_two_tensors_has_one_shape_and_type(shape, dtype):
    def both(first, second):
        ports = (Port("in", "x", *first), Port("in", "x2", *second))
        return joins(inputs=ports)

    one, other_one = ((8, 8), "N", "float32"), (shape, "N", dtype)
    check(both(one, one))
    for ports in ((one, other_one), (other_one, one)):
        with pytest.raises(GraphError, match="input 'in': must be .* for all its tensors, not "):
            check(both(*ports))


def test_outputs_have_names_of_their_own():
    twice = (Port("y", "any", (64,), "N", "int8"), Port("y", "sum", (64,), "N", "int8"))
    with pytest.raises(GraphError, match="output port 'y': must have a name of its own"):
        check(joins(outputs=twice))
    with pytest.raises(GraphError, match="input tensor 'x': must have a name of its own"):
        check(joins(inputs=(Port("a", "x", (64,), "N", "int8"),) * 2))


def test_kinds_are_called_what_they_do():
    """Reports and error messages say so."""
    for op, kind in {"add": Add, "sub": Sub}.items():
        assert kind("n", ("x", "x2"), "y", ADD.operands, ADD.requant).op == op
    assert Mul("n", ("x", "x2"), "y", REQUANT).op == "mul"
    for op, kind in {"max": Max, "min": Min}.items():
        assert kind("n", ("x", "x2"), "y").op == op
    ops = [node.op for node in (CONV, POOL, AVERAGE, FLAT, *joins().nodes)]
    assert ops == ["conv2d", "max_pool", "average_pool", "reshape", "add", "concat", "max",
                   "slice", "assemble", "table", "pad", "softmax", "softmax", "lrn"]  # fmt: skip

"""The onnx package's own node tests of the quantised operators, exact through every engine.

A node test gives all of a node's inputs when it runs.  Here everything but the first is stored in
the file, as a network has it, and the first dimension is a batch; a vector becomes a row.
"""

import functools
import warnings

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.reference import ReferenceEvaluator

import accel
from accel import frontend, golden
from accel.frontend import ModelError
from accel.graph import ports
from tests.support.machines import MACHINES
from tests.support.onnx_models import Model

OPERATORS = ("QLinearConv", "ConvInteger", "QLinearMatMul", "MatMulInteger", "MaxPool",
             "AveragePool", "GlobalAveragePool", "QuantizeLinear", "DequantizeLinear")  # fmt: skip

FLOAT = "the model is float"  # a float pooling has no int8 form: its input has no scale
INT32 = "int32 sums"  # an output of 32 bits; scaled and quantised ones are taken
TYPES = "must be one int8 or uint8"  # 2, 4 and 16 bits, and floats of 4 and 8 bits
AXIS = "one number, not"  # one scale per channel, or per block, of an activation
BLOCKS = "block_size must be 0"
BATCH = "weights must be a matrix"  # a product of two stacks of matrices
#: Node tests that are refused: how they begin, and what the error says.
REFUSED = {
    "test_averagepool_": FLOAT,
    "test_globalaveragepool": FLOAT,
    "test_maxpool_": FLOAT,
    "test_convinteger_": INT32,
    "test_matmulinteger": INT32,
    "test_qlinearmatmul_3D_": BATCH,
    "test_quantizelinear_axis": AXIS,
    "test_quantizelinear_blocked_": BLOCKS,
    "test_dequantizelinear_axis": AXIS,
    "test_dequantizelinear_blocked": AXIS,
    **{f"test_quantizelinear_{kind}": AXIS  # also of 2 or 4 bits
       for kind in ("int2", "uint2", "int4", "uint4", "float4e2m1")},
    "test_quantizelinear_": TYPES,
    "test_dequantizelinear_": "type must be one of",
}
#: Those that are taken.
TAKEN = (
    "test_dequantizelinear", "test_maxpool_2d_uint8", "test_qlinearconv",
    "test_qlinearmatmul_2D_int8_float16", "test_qlinearmatmul_2D_int8_float32",
    "test_qlinearmatmul_2D_uint8_float16", "test_qlinearmatmul_2D_uint8_float32",
    "test_quantizelinear",
)  # fmt: skip

#: Functions of a graph and an input array that give the network's outputs.
ENGINES = {
    "golden": lambda graph, values: ports.outputs(
        graph, golden.run(graph, ports.read_inputs(graph, values))
    ),
    "rtl": lambda graph, values: accel.run(graph, values, params=MACHINES[1]).outputs,
}


@functools.cache
def cases():
    """The node tests by name."""
    with warnings.catch_warnings():  # other operators' cases overflow on purpose
        warnings.simplefilter("ignore")
        return {
            case.name: case for case in collect_testcases()
            if len(case.model.graph.node) == 1
            and case.model.graph.node[0].op_type in OPERATORS
        }  # fmt: skip


def network(case) -> tuple[onnx.ModelProto, np.ndarray, np.ndarray]:
    """A node test as a network with one input; its input and output."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    [(inputs, outputs)] = case.data_sets
    first, others = model.graph.input[0], [value.name for value in model.graph.input[1:]]
    del model.graph.input[1:]
    for name, array in zip(others, inputs[1:], strict=True):
        if not isinstance(array, onnx.TensorProto):  # as those come that NumPy has no type for
            array = numpy_helper.from_array(array)
        stored = model.graph.initializer.add()
        stored.CopyFrom(array)
        stored.name = name
    given, expected = inputs[0], outputs[0]
    row = len(first.type.tensor_type.shape.dim) == 1
    dims = first.type.tensor_type.shape.dim
    if row:
        size = dims[0].dim_value
        del dims[:]
        dims.add().dim_value, dims.add().dim_value = 1, size
    else:
        dims[0].dim_param = "N"
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    if row and isinstance(given, np.ndarray) and isinstance(expected, np.ndarray):
        given, expected = given[None], expected[None]
    return model, given, expected


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", TAKEN)
def test_exact(name, engine, tmp_path):
    model, given, expected = network(cases()[name])
    onnx.save(model, tmp_path / "node.onnx")
    [actual] = ENGINES[engine](frontend.load(tmp_path / "node.onnx"), given)
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual, expected)


def test_the_others_are_refused(tmp_path):
    path = tmp_path / "node.onnx"
    for name in cases().keys() - set(TAKEN):
        reason = next(text for start, text in REFUSED.items() if name.startswith(start))
        onnx.save(network(cases()[name])[0], path)
        with pytest.raises(ModelError) as error:
            frontend.load(path, strict=True)
        assert reason in str(error.value), name


def quantised(case, scales) -> Model:
    """A float pooling between a QuantizeLinear and a DequantizeLinear on both sides."""
    (x, *_), node = case.data_sets[0][0], case.model.graph.node[0]
    model = Model(list(x.shape), opset=case.model.opset_import[0].version)
    source = model.quantise("x", scales[0], -3)
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    model.node(node.op_type, [source], "p", **attributes)
    return model.output(model.quantise("p", scales[1], 7))


@pytest.mark.parametrize("operator", ["MaxPool", "AveragePool", "GlobalAveragePool"])
def test_float_poolings_when_quantised(operator, tmp_path):
    """Exact, against the reference evaluator; but for what is refused."""
    refused = []
    for name, case in cases().items():
        node, (x, *_) = case.model.graph.node[0], case.data_sets[0][0]
        if node.op_type != operator or x.dtype != np.float32 or x.ndim != 4:
            continue
        step = float(np.abs(x).max()) / 120
        model = quantised(case, (step, step if operator == "MaxPool" else 0.37 * step))
        try:
            graph = frontend.load(model.save(tmp_path), strict=True)
        except ModelError as error:
            refused.append((name, str(error)))
            continue
        [actual] = ENGINES["golden"](graph, x)
        expected = ReferenceEvaluator(model.proto()).run(None, {"x": x})[0]
        np.testing.assert_array_equal(actual, expected, err_msg=name)
    for name, text in refused:
        assert ("dilations must be 1" in text and "dilations" in name) or (
            "must have one output" in text and "argmax" in name), (name, text)


def test_all_are_listed():
    found = {case.model.graph.node[0].op_type for case in cases().values()}
    assert found == set(OPERATORS)
    assert set(TAKEN) <= cases().keys()

"""Forward passes against the onnx package: its node tests' data and its reference evaluator."""

import warnings

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx.backend.test.case.node import collect_testcases
from onnx.reference import ReferenceEvaluator

from accel.golden import activation, combine, conv, dense, loss, normalise, pool
from accel.golden.window import pads


def window(node, size, kernel):
    """A node's window attributes as this project's options."""
    at = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    stride, dilation = at.get("strides", [1, 1]), at.get("dilations", [1, 1])
    padding = at.get("pads", [0, 0, 0, 0])
    if at.get("auto_pad", b"NOTSET") != b"NOTSET":
        padding = pads("same", size, kernel, stride, dilation)
        if at["auto_pad"] == b"SAME_LOWER":  # the odd element goes in front
            padding = padding[2:] + padding[:2]
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    if "ceil_mode" in at:
        options["ceil"] = bool(at["ceil_mode"])
    return options, at


def run_conv(node, x, w, b=None):
    options, at = window(node, x.shape[2:], w.shape[2:])
    options["groups"] = at.get("group", 1)
    results = [way(x, w, b, **options) for way in (conv.conv2d, conv.conv2d_gemm,
                                                   conv.conv2d_loops)]
    for result in results[1:]:
        np.testing.assert_allclose(result, results[0], rtol=1e-5, atol=1e-5)
    return results[:1]


def run_max_pool(node, x):
    kernel = helper.get_node_attr_value(node, "kernel_shape")
    y, argmax = pool.max_pool(x, kernel, **window(node, x.shape[2:], kernel)[0])
    area = x.shape[2] * x.shape[3]  # ONNX's indices count through the whole tensor
    planes = np.arange(x.shape[0] * x.shape[1]).reshape(*x.shape[:2], 1, 1)
    return y, argmax + planes * area


def run_average_pool(node, x):
    kernel = helper.get_node_attr_value(node, "kernel_shape")
    options, at = window(node, x.shape[2:], kernel)
    padded = bool(at.get("count_include_pad", 0))
    return [pool.average_pool(x, kernel, count_include_pad=padded, **options)]


def run_gemm(node, a, b, c=None):
    _, at = window(node, None, None)
    a, b = a.T if at.get("transA") else a, b if at.get("transB") else b.T
    y = dense.dense(a * np.float32(at.get("alpha", 1)), np.ascontiguousarray(b))
    return [y if c is None else combine.add(y, np.broadcast_to(c * np.float32(at.get("beta", 1)),
                                                               y.shape))]


def run_batch_norm(node, x, *statistics):
    _, at = window(node, None, None)
    epsilon = at.get("epsilon", 1e-5)
    if not at.get("training_mode"):
        return [normalise.batch_norm(x, *statistics, epsilon=epsilon)]
    y, _, mean, variance = normalise.batch_norm_training(
        x, *statistics, epsilon=epsilon, momentum=at.get("momentum", 0.9)
    )
    return y, mean, variance


def run_lrn(node, x):
    _, at = window(node, None, None)
    return [normalise.lrn(x, **at)]


def axis(node, default):
    return {each.name: each.i for each in node.attribute}.get("axis", default)


RUN = {
    "Conv": run_conv,
    "MaxPool": run_max_pool,
    "AveragePool": run_average_pool,
    "GlobalAveragePool": lambda node, x: [pool.global_average_pool(x)],
    "Gemm": run_gemm,
    "LRN": run_lrn,
    "BatchNormalization": run_batch_norm,
    "Softmax": lambda node, x: [loss.softmax(x, axis(node, -1))],
    "Concat": lambda node, *parts: [combine.concat(parts, axis(node, 1))],
    "Relu": lambda node, x: [activation.relu(x)],
    "LeakyRelu": lambda node, x: [activation.leaky_relu(
        x, window(node, None, None)[1].get("alpha", 0.01))],
    "Sigmoid": lambda node, x: [activation.sigmoid(x)],
    "Tanh": lambda node, x: [activation.tanh(x)],
    "Add": lambda node, a, b: [combine.add(a, b)],
}  # fmt: skip
#: How many node tests each must pass: all but those that ``inside`` refuses.
LEAST = {"Conv": 6, "MaxPool": 12, "AveragePool": 13, "GlobalAveragePool": 2, "Gemm": 11, "LRN": 2,
         "BatchNormalization": 4, "Softmax": 7, "Concat": 12, "Relu": 1, "LeakyRelu": 3,
         "Sigmoid": 2, "Tanh": 2, "Add": 1}  # fmt: skip


def inside(name, node, inputs):
    """Not so are other types, 1-D and 3-D windows, broadcast adds and column-major indices."""
    if inputs[0].dtype != np.float32 or any(each.name == "storage_order" for each in
                                            node.attribute):
        return False
    return name == "Add" and inputs[0].shape == inputs[1].shape or name != "Add" and (
        "Pool" not in name or inputs[0].ndim == 4
    )


@pytest.fixture(scope="module")
def node_tests():
    """The package's node tests of one node, by operator."""
    found = {name: [] for name in RUN}
    with warnings.catch_warnings():  # other operators' cases overflow on purpose
        warnings.simplefilter("ignore")
        for case in collect_testcases():
            nodes = case.model.graph.node
            if len(nodes) == 1 and nodes[0].op_type in found:
                found[nodes[0].op_type].append(case)
    return found


@pytest.mark.parametrize("name", RUN)
def test_node_tests(name, node_tests):
    done = 0
    for case in node_tests[name]:
        node = case.model.graph.node[0]
        for inputs, outputs in case.data_sets:
            if not inside(name, node, inputs):
                continue
            own = RUN[name](node, *inputs)
            evaluated = ReferenceEvaluator(case.model).run(
                None, dict(zip(node.input, inputs, strict=True))
            )
            for expected in (outputs, evaluated):
                for mine, theirs in zip(own, expected, strict=False):
                    np.testing.assert_allclose(  # some of the data has four digits
                        mine, theirs, case.rtol, case.atol + 1e-6, err_msg=case.name
                    )
            done += 1
    assert done >= LEAST[name]


@pytest.mark.parametrize("options", [
    {"group": 2, "pads": [1, 0, 2, 1]},
    {"group": 4, "strides": [2, 1], "pads": [1, 1, 1, 1]},
    {"dilations": [2, 3], "pads": [2, 2, 2, 2], "strides": [1, 2]},
    {"auto_pad": "SAME_UPPER", "strides": [3, 2]},
])  # fmt: skip
def test_conv_against_the_evaluator(options):
    random = np.random.default_rng(1)
    groups = options.get("group", 1)
    arrays = {
        "x": random.standard_normal((2, 4, 9, 8)).astype(np.float32),
        "w": random.standard_normal((8, 4 // groups, 3, 3)).astype(np.float32),
        "b": random.standard_normal(8).astype(np.float32),
    }
    node = helper.make_node("Conv", list(arrays), ["y"], kernel_shape=[3, 3], **options)
    graph = helper.make_graph(
        [node], "one",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape)
         for name, array in arrays.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )  # fmt: skip
    [expected] = ReferenceEvaluator(helper.make_model(graph)).run(None, arrays)
    np.testing.assert_allclose(run_conv(node, *arrays.values())[0], expected, atol=2e-5)

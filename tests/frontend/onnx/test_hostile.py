"""Files made to hurt: one clear line each, in under a second and 500 MB."""

import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from accel import frontend
from accel.frontend import ModelError
from tests.support.onnx_models import Model, qdq_conv

SECONDS, MEGABYTES = 4.0, 500
LARGE = 1 << 40


def good() -> Model:
    return qdq_conv(np.random.default_rng(0), per_channel=False)


def stored(model: Model, name) -> onnx.TensorProto:
    return next(tensor for tensor in model.initializers if tensor.name == name)


def chain(op, count, value="x", **attributes) -> Model:
    """``count`` operators of one kind in a row."""
    model = Model([1, 2, 4, 4])
    for number in range(count):
        value = model.node(op, [value], f"v{number}", **attributes)
    return model.output(model.quantise(value, 0.1, 0, name="y"))


def absurd_dimensions():
    model = good()
    stored(model, "w_q").dims[:] = [LARGE, 3, 3, 3]
    return model


def absurd_dimensions_and_no_data():
    model = good()
    tensor = stored(model, "w_q")
    tensor.dims[:] = [1 << 28]
    tensor.ClearField("raw_data")
    return model


def negative_dimensions():
    model = good()
    stored(model, "w_q").dims[0] = -4
    return model


def data_too_long():
    model = good()
    stored(model, "w_q").raw_data += b"more"
    return model


def text_for_weights():
    model = good()
    model.initializers.remove(stored(model, "w_q"))
    model.initializers.append(helper.make_tensor("w_q", TensorProto.STRING, [1], [b"weights"]))
    return model


def a_million_nodes():
    model = good()
    node = helper.make_node("Identity", ["x"], ["i"])
    proto = model.proto()
    content = node.SerializeToString()
    field = bytes([10, len(content)]) + content  # GraphProto.node
    graph = proto.graph.SerializeToString() + 1_000_000 * field
    proto.ClearField("graph")
    head = proto.SerializeToString()
    size, length = [], len(graph)
    while length:
        size.append(length % 128 | (128 if length >= 128 else 0))
        length >>= 7
    return head + bytes([58, *size]) + graph  # ModelProto.graph


def nested_graphs():
    graph = helper.make_graph([], "leaf", [], [])
    for _ in range(20):
        graph = helper.make_graph([helper.make_node("If", ["x"], ["y"], then_branch=graph)], "g",
                                  [], [])  # fmt: skip
    model = good()
    model.nodes.append(graph.node[0])
    return model


def nested_too_deep():
    """Groups within groups, deeper than any parser follows."""
    content = b""
    for _ in range(5000):
        content = bytes([0x2B]) + content + bytes([0x2C])
    return content


def nested_types():
    """sequence of sequence of sequence..."""
    model = good().proto()
    kind = model.graph.input[0].type
    kind.Clear()
    for _ in range(40):
        kind.sequence_type.elem_type.SetInParent()
        kind = kind.sequence_type.elem_type
    return model


def wide_fan():
    """Hundreds of poolings before thousands of quantisations: each asks for all of them."""
    model = chain("MaxPool", 200, kernel_shape=[1, 1])
    model.outputs = []
    for number in range(3000):
        params = model.params(f"q{number}", 0.1 + 0.001 * number, 0)  # each one different
        model.node("QuantizeLinear", ["v199", *params], f"q{number}")
    return model.output("q0", TensorProto.INT8)


def moved(op, numbers, *more, **attributes) -> Model:
    """An operator with lists of numbers beside the image."""
    model = Model([1, 4, 4, 4])
    lists = [model.const(f"n{n}", each, np.int64) for n, each in enumerate((numbers, *more))]
    value = model.node(op, [model.quantise("x", 0.1, 0), *lists], "v", **attributes)
    return model.output(model.quantise(value, 0.1, 0, name="y"))


def resized(scales, scale=0.1, **attributes) -> Model:
    model = Model([1, 4, 4, 4])
    inputs = [model.quantise("x", 0.1, 0), "", model.const("s", scales, np.float32)]
    attributes = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor",
                  **attributes}
    value = model.node("Resize", inputs, "v", **attributes)
    return model.output(model.quantise(value, scale, 0, name="y"))


def divided(numbers, first) -> Model:
    """An image by a number for each channel, or the other way round."""
    model = Model([1, 4, 4, 4])
    pair = [model.quantise("x", 0.1, 0), model.const("c", np.reshape(numbers, (4, 1, 1)),
                                                     np.float32)]
    value = model.node("Div", pair[:: -1 if first else 1], "v")
    return model.output(model.quantise(value, 0.1, 0, name="y"))


def upwards(**attributes) -> Model:
    model = Model([1, 4, 4, 4])
    w = model.weights("w", np.ones((4, 2, 3, 3)), 0.1)
    value = model.node("ConvTranspose", [model.quantise("x", 0.1, 0), w], "v", **attributes)
    return model.output(model.quantise(value, 0.1, 0, name="y"))


def shuffled_pixels() -> Model:
    """Rows and columns exchanged, by way of five dimensions."""
    model = Model([1, 4, 4, 4])
    value = model.node("Reshape", [model.quantise("x", 0.1, 0),
                                   model.const("five", [1, 2, 2, 4, 4], np.int64)], "r")
    value = model.node("Transpose", [value], "t", perm=[0, 1, 2, 4, 3])
    value = model.node("Reshape", [value, model.const("four", [1, 4, 4, 4], np.int64)], "v")
    return model.output(model.quantise(value, 0.1, 0, name="y"))


def doubling():
    """Concatenations of a value with itself."""
    model = Model([1, 64, 8, 8], elem_type=TensorProto.INT8)
    value = "x"
    for number in range(60):
        value = model.node("Concat", [value, value], f"v{number}", axis=1)
    return model.output(value, TensorProto.INT8)


def copied_weights():
    """One stored tensor, dequantised over and over."""
    model = Model([1, 1024])
    source = model.quantise("x", 0.1, 0)
    model.const("w", np.ones((1024, 1024)), np.int8)
    params = model.params("w", 0.1, 0)
    for number in range(1000):
        model.node("DequantizeLinear", ["w", *params], f"w{number}")
        model.node("MatMul", [source, f"w{number}"], f"m{number}")
    return model.output(model.quantise("m0", 0.1, 0))


def additions():
    """Thousands of sums whose scales want long trials."""
    model = Model([1, 4])
    value = model.quantise("x", 0.1, 1)
    for number in range(4000):
        model.node("Add", [value, value], f"a{number}")
        params = model.params(f"a{number}", 0.01 * (1 + number % 97), number % 90)
        model.node("QuantizeLinear", [f"a{number}", *params], f"q{number}")
    return model.output("nothing")


def many(what):
    model = good()
    values = getattr(model, what)
    for number in range(100):
        values.append(helper.make_tensor_value_info(f"more{number}", TensorProto.FLOAT, [1, 4]))
    return model


def widely_padded():
    model = Model([1, 1, 4, 4])
    source = model.quantise("x", 0.1, 0)
    pads = model.const("pads", [0, 0, 0, 0, 0, 0, LARGE, LARGE], np.int64)
    model.output(model.quantise(model.node("Pad", [source, pads], "p"), 0.1, 0))
    return model


def large_pool():
    model = Model([1, 1, 16000, 16000])
    source = model.quantise("x", 0.1, 0)
    return model.output(model.quantise(
        model.node("AveragePool", [source], "p", kernel_shape=[1, 1]), 0.2, 0))


def absurd_reshape():
    model = Model([1, 4])
    shape = model.const("shape", [1, LARGE, LARGE], np.int64)
    source = model.quantise("x", 0.1, 0)
    return model.output(model.node("Reshape", [source, shape], "r"))


def float_reshape():
    model = Model([1, 4])
    shape = model.const("shape", [1, 4], np.float32)
    return model.output(model.node("Reshape", [model.quantise("x", 0.1, 0), shape], "r"))


def many_axes():
    model = Model([1, 4])
    shape = model.const("shape", np.ones(100_000), np.int64)
    source = model.quantise("x", 0.1, 0)
    return model.output(model.node("Reshape", [source, shape], "r"))


def with_scale(value, name="x_scale"):
    model = good()
    model.initializers.remove(stored(model, name))
    model.const(name, np.float32(value))
    return model


def with_zero(value, name="y_zero"):
    model = good()
    model.initializers.remove(stored(model, name))
    model.const(name, value)
    return model


def far_scales():
    model = good()
    model.inputs.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 4, 6, 5]))
    other = model.quantise("z", 1e30, 0)
    return model.output(model.quantise(model.node("Add", ["y_dq", other], "a"), 1e-30, 0))


def opset(version):
    model = good()
    model.opset = version
    return model


def self_loop():
    model = good()
    model.node("Relu", ["loop"], "loop")
    return model


def normalised():
    model = good()
    signs = [1, 1, 1, -1]
    ones = [model.const(f"n{n}", np.full(4, sign), np.float32) for n, sign in enumerate(signs)]
    model.node("BatchNormalization", ["y_dq", *ones], "n")
    return model.output(model.quantise("n", 0.1, 0))


def dynamic():
    model = Model([1, 4])
    model.nodes.append(helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"], "d"))
    return model.output("q", TensorProto.UINT8)


def adding(*shapes):
    model = Model(list(shapes[0]))
    first = model.quantise("x", 0.1, 0)
    model.inputs.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, shapes[1]))
    second = model.quantise("z", 0.2, 0)
    return model.output(model.quantise(model.node("Add", [first, second], "a"), 0.1, 0))


def one(op, **attributes):
    """An operator on a quantised image of 3 channels, 6 rows and 4 columns."""
    model = Model([1, 3, 6, 4])
    value = model.node(op, [model.quantise("x", 0.1, 0)], "o", **attributes)
    return model.output(model.quantise(value, 0.1, 0))


def padded(pads, fill=0.0, mode="constant"):
    model = Model([1, 3, 6, 4])
    source = [model.quantise("x", 0.1, 0), model.const("pads", pads, np.int64),
              model.const("fill", fill, np.float32)]  # fmt: skip
    return model.output(model.quantise(model.node("Pad", source, "p", mode=mode), 0.1, 0))


def mixed():
    """Channels behind pixels, seen as an image again."""
    model = Model([1, 3, 6, 4])
    value = model.node("MaxPool", [model.quantise("x", 0.1, 0)], "p", kernel_shape=[1, 1])
    value = model.node("Reshape", [model.quantise(value, 0.1, 0),
                                   model.const("to", [1, 6, 3, 4], np.int64)], "r")
    return model.output(model.quantise(model.node("LRN", [value], "n", size=3), 0.1, 0))


def gated_by_five():
    """A factor of a channel that ONNX lines up with the rows, as it has an axis too many."""
    model = Model([1, 4, 4, 4])
    one = model.quantise("x", 0.1, 0)
    gate = model.quantise(model.node("GlobalMaxPool", [one], "g"), 0.1, 0)
    gate = model.node("Unsqueeze", [gate, model.const("axes", [4], np.int64)], "u")
    return model.output(model.quantise(model.node("Mul", [one, gate], "m"), 0.1, 0))


FILES = {
    "absurd_dimensions": (absurd_dimensions, "initializer 'w_q': dimensions must hold at most"),
    "no_data": (absurd_dimensions_and_no_data, "w_q"),
    "negative_dimensions": (negative_dimensions, "initializer 'w_q': dimensions must hold"),
    "data_too_long": (data_too_long, "w_q"),
    "text_for_weights": (text_for_weights, "w_q"),
    "a_million_nodes": (a_million_nodes, "must have at most 20000 nodes, not 1000007"),
    "nested_graphs": (nested_graphs, "unsupported operator If"),
    "nested_too_deep": (nested_too_deep, "truncated or not an ONNX file"),
    "nested_types": (nested_types, "not a valid ONNX model"),
    "long_chain": (lambda: chain("MaxPool", 3000, kernel_shape=[1, 1]), "so far apart"),
    "long_chain_of_clamps": (lambda: chain("Relu", 3000), "input 'x' is float"),
    "wide_fan": (wide_fan, "the network must have at most 10000 nodes"),
    "doubling": (doubling, "must have at most .* elements"),
    "copied_weights": (copied_weights, "stored data must not be used this often"),
    "additions": (additions, "output 'nothing'"),
    "many_inputs": (lambda: many("inputs"), "must have at most 64 inputs"),
    "many_outputs": (lambda: many("outputs"), "must have at most 64 outputs"),
    "widely_padded": (widely_padded, r"node 'p_node' \(Pad\): pads must be 8 integers"),
    "large_pool": (large_pool, "image must have at most .* rows times columns"),
    "absurd_reshape": (absurd_reshape, r"node 'r_node' \(Reshape\): shape must hold 4 elements"),
    "float_reshape": (float_reshape, r"must be a constant list of integers, not float32 \[2\]"),
    "many_axes": (many_axes, "shape must have at most 8 dimensions"),
    "zero_scale": (lambda: with_scale(0), "'x_scale' must be positive and finite, not 0.0"),
    "nan_scale": (lambda: with_scale(np.nan), "'x_scale' must be positive and finite, not nan"),
    "negative_scale": (lambda: with_scale(-1), "'x_scale' must be positive and finite, not -1.0"),
    "denormal_scale": (lambda: with_scale(1e-40), "'x_scale' must be a normal float32"),
    "tiny_product": (lambda: with_scale(2e-38),
                     "bias must be from -2147483648 to 2147483647 in .*, not -inf"),
    "huge_product": (lambda: with_scale(3e38), "bias must be|times weight scale|factor must be"),
    "huge_factor": (lambda: with_scale(1e-37, "y_scale"), "factor must be"),
    "wide_zero_point": (lambda: with_zero(np.int32(300)), "zero point must be one int8 or uint8"),
    "two_zero_points": (lambda: with_zero(np.zeros(2, np.int8)), "must be one int8 or uint8"),
    "far_scales": (far_scales, "an addition's scales must be nearer|must be finite"),
    "old_opset": (lambda: opset(9), "one version from 10 to .* not .9."),
    "future_opset": (lambda: opset(9999), "one version from 10 to .* not .9999."),
    "self_loop": (self_loop, "'loop_node' .*not form a cycle"),
    "normalised": (normalised, r"\(BatchNormalization\): .* variances positive"),
    "dynamic": (dynamic, r"\(DynamicQuantizeLinear\): scales must be stored"),
    "broadcast": (lambda: adding([1, 4, 2, 2], [1, 4, 1, 2]), "both inputs must have the same"),
    "gated_by_five": (gated_by_five, r"\(Mul\): both inputs must have the same shape"),
    "mixed": (mixed, r"before this node, not a reshape of 3 x 24 to \[6, 3, 4\]"),
    "softmax_over_rows": (lambda: one("Softmax", axis=2), "softmax must be over the channels"),
    "even_lrn": (lambda: one("LRN", size=4), "size must be odd"),
    "reflected": (lambda: padded([0, 0, 99, 0, 0, 0, 0, 0], mode="reflect"), "reflect must be at"),
    "padded_so": (lambda: padded([0] * 8, mode="round"), "mode must be 'constant' or one of"),
    "edges": (lambda: padded([0, 0, 60000, 0, 0, 0, 60000, 0], mode="edge"), "at most 1024 parts"),
    "padded_far": (lambda: padded([0, 0, 60000, 0, 0, 0, 60000, 0], 1.0), "at most 1024 parts"),
    "padded_batch": (lambda: padded([1, 0, 0, 0, 0, 0, 0, 0]), "the batch must not be padded"),
    "padded_with_none": (lambda: padded([0, 0, 1, 1, 0, 0, 1, 1], np.nan), "must be one number"),
    "padded_of_five": (lambda: padded([0] * 10, 1.0), r"to 65536, not \[(0, ){9}0\]"),
    "negative_pad": (lambda: padded([0, 0, -1, 0, 0, 0, 0, 0]), "pads must be 8 integers from 0"),
    "mean_of_rows": (lambda: one("ReduceMean", axes=[2]), "rows and columns|valid ONNX"),
    "concat_of_images": (lambda: one("Concat", axis=0), "axis must be from 1 to 3, not 0"),
    "concat_of_nothing": (lambda: one("Concat", axis=4), "axis must be from 1 to 3, not 4"),
    "slice_backwards": (lambda: moved("Slice", [3], [0], [1], [-1]), "steps must be positive"),
    "slice_of_nothing": (lambda: moved("Slice", [3], [3], [1], [1]), "must not be empty"),
    "slice_twice": (lambda: moved("Slice", [0, 0], [1, 1], [2, -2], [1, 1]), "different integers"),
    "slice_lists": (lambda: moved("Slice", [0, 0], [1], [2], [1]), "must have one length"),
    "slice_beyond": (lambda: moved("Slice", [0], [1], [9], [1]), "from -4 to 3"),
    "split_too_much": (lambda: moved("Split", [4, 4], axis=1), "must give 4 elements to 1 outputs"),
    "split_too_little": (lambda: moved("Split", [2], axis=1), "must give 4 elements to 1 outputs"),
    "split_of_images": (lambda: moved("Split", [1], axis=0), "axis must be from 1 to 3, not 0"),
    "cubic": (lambda: resized([1, 1, 2, 2], mode="cubic"), "mode must be 'nearest'"),
    "uneven_sizes": (lambda: resized([1, 1, 1.5, 1]), "must repeat every row and column equally"),
    "channels_resized": (lambda: resized([1, 2, 1, 1]), "only rows and columns may be resized"),
    "infinite_size": (lambda: resized([1, 1, np.inf, 1]), "scales and sizes must be positive"),
    "huge_size": (lambda: resized([1, 1, 60000, 1]), "outputs must be from 1 to 65536"),
    "finely": (lambda: resized([1, 1, 300, 1], mode="linear"), "numbers up to 256|ways between"),
    "finely_to_finer": (lambda: resized([1, 1, 16, 8], 0.04, mode="linear"),
                        "interpolates finely must be quantised at once, with half the input's"),
    "antialias": (lambda: resized([1, 1, 2, 2], mode="linear", antialias=1), "antialias must be 0"),
    "no_size": (lambda: resized([]), "scales or sizes must be 4 constants, not 0"),
    "cropped": (lambda: resized([1, 1, 2, 2],
                                coordinate_transformation_mode="tf_crop_and_resize"),
                "must be one that does not crop"),
    "no_block": (lambda: one("DepthToSpace", blocksize=0), "blocksize must be from 1 to 1024"),
    "huge_block": (lambda: one("SpaceToDepth", blocksize=1 << 40), "blocksize must be from 1"),
    "odd_block": (lambda: one("DepthToSpace", blocksize=3), "must be a multiple of 9, not 3"),
    "odd_rows": (lambda: one("SpaceToDepth", blocksize=4), "must be multiples of 4, not .6, 4."),
    "divided_by_0": (lambda: divided([1, 2, 0, 4], False), "divisors must .* not be 0, not 0$"),
    "divisors": (lambda: divided([1, 2, 3, 4], True), "divisors must .* not be 0, not computed$"),
    "many_phases": (lambda: upwards(strides=[100, 100]), "strides must be up to 256 together"),
    "huge_stride": (lambda: upwards(strides=[60000, 1]), "outputs must be from 1 to 65536"),
    "shrunk": (lambda: upwards(pads=[9, 9, 9, 9]), "outputs must be from 1 to 65536, not -12"),
    "shuffled_pixels": (shuffled_pixels, "must shuffle channels, or move them"),
    "other_transpose": (lambda: one("Transpose", perm=[0, 1, 3, 2]), "between NCHW and NHWC only"),
    "wrong_perm": (lambda: one("Transpose", perm=[0, 1, 1, 2]), "perm must order 4 dimensions"),
    "infinite_alpha": (lambda: one("LeakyRelu", alpha=np.inf), "alpha must be a finite number"),
}  # fmt: skip


def write(name, folder):
    content = FILES[name][0]()
    path = folder / f"{name}.onnx"
    content = content.proto() if isinstance(content, Model) else content
    path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
    return path


@pytest.mark.parametrize("name", FILES)
def test_message(name, tmp_path):
    path = write(name, tmp_path)
    with pytest.raises(ModelError, match=FILES[name][1]) as error:
        frontend.load(path, strict=True)
    text = str(error.value)
    assert text.startswith(str(path))
    assert "\n" not in text and "malformed" not in text
    assert len(text) < 600 + len(str(path))


MEASURE = """
import json, resource, sys, time
import numpy as np
from accel import frontend
from accel.frontend.onnx import importer
def size():
    return int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
limit = size() + int(sys.argv[1]) * 1_000_000
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
result = {}
for path in sys.argv[2:]:
    began = time.process_time()
    try:
        frontend.load(path, strict=True)
        text = "taken"
    except frontend.ModelError as error:
        text = str(error)
    result[path] = time.process_time() - began, text
print(json.dumps(result))
"""


def test_time_and_memory(tmp_path):
    """Each file once more in a process that may not grow by more than the limit."""
    paths = {str(write(name, tmp_path)): name for name in FILES}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(MEGABYTES), *paths],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    for path, (seconds, text) in json.loads(done.stdout).items():
        assert seconds < SECONDS, paths[path]
        assert "MemoryError" not in text and text != "taken", paths[path]

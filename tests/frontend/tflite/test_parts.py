"""What the machine does not compute of a TFLite file, LiteRT does on the host, byte for byte."""

import numpy as np
import pytest
import tflite

import accel
import accel.host.litert
from accel import frontend, golden, litert
from accel.compiler import compile_graph
from accel.frontend import ModelError
from accel.graph import ports
from accel.graph.ir import External
from accel.params import Params
from tests.support.litert import answers, need
from tests.support.tflite_models import Model

RNG = np.random.default_rng(3)
IMAGE = [1, 8, 8, 3]
SAME = {"scale": 0.05, "zero": 3}
UNIT = {"scale": 1 / 128, "zero": 0}
REAL = {"dtype": "float32", "scale": None}


def conv(model, source, cin, cout, size=8):
    weights = RNG.integers(-40, 40, (cout, 3, 3, cin))
    weights = model.tensor(weights.shape, "int8", 0.02, 0, weights)
    bias = model.tensor([cout], "int32",
                        np.float32(model.tensors[source]["scale"]) * np.float32(0.02), 0,
                        RNG.integers(-500, 500, cout))
    return model.op("CONV_2D", [source, weights, bias], [1, size, size, cout], Padding=0)


def middle(model):
    """What the machine does not know between two convolutions."""
    y = conv(model, model.input(IMAGE), 3, 4)
    y = model.op("L2_NORMALIZATION", [y], [1, 8, 8, 4], **UNIT)
    return [conv(model, y, 4, 5)]


def floats(model):
    """Float operators between DEQUANTIZE and QUANTIZE, and a float output."""
    y = conv(model, model.input(IMAGE), 3, 4)
    real = model.op("DEQUANTIZE", [y], [1, 8, 8, 4], **REAL)
    e = model.op("COS", [real], [1, 8, 8, 4], **REAL)
    e = model.op("MUL", [e, real], [1, 8, 8, 4], **REAL)
    return [conv(model, model.op("QUANTIZE", [e], [1, 8, 8, 4]), 4, 5), e]


def chain(model):
    """A function of one byte in float, of several operators: a table on the machine."""
    y = conv(model, model.input(IMAGE), 3, 4)
    real = model.op("DEQUANTIZE", [y], [1, 8, 8, 4], **REAL)
    half = model.op("MUL", [real, model.tensor([], "float32", None, data=0.5)], [1, 8, 8, 4],
                    **REAL)
    gate = model.op("TANH", [half], [1, 8, 8, 4], **REAL)
    return [conv(model, model.op("QUANTIZE", [model.op("MUL", [real, gate], [1, 8, 8, 4], **REAL)],
                                 [1, 8, 8, 4]), 4, 4)]


def index(model):
    y = conv(model, model.input(IMAGE), 3, 4)
    return [model.op("ARG_MAX", [y, model.constant([3])], [1, 8, 8], "int64", None,
                     OutputType=tflite.TensorType.INT64)]


def float_input(model):
    """The machine quantises the image, and the host reads it as it is."""
    x = model.input(IMAGE, "float32", None)
    y = conv(model, model.op("QUANTIZE", [x], IMAGE), 3, 3)
    sine = model.op("SIN", [x], IMAGE, **REAL)
    sine = model.op("QUANTIZE", [sine], IMAGE)
    return [model.op("ADD", [y, sine], IMAGE)]


def two_inputs(model):
    """An image, and which of its channels to take: an int32."""
    y = conv(model, model.input(IMAGE), 3, 4)
    which = model.input([1], "int32", None)
    return [model.op("GATHER", [y, which], [1, 8, 8, 1], Axis=3)]


def skip(model):
    """A float that the host makes early and uses again behind the machine."""
    y = conv(model, model.input(IMAGE), 3, 4)
    real = model.op("DEQUANTIZE", [y], [1, 8, 8, 4], **REAL)
    e = model.op("L2_NORMALIZATION", [real], [1, 8, 8, 4], **REAL)
    y = conv(model, model.op("QUANTIZE", [e], [1, 8, 8, 4]), 4, 4)
    y = model.op("DEQUANTIZE", [y], [1, 8, 8, 4], **REAL)
    return [model.op("MUL", [y, e], [1, 8, 8, 4], **REAL)]


def apart(model):
    """Two operators for the host that need not wait for each other: one part."""
    y = conv(model, model.input(IMAGE), 3, 4)
    left = model.op("L2_NORMALIZATION", [y], [1, 8, 8, 4], **UNIT)
    right = model.op("LOG_SOFTMAX", [y], [1, 8, 8, 4], scale=16 / 256, zero=127)
    return [model.op("ADD", [left, right], [1, 8, 8, 4])]


def stored(model):
    """Weights in float16, as converters write them, and a float convolution."""
    y = conv(model, model.input(IMAGE), 3, 4)
    real = model.op("DEQUANTIZE", [y], [1, 8, 8, 4], **REAL)
    weights = model.tensor([2, 1, 1, 4], "float16", None, data=RNG.standard_normal((2, 1, 1, 4)))
    weights = model.op("DEQUANTIZE", [weights], [2, 1, 1, 4], **REAL)
    bias = model.tensor([2], "float32", None, data=[0.5, -1])
    return [model.op("CONV_2D", [real, weights, bias], [1, 8, 8, 2], **REAL)]


def sizes(model):
    """The host reads dimensions that the file computes."""
    y = conv(model, model.input(IMAGE), 3, 4)
    shape = model.op("SHAPE", [y], [4], "int32", None)
    ones = model.op("FILL", [shape, model.tensor([], "float32", None, data=0.25)], [1, 8, 8, 4],
                    **REAL)
    real = model.op("DEQUANTIZE", [y], [1, 8, 8, 4], **REAL)
    return [model.op("POW", [model.op("COS", [real], [1, 8, 8, 4], **REAL), ones], [1, 8, 8, 4],
                     **REAL)]


def padded(model):
    """A PAD that a convolution would have taken in, had the host not got the convolution."""
    source = model.input(IMAGE)
    y = model.op("PAD", [source, model.constant([[0, 0], [1, 1], [1, 1], [0, 0]])], [1, 10, 10, 3])
    weights = model.tensor([4, 3, 3, 3], "int8", 0.02, 0, RNG.integers(-40, 40, (4, 3, 3, 3)))
    far = model.tensor([4], "int32", np.float32(0.05) * np.float32(0.02), 0, [1 << 30] * 4)
    y = model.op("CONV_2D", [y, weights, far], [1, 8, 8, 4], scale=1e-7)  # refused: its sums
    return [conv(model, model.op("L2_NORMALIZATION", [y], [1, 8, 8, 4], **UNIT), 4, 2)]


def five(model):
    """Five dimensions: a channel shuffle, as converters write it."""
    y = conv(model, model.input(IMAGE), 3, 4)
    y = model.op("RESHAPE", [y, model.constant([1, 8, 8, 2, 2])], [1, 8, 8, 2, 2])
    y = model.op("TRANSPOSE", [y, model.constant([0, 1, 2, 4, 3])], [1, 8, 8, 2, 2])
    return [conv(model, model.op("RESHAPE", [y, model.constant([1, 8, 8, 4])], [1, 8, 8, 4]), 4, 4)]


def unbiased(model):
    """A float layer whose bias is left out, with a place of its own."""
    y = conv(model, model.input(IMAGE), 3, 4)
    real = model.op("DEQUANTIZE", [y], [1, 8, 8, 4], **REAL)
    weights = model.tensor([2, 4], "float32", None, data=RNG.standard_normal((2, 4)))
    return [model.op("FULLY_CONNECTED", [real, weights, -1], [1, 8, 8, 2], **REAL,
                     KeepNumDims=True)]


#: How many parts of the host each has, and how many convolutions the machine keeps.
NETWORKS = {middle: (1, 2), floats: (1, 2), chain: (0, 2), index: (1, 1), float_input: (1, 1),
            two_inputs: (1, 1), skip: (2, 2), apart: (1, 1), stored: (1, 1), sizes: (1, 1),
            padded: (1, 1), five: (1, 2), unbiased: (1, 1)}  # fmt: skip
IDS = [function.__name__ for function in NETWORKS]


def build(function, folder):
    model = Model()
    path = model.output(*function(model)).save(folder)
    return path, model


def images(model, count=3):
    rng = np.random.default_rng(1)
    made = []
    for place in model.inputs:
        tensor = model.tensors[place]
        shape = (count, *tensor["shape"][1:])
        if tensor["dtype"] == "float32":
            made.append(rng.standard_normal(shape).astype(np.float32))
        else:
            low, high = (-128, 128) if tensor["dtype"] == "int8" else (0, 3)
            made.append(rng.integers(low, high, shape).astype(tensor["dtype"]))
    return made


@pytest.mark.parametrize("function", NETWORKS, ids=IDS)
def test_the_whole_network_runs(function, tmp_path):
    need()
    path, model = build(function, tmp_path)
    graph, inputs = frontend.load(path), images(model)
    parts = [node for node in graph.nodes if isinstance(node, External)]
    layers = [node for node in graph.nodes if node.op == "conv2d"]
    assert (len(parts), len(layers)) == NETWORKS[function]
    outputs = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, inputs)))
    wanted = answers(path.read_bytes(), inputs)
    for number, output in enumerate(outputs):
        expected = np.concatenate([one[number] for one in wanted])
        assert output.dtype == expected.dtype
        np.testing.assert_array_equal(output, expected)


@pytest.mark.parametrize("function", NETWORKS, ids=IDS)
def test_programs_hold_the_parts(function, tmp_path):
    graph = frontend.load(build(function, tmp_path)[0])
    program = compile_graph(graph, Params(rows=4, cols=4), 2)
    hosted = [name for step in program.steps for name in step.host]
    assert hosted == [node.name for node in graph.nodes if isinstance(node, External)]


def test_a_run_shows_the_host_part(tmp_path):
    need()
    path, model = build(middle, tmp_path)
    [given] = images(model, 2)
    result = accel.run(path, given, array=(4, 4), batch=2)
    assert result.report["total"]["mismatches"] == 0
    [row] = [row for row in result.report["layers"] if row["where"] == "host"]
    assert (row["name"], row["op"]) == ("op01_L2_NORMALIZATION", "l2_normalization")
    assert row["reason"] == "the machine has no such operator"


def test_multiplications_of_the_host_are_counted(tmp_path):
    graph = frontend.load(build(stored, tmp_path)[0])
    [part] = [node for node in graph.nodes if isinstance(node, External)]
    assert part.macs == 8 * 8 * 2 * 4


@pytest.mark.parametrize("turned", [False, True])
def test_multiplications_of_two_computed_matrices_are_counted(turned, tmp_path):
    model = Model()
    first, second = ([1, 3, 7, 5] if turned else [1, 3, 5, 7]), [1, 3, 7, 6]
    real = [model.op("DEQUANTIZE", [model.input(shape)], shape, **REAL)
            for shape in (first, second)]
    made = model.op("BATCH_MATMUL", real, [1, 3, 5, 6], **REAL, AdjX=turned, AdjY=False)
    [part] = frontend.load(model.output(made).save(tmp_path)).nodes
    assert part.macs == 3 * 5 * 6 * 7


def test_strict_refuses(tmp_path):
    with pytest.raises(ModelError, match=r"operator 1 \(L2_NORMALIZATION\): the machine has no"):
        frontend.load(build(middle, tmp_path)[0], strict=True)


@pytest.mark.parametrize("op, text", [
    ("WHILE", "a network with control flow is not a static one: export it without"),
    ("READ_VARIABLE", "a state that lasts from image to image"),
    ("RANDOM_UNIFORM", "random numbers"),
    ("FlexErf", r"a custom operator must be .*, not 'FlexErf' \(convert it without TensorFlow's"),
])  # fmt: skip
def test_what_nobody_computes_image_by_image(op, text, tmp_path):
    model = Model()
    y = conv(model, model.input(IMAGE), 3, 4)
    path = model.output(model.op(op, [y], [1, 8, 8, 4])).save(tmp_path)
    with pytest.raises(ModelError, match=text) as error:
        frontend.load(path)
    assert str(error.value).startswith(f"{path}: operator 1 (")


def test_a_part_with_a_number_of_an_unknown_type(tmp_path):
    """The machine could do without it, but the host gets the operator, too."""
    model = Model()
    y = conv(model, model.input(IMAGE), 3, 4)
    shape = model.op("SHAPE", [y], [4], "int32", None)
    first = model.op("STRIDED_SLICE", [shape, *map(model.constant, ([0], [1], [1]))], [], "int32",
                     None)  # fmt: skip
    left = model.operators[-1]["inputs"][1]
    z = model.op("FILL", [model.op("PACK", [first, model.constant(4)], [2], "int32", None),
                          model.tensor([], "float32", None, data=1)], [1, 4], **REAL)
    content = bytearray(model.output(y, z).content())
    table = tflite.Model.GetRootAs(content, 0).Subgraphs(0).Tensors(left)._tab
    content[table.Pos + table.Offset(6)] = 127
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"\(STRIDED_SLICE\): .* must hold numbers, not type 127"):
        frontend.load(path)


def test_what_litert_refuses_is_one_line(tmp_path):
    need()
    model = Model()
    y = conv(model, model.input(IMAGE), 3, 4)
    y = model.op("ARG_MAX", [y, model.constant([3])], [1, 8, 8], "int64", None)
    with pytest.raises(ModelError, match="and the host cannot: ") as error:
        frontend.load(model.output(y).save(tmp_path))
    assert "\n" not in str(error.value)


def test_a_shape_that_litert_computes_otherwise(tmp_path):
    need()
    model = Model()
    y = conv(model, model.input(IMAGE), 3, 4)
    y = model.op("L2_NORMALIZATION", [y], [1, 8, 4, 8], **UNIT)
    with pytest.raises(ModelError, match=r"must have shape \[1, 8, 8, 4\] as LiteRT computes it"):
        frontend.load(model.output(y).save(tmp_path))


def test_without_litert_a_line_says_what_to_install(tmp_path, monkeypatch):
    path, model = build(middle, tmp_path)

    def missing(*_):
        raise litert.LiteRTMissingError("it is not installed: pip install ai-edge-litert")

    monkeypatch.setattr(litert, "Interpreter", missing)
    accel.host.litert.forget()
    frontend.load(path)
    with pytest.raises(accel.host.HostError, match="pip install ai-edge-litert"):
        accel.golden_run(path, images(model)[0])


def test_multiplications_of_a_transposed_convolution_are_counted(tmp_path):
    """Each input pixel's, of all filters."""
    model = Model()
    real = model.op("DEQUANTIZE", [conv(model, model.input(IMAGE), 3, 4)], [1, 8, 8, 4], **REAL)
    weights = model.tensor([2, 3, 5, 4], "float32", None, data=RNG.standard_normal((2, 3, 5, 4)))
    y = model.op("TRANSPOSE_CONV", [model.constant([1, 8, 8, 2]), weights, real], [1, 8, 8, 2],
                 Padding=0, **REAL)
    graph = frontend.load(model.output(y).save(tmp_path))
    [part] = [node for node in graph.nodes if isinstance(node, External)]
    assert part.macs == 8 * 8 * 4 * 2 * 3 * 5


def test_what_is_refused_late_leaves_no_tensors(tmp_path):
    """A layer whose sums are too large, found when its input has been flattened."""
    model = Model()
    weights = model.tensor([3, 4], "int8", 0.02, 0, np.ones([3, 4]))
    far = model.tensor([3], "int32", np.float32(0.05) * np.float32(0.02), 0, [1 << 30] * 3)
    y = model.op("FULLY_CONNECTED", [model.input([1, 2, 2, 1]), weights, far], [1, 3], scale=1e-7)
    graph = frontend.load(model.output(y).save(tmp_path))
    [part] = graph.nodes
    assert isinstance(part, External) and set(graph.tensors) == {*part.inputs, *part.outputs}

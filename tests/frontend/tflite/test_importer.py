"""TFLite models through the importer and the golden model, byte for byte against LiteRT's answers.

The recorded answers of tests/data/litert were made by tests/support/litert_record.py.
"""

import hashlib
import pathlib

import numpy as np
import pytest

import accel
from accel import frontend, golden, models
from accel.graph import ports
from accel.graph.ir import Conv, Pad, Table
from accel.isa import Rounding
from tests.support import shared
from tests.support.tflite_models import OPTIONS, Model
from tests.support.tflite_random import KINDS, draw

RECORDED = pathlib.Path(__file__).parents[2] / "data" / "litert" / "operators.npz"
#: Recorded answers by their models in ../shared.
REAL = {
    "kws_dscnn_int8": "mlperf_tiny_kws_dscnn_int8",
    "tinymaix_mnist_resnet_q": "tinymaix_mnist_resnet_q",
    "tinymaix_mnist_valid_q": "tinymaix_mnist_valid_q",
}


@pytest.fixture(scope="module")
def recorded():
    with np.load(RECORDED, allow_pickle=False) as file:
        return dict(file)


@pytest.mark.parametrize("kind", KINDS)
def test_random_operators(kind, recorded, tmp_path):
    cases = [key.split("|")[0] for key in recorded if key.startswith(f"{kind}_") and
             key.endswith("|model") and key.split("|")[0].rsplit("_", 1)[0] == kind]
    assert len(cases) == 6
    for case in cases:
        path = tmp_path / "model.tflite"
        path.write_bytes(recorded[f"{case}|model"].tobytes())
        graph = frontend.load(path)
        inputs = [recorded[f"{case}|input{n}"] for n in range(len(graph.inputs))]
        (output,) = accel_outputs(graph, inputs)
        expected = recorded[f"{case}|output"]
        assert output.dtype == expected.dtype, case
        np.testing.assert_array_equal(output, expected, err_msg=case)


def accel_outputs(graph, inputs):
    return ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, inputs)))


def test_the_recorded_models_are_the_generators(recorded):
    for kind in KINDS:
        content, inputs = draw(kind, 3)
        assert recorded[f"{kind}_3|model"].tobytes() == content
        np.testing.assert_array_equal(recorded[f"{kind}_3|input0"], inputs[0])


@pytest.mark.parametrize("answers", REAL)
def test_real_networks(answers):
    path = shared.need("models", f"{REAL[answers]}.tflite")
    with np.load(shared.need("golden", f"{answers}.litert_ref.npz"), allow_pickle=False) as file:
        reference = dict(file)
    graph = frontend.load(path)
    tensors = golden.run(graph, ports.read_inputs(graph, reference["input"]))
    compared = 0
    for sample in (0, 1):
        for node in graph.nodes:
            expected = reference[f"s{sample}_{node.name}"]
            actual = tensors[node.output][sample].reshape(expected.shape)
            np.testing.assert_array_equal(actual, expected, err_msg=node.name)
            compared += 1
    assert compared == sum(key.startswith(("s0_op", "s1_op")) for key in reference)
    (output,) = accel.golden_run(path, reference["input"])
    np.testing.assert_array_equal(output, reference["output"])


def test_names_shapes_and_types_are_the_files():
    path = shared.need("models", "mlperf_tiny_kws_dscnn_int8.tflite")
    graph = frontend.load(path)
    (given,), (made,) = graph.inputs, graph.outputs
    assert (given.name, given.shape, given.layout, given.dtype) == ("input_1", (49, 10, 1), "HWC",
                                                                    "int8")
    assert (made.name, made.shape, made.dtype) == ("Identity", (12,), "int8")
    assert graph.nodes[1].name == "op01_DEPTHWISE_CONV_2D"
    assert graph.name == "mlperf_tiny_kws_dscnn_int8"


def conv_model(pad_users=1, keep_output=False):
    model = Model()
    source = model.input([1, 4, 5, 2], zero=7)
    sizes = model.constant([[0, 0], [1, 2], [0, 1], [0, 0]])
    padded = model.op("PAD", [source, sizes], [1, 7, 6, 2], zero=7)
    for _ in range(pad_users):
        weights = model.tensor([3, 2, 2, 2], "int8", 0.1, 0, np.ones([3, 2, 2, 2]))
        model.output(model.op("CONV_2D", [padded, weights], [1, 6, 5, 3]))
    return model.output(padded) if keep_output else model


@pytest.mark.parametrize("users", [1, 2])
def test_pad_goes_into_the_convolutions_behind_it(users, tmp_path):
    graph = frontend.load(conv_model(users).save(tmp_path))
    assert [type(node) for node in graph.nodes] == [Conv] * users
    assert {node.padding for node in graph.nodes} == {(1, 0, 2, 1)}


def test_pad_stays_where_others_read_it(tmp_path):
    graph = frontend.load(conv_model(keep_output=True).save(tmp_path))
    assert [type(node) for node in graph.nodes] == [Pad, Conv]


def test_roundings(tmp_path):
    model = Model()
    source = model.input([1, 4, 4, 2])
    weights = model.tensor([2, 1, 1, 2], "int8", 0.1, 0, np.ones([2, 1, 1, 2]))
    value = model.op("CONV_2D", [source, weights], [1, 4, 4, 2])
    weights = model.tensor([3, 32], "int8", 0.1, 0, np.ones([3, 32]))
    value = model.op("FULLY_CONNECTED", [value, weights], [1, 3])
    graph = frontend.load(model.output(value).save(tmp_path))
    assert [node.requant.rounding for node in graph.nodes if isinstance(node, Conv)] == [
        Rounding.DOUBLE, Rounding.AWAY,
    ]
    assert graph.nodes[-2].op == "reshape"


def test_uint8_is_int8_inside(tmp_path):
    model = Model()
    source = model.input([1, 4, 4, 2], "uint8", zero=131)
    data = np.array([0, 255, 128, 127])
    weights = model.tensor([2, 1, 1, 2], "uint8", 0.1, 128, data)
    value = model.op("CONV_2D", [source, weights], [1, 4, 4, 2], "uint8", zero=10,
                     FusedActivationFunction=1)
    graph = frontend.load(model.output(value).save(tmp_path))
    (node,) = graph.nodes
    assert node.weights.ravel().tolist() == [-128, 127, 0, -1]
    zero_points = [graph.tensors[name].zero_point for name in (node.input, node.output)]
    assert zero_points == [3, -118]
    assert (node.requant.lo, node.requant.hi) == (-118, 127)
    assert graph.inputs[0].dtype == graph.outputs[0].dtype == "uint8"


def test_uint8_weights_of_another_zero_point_that_fit(tmp_path):
    model = Model()
    source = model.input([1, 1, 1, 2], "uint8")
    weights = model.tensor([1, 1, 1, 2], "uint8", 0.1, 10, np.array([0, 137]))
    value = model.op("CONV_2D", [source, weights], [1, 1, 1, 1], "uint8")
    (node,) = frontend.load(model.output(value).save(tmp_path)).nodes
    assert node.weights.ravel().tolist() == [-10, 127]


def test_a_zero_point_of_a_fully_connected_layers_int8_weights(tmp_path):
    """The specification has 0; LiteRT takes any of the layer's one scale."""
    model = Model()
    weights = model.tensor([2, 2], "int8", 0.1, 3, np.array([0, 5, -120, 127]))
    value = model.op("FULLY_CONNECTED", [model.input([1, 2]), weights], [1, 2])
    (node,) = frontend.load(model.output(value).save(tmp_path), strict=True).nodes
    assert node.weights.ravel().tolist() == [-3, 2, -123, 124]


@pytest.mark.parametrize("times, taken", [((8, 8), True), ((8, 16), False)])
def test_enlarging_both_ways_eight_times_is_the_most(times, taken, tmp_path):
    model = Model()
    sizes = [2 * times[0], 1 * times[1]]
    value = model.op("RESIZE_BILINEAR", [model.input([1, 2, 1, 1]), model.constant(sizes)],
                     [1, *sizes, 1], AlignCorners=False, HalfPixelCenters=False)
    path = model.output(value).save(tmp_path)
    if taken:
        assert frontend.load(path, strict=True).nodes
        return
    with pytest.raises(frontend.ModelError, match="by factors of at most 64 together, not .8, 16"):
        frontend.load(path, strict=True)


def test_enlarging_thrice_is_no_power_of_two(tmp_path):
    model = Model()
    value = model.op("RESIZE_BILINEAR", [model.input([1, 2, 1, 1]), model.constant([6, 1])],
                     [1, 6, 1, 1], AlignCorners=False, HalfPixelCenters=False)
    with pytest.raises(frontend.ModelError, match="by powers of two, not from 2 to 6"):
        frontend.load(model.output(value).save(tmp_path), strict=True)


def test_a_type_change_alone_is_nothing(tmp_path):
    model = Model()
    source = model.input([1, 4], "uint8", 0.5, 130)
    value = model.op("QUANTIZE", [source], [1, 4], "int8", 0.5, 2)
    value = model.op("RELU", [value], [1, 4], "int8", 0.5, 2)
    graph = frontend.load(model.output(value).save(tmp_path))
    assert [type(node) for node in graph.nodes] == [Table]
    (output,) = accel_outputs(graph, [np.array([[0, 129, 130, 255]], np.uint8)])
    assert output.tolist() == [[2, 2, 2, 127]]


def test_names_that_repeat_or_are_missing(tmp_path):
    model = Model()
    source = model.input([1, 4], name="x")
    value = model.op("RELU", [source], [1, 4])
    model.tensors[value]["name"] = "x"
    graph = frontend.load(model.output(value).save(tmp_path))
    assert (graph.inputs[0].name, graph.outputs[0].name) == ("x", "x#1")


def test_batch_may_be_free(tmp_path):
    model = Model()
    source = model.input([1, 4], signature=[-1, 4])
    path = model.output(model.op("RELU", [source], [1, 4])).save(tmp_path)
    (output,) = accel.golden_run(path, np.zeros((3, 4), np.int8))
    assert output.shape == (3, 4)


@pytest.mark.parametrize("slopes, kind", [((10, 50), "max"), ((110, 120), "min"),
                                          ((10, 120), "add")])  # fmt: skip
def test_what_joins_both_sides_of_a_prelu(slopes, kind, tmp_path):
    """Slopes below 1 and above it, by 1/100."""
    model = Model()
    slopes = model.tensor([1, 1, 2], scale=0.01, data=np.reshape(slopes, (1, 1, 2)))
    value = model.op("PRELU", [model.input([1, 4, 4, 2]), slopes], [1, 4, 4, 2])
    assert frontend.load(model.output(value).save(tmp_path), strict=True).nodes[-1].op == kind


@pytest.mark.parametrize("op", ["MAX_POOL_2D", "REDUCE_MAX"])
@pytest.mark.parametrize("size", [(1, 1100), (1100, 1)])
def test_a_long_window(size, op, tmp_path):
    """It has fewer elements than the square of its longer side."""
    model = Model()
    source, axes = model.input([1, *size, 1]), model.constant([1, 2])
    if op == "REDUCE_MAX":
        value = model.op(op, [source, axes], [1, 1, 1, 1], KeepDims=True)
    else:
        value = model.op(op, [source], [1, 1, 1, 1], FilterHeight=size[0], FilterWidth=size[1])
    (node,) = frontend.load(model.output(value).save(tmp_path), strict=True).nodes
    assert node.kernel == size


def test_a_list_of_options_that_is_left_out(monkeypatch, tmp_path):
    """As of a Reshape whose shape is an input."""
    monkeypatch.setitem(OPTIONS, "RESHAPE", ("ReshapeOptions", {}))
    model = Model()
    shape = model.constant([1, 32])
    value = model.op("RESHAPE", [model.input([1, 4, 4, 2]), shape], [1, 32])
    (node,) = frontend.load(model.output(value).save(tmp_path), strict=True).nodes
    assert node.op == "reshape"


def test_pad_of_a_row(tmp_path):
    model = Model()
    sizes = model.constant([[0, 0], [1, 2], [0, 0]])
    value = model.op("PAD", [model.input([1, 4, 2]), sizes], [1, 7, 2])
    (node,) = frontend.load(model.output(value).save(tmp_path)).nodes
    assert node.padding == (0, 1, 0, 2)


def test_tensors_of_its_own_never_take_the_files_names(tmp_path):
    model = Model()
    source = model.input([1, 2, 2, 1], name="op00_FULLY_CONNECTED_flat")
    weights = model.tensor([3, 4], "int8", 0.1, 0, np.ones([3, 4]))
    value = model.op("FULLY_CONNECTED", [source, weights], [1, 3])
    graph = frontend.load(model.output(value).save(tmp_path))
    assert [node.output for node in graph.nodes] == ["op00_FULLY_CONNECTED_flat_", "t2"]


def test_the_built_in_network_knows_its_words():
    with np.load(models.BUILTIN["kws"].inputs) as file:
        labels = file["labels"]
    (scores,) = accel.golden_run("kws")
    assert scores.dtype == np.int8
    assert int((scores.argmax(1) == labels).sum()) == 60  # of 64


def test_shipped_files_are_those_of_their_sources():
    folder = pathlib.Path(models.__file__).parent
    rows = [line.split("|") for line in (folder / "SOURCES.md").read_text().splitlines()]
    rows = [(row[1].strip(), row[2].strip()) for row in rows if len(row) > 4 and "/" in row[1]]
    shipped = {path.relative_to(folder).as_posix() for path in folder.glob("*/*")
               if path.suffix in (".tflite", ".onnx", ".npz")}
    assert {name for name, _ in rows} == shipped
    for name, digest in rows:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name


def test_a_float_input_quantised_in_two_ways(tmp_path):
    """Equal ones are one tensor; another one is another tensor of the same array."""
    model, shape = Model(), [1, 2, 2, 3]
    source = model.input(shape, "float32", None, name="x")
    parts = [model.op("QUANTIZE", [source], shape, scale=scale) for scale in (0.05, 0.1, 0.05)]
    parts = [model.op("QUANTIZE", [part], shape, scale=0.2) for part in parts]
    joined = model.op("CONCATENATION", parts, [1, 2, 2, 9], scale=0.2)
    graph = frontend.load(model.output(joined).save(tmp_path))
    assert [port.name for port in graph.inputs] == ["x", "x"]
    given = np.random.default_rng(1).normal(0, 3, (2, 2, 2, 3)).astype(np.float32)
    [output] = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, {"x": given})))
    one, other, again = np.split(output, 3, axis=3)
    np.testing.assert_array_equal(one, again)
    np.testing.assert_allclose(other.astype(int), np.rint(given / 0.2) + 3, atol=1)
    assert (one != other).any()

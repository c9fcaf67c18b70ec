"""Files that cannot be used: one ModelError each, naming file, node, rule and value."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import accel
from accel import frontend, onnx_session
from accel.frontend import ModelError
from tests.support.onnx_models import Model, qdq_conv


def good(**options) -> Model:
    return qdq_conv(np.random.default_rng(0), **options)


def refuse(model, folder, text):
    path = model.save(folder) if isinstance(model, Model) else folder / "model.onnx"
    if isinstance(model, onnx.ModelProto):
        path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=text) as error:
        frontend.load(path, strict=True)
    assert str(path) in str(error.value)
    assert "malformed" not in str(error.value)


def replace_const(model: Model, name, array):
    model.initializers = [t for t in model.initializers if t.name != name]
    model.const(name, array)


def find(model: Model, output):
    return next(node for node in model.nodes if node.output[0] == output)


def test_no_file(tmp_path):
    with pytest.raises(ModelError, match=r"none.onnx: cannot be read: No such file"):
        frontend.load(tmp_path / "none.onnx")


def test_a_folder(tmp_path):
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(ModelError, match="cannot be read: Is a directory"):
        frontend.load(tmp_path / "folder.onnx")


def test_unknown_suffix(tmp_path):
    with pytest.raises(ModelError, match=r"must end in one of \['.onnx'.*not '.pt'"):
        frontend.load(tmp_path / "net.pt")


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08", bytes(100), b"\xff" * 64])
def test_not_onnx(content, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="truncated or not an ONNX file"):
        frontend.load(path)


def test_truncated_anywhere(tmp_path):
    path = tmp_path / "model.onnx"
    content = good().proto().SerializeToString()
    for length in range(1, len(content) - 1, 7):
        path.write_bytes(content[:length])
        with pytest.raises(ModelError, match="model.onnx: "):
            frontend.load(path)


def test_flipped_bytes_raise_nothing_else(tmp_path):
    path = tmp_path / "model.onnx"
    content = good().proto().SerializeToString()
    rng = np.random.default_rng(8)
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        for at in rng.integers(0, len(content), 3):
            damaged[at] = rng.integers(0, 256)
        path.write_bytes(bytes(damaged))
        try:
            frontend.load(path)
        except ModelError:
            refused += 1
    assert refused > 50


def test_unsupported_operator(tmp_path):
    model = good()
    model.node("LpNormalization", ["y_dq"], "s")
    model.outputs = []
    refuse(model.output("s"), tmp_path, "'s_node' has the unsupported operator LpNormalization")


def test_operator_of_another_domain(tmp_path):
    model = good()
    model.node("Relu", ["y_dq"], "s", domain="org.example")
    refuse(model, tmp_path, "unsupported operator org.example:Relu")


def test_float_model(tmp_path):
    model = Model([1, 3, 8, 8])
    model.node("Conv", ["x", model.const("w", np.ones((2, 3, 3, 3)), np.float32)], "y")
    refuse(model.output("y"), tmp_path,
           r"node 'y_node' \(Conv\): the model is float; quantise it to int8 first, with `accel "
           "quantize`")


def test_float_weights(tmp_path):
    model = good()
    find(model, "c").input[1] = model.const("wf", np.ones((4, 3, 3, 3)), np.float32)
    refuse(model, tmp_path, r"node 'c_node' \(Conv\): weights 'wf' are float32 .* quantise")


def test_float_activation(tmp_path):
    model = good()
    find(model, "c").input[0] = "x"
    refuse(model, tmp_path, r"node 'c_node' \(Conv\): input 'x' is float: quantise")


def test_float_output(tmp_path):
    model = good()
    model.outputs = []
    refuse(model.output("c"), tmp_path, r"output 'c': node 'c_node' \(Conv\) must be quantised")


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        (["N", 3, "H", 7], r"input 'x': shape must be known.*\['N', 3, 'H', 7\]"),
        ([0, 3, 8, 7], "input 'x': batch dimension must be 1 or symbolic, not 0"),
        ([1, 3, 0, 7], r"shape must be known.*not \[1, 3, 0, 7\]"),
        ([], "input 'x': shape must be known, not missing"),
        ([1, 3, 60000, 60000], "must have at most"),
    ],
)
def test_input_shapes(shape, text, tmp_path):
    model = good()
    model.inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    refuse(model, tmp_path, text)


def test_input_without_shape(tmp_path):
    model = good()
    model.inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)]
    refuse(model, tmp_path, "input 'x': shape must be known, not missing")


def test_input_type(tmp_path):
    model = good()
    model.inputs = [helper.make_tensor_value_info("x", TensorProto.DOUBLE, [1, 3, 8, 7])]
    refuse(model, tmp_path, "input 'x': type must be one of .*not double")


def test_image_expected(tmp_path):
    model = good()
    model.inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 168])]
    refuse(model, tmp_path, r"node 'c_node' \(Conv\): input must be an image .*not \[1, 168\]")


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ((4, 5, 3, 3), "node 'c_node' .*weights must have 3 input channels, not 5"),
        ((4, 3, 3), r"weights must have shape \[Cout, Cin/group, kh, kw\], not \[4, 3, 3\]"),
        ((4, 3, 9, 3), r"kernel \(reaching 9 elements\) must fit the padded input, not 8"),
        ((5, 3, 3, 3), "scale and zero point must be one, or one per element of axis 0 .*not 4"),
    ],
)
def test_weight_shapes(shape, text, tmp_path):
    model = good()
    replace_const(model, "w_q", np.ones(shape, np.int8))
    refuse(model, tmp_path, text)


def test_weight_data_too_short(tmp_path):
    proto = good().proto()
    weights = next(t for t in proto.graph.initializer if t.name == "w_q")
    weights.raw_data = weights.raw_data[:-5]
    refuse(proto, tmp_path, r"'?w_q'?")


def test_gemm_weight_size(tmp_path):
    model = Model([1, 6])
    source = model.quantise("x", 0.1, 0)
    weights = model.weights("w", np.ones((7, 2)), 0.1)
    model.node("Gemm", [source, weights], "g")
    model.output(model.quantise("g", 0.1, 0))
    refuse(model, tmp_path, r"node 'g_node' \(Gemm\): weights must have 6 rows .*not 7")


def test_bias_size(tmp_path):
    model = good(per_channel=False)
    find(model, "c").input[2] = model.const("short", np.ones(3), np.float32)
    refuse(model, tmp_path, "node 'c_node' .*bias must have 4 elements, not 3")


@pytest.mark.parametrize("value", [0.0, -0.5, np.nan, np.inf])
@pytest.mark.parametrize("name", ["x_scale", "w_scale", "y_scale"])
def test_scales(name, value, tmp_path):
    model = good(per_channel=False)
    replace_const(model, name, np.float32(value))
    refuse(model, tmp_path, f"scale '{name}' must be positive and finite, not {value}")


def test_scale_per_channel_of_an_activation(tmp_path):
    model = good()
    replace_const(model, "x_scale", np.ones(3, np.float32))
    refuse(model, tmp_path, "scale 'x_scale' must be one number, not 3 numbers")


def test_sixteen_bit_activations(tmp_path):
    model = good()
    replace_const(model, "x_zero", np.int16(0))
    refuse(model, tmp_path, "zero point must be one int8 or uint8, not int16")


def test_other_zero_point_than_the_producers(tmp_path):
    model = good()
    find(model, "x_dq").input[2] = model.const("other", np.int8(99))
    refuse(model, tmp_path, "node 'x_dq_node' .*input zero point must be .*not int8 99")


def test_missing_initializer(tmp_path):
    model = good()
    model.initializers = [t for t in model.initializers if t.name != "w_scale"]
    refuse(model, tmp_path, "node 'w_node' .*input 'w_scale' must be .*not missing")


def test_cycle(tmp_path):
    model = good()
    find(model, "x_q").input[0] = "y_dq"
    refuse(model, tmp_path, r"node 'x_q_node' .*not form a cycle")


def test_output_computed_twice(tmp_path):
    model = good()
    model.node("Relu", ["x_dq"], "c")
    refuse(model, tmp_path, r"output 'c' must be computed once")


def test_missing_output(tmp_path):
    refuse(good().output("nowhere"), tmp_path, "output 'nowhere'")


def elsewhere(folder, place, **where):
    """A model whose weights lie in another file, ``other.bin``, says the model at ``place``."""
    proto = good().proto()
    weights = next(t for t in proto.graph.initializer if t.name == "w_q")
    (folder / "other.bin").write_bytes(weights.raw_data)
    onnx.external_data_helper.set_external_data(weights, place, **where)
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    return proto


def test_weights_in_another_file(tmp_path):
    onnx.save(good().proto(), tmp_path / "whole.onnx")
    (tmp_path / "two.onnx").write_bytes(elsewhere(tmp_path, "other.bin").SerializeToString())
    images = np.random.default_rng(0).standard_normal((2, 3, 8, 7)).astype(np.float32)
    whole, two = (accel.golden_run(tmp_path / f"{name}.onnx", images) for name in ("whole", "two"))
    np.testing.assert_array_equal(whole[0], two[0])


@pytest.mark.parametrize("place, where, words", [
    ("gone.bin", {}, "its weights lie in 'gone.bin', which must be beside it"),
    ("other.bin", {"offset": 9}, "raw_data size .* is too small"),
    ("other.bin", {"length": 1 << 40}, "with its weights it must be below 2 GB, not 1099.5 GB"),
    ("folder/../../other.bin", {}, "its weights"),
])  # fmt: skip
def test_weights_that_are_not_there(place, where, words, tmp_path):
    (tmp_path / "inner" / "folder").mkdir(parents=True)
    proto = elsewhere(tmp_path, place, **where)
    refuse(proto, tmp_path / "inner" if "/" in place else tmp_path, words)


def test_sums_beyond_int32(tmp_path):
    model = good(per_channel=False)
    find(model, "c").input[2] = model.const("huge", np.full(4, 4.2e5), np.float32)
    refuse(model, tmp_path, "c_node.*bias must be from -2147483648 to 2147483647.*not 2321262592")


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"strides": [0, 1]}, "strides must be 2 integers from 1"),
        ({"strides": [1, 1, 1]}, "strides must be 2 integers from 1"),
        ({"pads": [-1, 0, 0, 0]}, "pads must be 4 integers from 0"),
        ({"dilations": [9, 1]}, "must fit the padded input"),
        ({"auto_pad": "SOMEHOW"}, "auto_pad must be one of .*not 'SOMEHOW'"),
        ({"kernel_shape": [5, 5]}, r"kernel_shape must be the weights' \[3, 3\], not \[5, 5\]"),
    ],
)
def test_attributes(attributes, text, tmp_path):
    refuse(good(**attributes), tmp_path, rf"node 'c_node' \(Conv\): .*{text}")


def test_groups(tmp_path):
    model = good()
    find(model, "c").attribute[0].i = 2
    refuse(model, tmp_path, "group must divide 3 input and 4 output channels, not 2")


def pool(**attributes) -> Model:
    model = Model([1, 2, 6, 6])
    model.node("MaxPool", [model.quantise("x", 0.1, 0)], "p", kernel_shape=[2, 2], **attributes)
    return model.output(model.quantise("p", 0.1, 0))


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"dilations": [2, 0]}, "dilations must be 2 integers from 1"),
        ({"dilations": [9, 9]}, "must fit the padded input"),
        ({"pads": [3, 0, 0, 0]}, "every window must hold an element of the input"),
        ({"ceil_mode": 1.5}, "ceil_mode"),
    ],
)
def test_pool_attributes(attributes, text, tmp_path):
    refuse(pool(**attributes), tmp_path, text)


@pytest.mark.parametrize("options", [{}, {"strict": True}, {"exact": True}])
def test_a_window_that_fits_nowhere_is_no_work_for_the_host_either(options, tmp_path):
    path = pool(dilations=[6, 1]).save(tmp_path)
    with pytest.raises(accel.EmptyError, match=r"node 'p_node' \(MaxPool\): kernel \(reaching 7 "
                       r"elements\) must fit the padded input, not 6: the image is too small"):
        frontend.load(path, **options)


@pytest.mark.parametrize("before", [None, "Sin"])
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("op", ["MaxPool", "AveragePool", "LpPool"])
def test_a_window_that_fits_nowhere_in_a_part_of_the_host(op, batch, before, tmp_path):
    """ONNX Runtime would end the process."""
    model = Model([batch, 8, 3, 3])
    value = model.quantise("x", 0.1, 0)
    value = model.node(before, [value], "b") if before else value
    value = model.node(op, [value], "p", kernel_shape=[4, 4])
    value = model.node("GlobalAveragePool", [value], "g")
    path = model.output(model.quantise(value, 0.1, 0)).save(tmp_path)
    with pytest.raises(accel.EmptyError, match=rf"node 'p_node' \({op}\): kernel \(reaching 4"):
        frontend.load(path)


def test_a_window_that_reaches_beyond_the_image_with_ceil_mode_is_the_hosts(tmp_path):
    """It has one result there."""
    model = Model([1, 8, 2, 2])
    model.node("MaxPool", [model.quantise("x", 0.1, 0)], "p", kernel_shape=[3, 3], strides=[2, 2],
               ceil_mode=1)
    path = model.output(model.quantise("p", 0.1, 0)).save(tmp_path)
    graph = frontend.load(path)
    assert [port.shape for port in graph.outputs] == [(8, 1, 1)]
    given = np.random.default_rng(0).normal(0, 3, (1, 8, 2, 2)).astype(np.float32)
    [got] = accel.golden_run(graph, given)
    [wanted] = onnx_session.session(path).run(None, {"x": given})
    np.testing.assert_array_equal(got, wanted)


def test_reshape_that_mixes_channels_and_pixels(tmp_path):
    model = Model([1, 2, 6, 6])
    source = model.quantise("x", 0.1, 0)
    pooled = model.node("MaxPool", [source], "p", kernel_shape=[1, 1])
    image = model.node("Reshape", [pooled, model.const("s", [1, 3, 6, 4], np.int64)], "i")
    model.node("MaxPool", [image], "q", kernel_shape=[2, 2])
    model.output(model.quantise("q", 0.1, 0))
    refuse(model, tmp_path, "node 'q_node' .*a Reshape must not mix channels with pixels")


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ([1, 71], "shape must hold 72 elements"),
        ([2, 36], "must keep the batch dimension of 1"),
        ([-1, -1], "at most one -1"),
        ([0, 0, 0, 0, 0], "may copy existing dimensions only"),
        ([1, -5], "at most one -1"),
    ],
)
def test_reshape_targets(target, text, tmp_path):
    model = Model([1, 2, 6, 6])
    source = model.quantise("x", 0.1, 0)
    model.node("Reshape", [source, model.const("s", target, np.int64)], "i")
    model.output(model.quantise("i", 0.1, 0))
    refuse(model, tmp_path, text)


def test_a_message_is_one_line_whatever_a_file_calls_its_nodes():
    assert str(ModelError("a.onnx: node 'x\n\x00': no")) == "a.onnx: node 'x\\n\\x00': no"


def integers(weight, bias):
    """A QLinearConv of one weight and one bias."""
    model = Model([1, 1, 3, 3], elem_type=TensorProto.INT8)
    x, w = ["x", *model.params("x", 0.5, 0)], model.const("w", [[[[weight]]]], np.int8)
    model.node("QLinearConv", [*x, w, *model.params("w", 1e-3, 0), *model.params("y", 1e4, 0),
                               model.const("b", [bias], np.int32)], "y")
    return model.output("y", TensorProto.INT8)


def test_the_least_bias_is_a_bias(tmp_path):
    """-2147483648 is an int32; a sum that leaves int32 with it is refused, by its own rule."""
    graph = frontend.load(integers(0, -(1 << 31)).save(tmp_path))
    assert graph.nodes[0].bias.tolist() == [-(1 << 31)]
    refuse(integers(1, -(1 << 31)), tmp_path, "node 'y_node': the sums of output channel 0 must "
           "stay within int32, not reach -2147483776 to -2147483521$")


def test_zero_points_are_named_as_the_file_has_them(tmp_path):
    model = Model([1, 4])
    model.quantise("x", 0.1, 140, np.uint8)
    model.node("DequantizeLinear", ["x_q", "x_scale", model.const("other", 130, np.uint8)], "d")
    model.output(model.quantise("d", 0.1, 140, np.uint8, name="y"))
    refuse(model, tmp_path, r"node 'd_node' \(DequantizeLinear\): input zero point must be uint8 "
           "140 as where the input was quantised, not uint8 130")


def test_a_factor_that_is_not_a_constant(tmp_path):
    model = Model([1, 4])
    x = model.quantise("x", 0.1, 0)
    w = model.const("w", np.ones((4, 4)), np.int8)
    model.node("MatMulInteger", ["x_q", w, "x_zero"], "i")
    value = model.node("Mul", [model.node("Cast", ["i"], "f", to=1), x], "m")
    refuse(model.output(model.quantise(value, 0.1, 0)), tmp_path,
           "node 'm_node'.*Mul must be of the int32 sums of a ConvInteger or MatMulInteger and of "
           "a constant, not sums and activation")


@pytest.mark.parametrize("axes, pads", [([2, 7], 4), ([2, -5], 4), ([2, -2], 4), ([2, 3], 3)])
def test_axes_of_a_pad(axes, pads, tmp_path):
    model = Model([1, 4, 4, 4], opset=18)
    lists = [model.const("pads", [1] * pads, np.int64), model.const("value", 0, np.float32),
             model.const("axes", axes, np.int64)]
    value = model.node("Pad", [model.quantise("x", 0.1, 0), *lists], "v")
    refuse(model.output(model.quantise(value, 0.1, 0, name="y")), tmp_path, "'v_node' .*axes must "
           rf"be different integers from -4 to 3, with two pads each, not \[.*\] and {pads} pads")


@pytest.mark.parametrize("scale", [np.int32(1), np.zeros(0, np.float32)])
def test_a_scale_that_is_no_float(scale, tmp_path):
    model = good()
    replace_const(model, "x_scale", scale)
    refuse(model, tmp_path, rf"scale \(input 1\) must be a float constant, not {scale.dtype} ")

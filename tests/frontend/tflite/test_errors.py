"""TFLite files that cannot be used: one ModelError each, naming file, operator, rule and value."""

import resource
import struct
import time

import numpy as np
import pytest
import tflite

from accel import frontend
from accel.frontend import ModelError, takes
from tests.support.tflite_models import Model
from tests.support.tflite_random import KINDS, draw

#: Processor time that no file may take, with room for a machine slower than the fuzzer's, which
#: demands a second.
SECONDS = 4.0


def refuse(content, folder, text):
    path = folder / "model.tflite"
    path.write_bytes(content.content() if isinstance(content, Model) else content)
    began = time.process_time()
    with pytest.raises(ModelError, match=text) as error:
        frontend.load(path, strict=True)
    assert time.process_time() - began < SECONDS
    one_line(error.value, path)
    try:
        return frontend.load(path)  # what the machine refuses, the host may get
    except ModelError as found:
        one_line(found, path)
        return None


def one_line(error, path):
    assert str(error).startswith(f"{path}: ")
    assert "\n" not in str(error)


def good(dtype="int8", **options) -> Model:
    """A convolution: tensors are 0 input, 1 weights, 2 bias, 3 output."""
    model, zero = Model(), 128 if dtype == "uint8" else 0
    source = model.input([1, 6, 5, 2], dtype)
    scales = 0.01 if dtype == "uint8" else [0.01, 0.02, 0.03]
    weights = model.tensor([3, 2, 2, 2], dtype, scales, zero, np.full([3, 2, 2, 2], zero + 5))
    bias = model.tensor([3], "int32", np.float32(0.05) * np.float32(scales), 0, [1, 2, 3])
    return model.output(model.op("CONV_2D", [source, weights, bias], [1, 5, 4, 3], dtype,
                                 **options))


def changed(model: Model, tensor: int, **fields) -> Model:
    model.tensors[tensor].update(fields)
    return model


CONV = r"operator 0 \(CONV_2D\): "


def test_the_good_ones_are_good(tmp_path):
    for dtype in ("int8", "uint8"):
        assert len(frontend.load(good(dtype).save(tmp_path)).nodes) == 1


def test_no_file(tmp_path):
    with pytest.raises(ModelError, match=r"none.tflite: cannot be read: No such file"):
        frontend.load(tmp_path / "none.tflite")


def test_a_folder(tmp_path):
    (tmp_path / "folder.tflite").mkdir()
    with pytest.raises(ModelError, match="cannot be read: Is a directory"):
        frontend.load(tmp_path / "folder.tflite")


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x08\0\0\0TFL2" + bytes(50), bytes(100)])
def test_not_tflite(content, tmp_path):
    refuse(content, tmp_path, "truncated or not a TFLite file: bytes 4 to 7 must be b'TFL3'")


@pytest.mark.parametrize("offset", [8, 1000, 0x7FFFFFFF, 0xFFFFFFFF])
def test_root_offset_that_leads_nowhere(offset, tmp_path):
    refuse(struct.pack("<I", offset) + b"TFL3" + bytes(40), tmp_path,
           "truncated or damaged: model: offsets and lengths|version must be 3")


def test_a_file_that_ends_behind_its_name(tmp_path):
    refuse(struct.pack("<I", 8) + b"TFL3", tmp_path, "truncated or damaged: model: offsets and l")


def test_truncated_anywhere(tmp_path):
    content, path = good().content(), tmp_path / "model.tflite"
    for length in range(0, len(content) - 1, 3):
        path.write_bytes(content[:length])
        try:
            frontend.load(path)
        except ModelError as error:
            assert "model.tflite: " in str(error)


def test_flipped_bytes_raise_nothing_else(tmp_path):
    path, rng, refused = tmp_path / "model.tflite", np.random.default_rng(8), 0
    for kind in KINDS:
        content, _ = draw(kind, 0)
        for _ in range(25):
            damaged = bytearray(content)
            for at in rng.integers(0, len(content), 3):
                damaged[at] = rng.choice([0, 1, 127, 128, 255, rng.integers(0, 256)])
            path.write_bytes(bytes(damaged))
            try:
                frontend.load(path)
            except ModelError:
                refused += 1
    assert 100 < refused < 25 * len(KINDS)


@pytest.mark.parametrize("number", [0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, 0x10000])
def test_every_number_huge_in_its_turn(number, tmp_path):
    """Offsets, lengths and fields alike, at every multiple of 4 bytes."""
    content, path = good().content(), tmp_path / "model.tflite"
    for at in range(8, len(content) - 3, 4):
        damaged = bytearray(content)
        struct.pack_into("<I", damaged, at, number)
        path.write_bytes(damaged)
        began = time.process_time()
        try:
            frontend.load(path)
        except ModelError as error:
            assert str(error).startswith(f"{path}: ")
        assert time.process_time() - began < SECONDS


def test_version(tmp_path):
    model = good()
    model.version = 2
    refuse(model, tmp_path, "schema version must be 3, not 2")


@pytest.mark.parametrize("count", [0, 2])
def test_subgraphs(count, tmp_path):
    model = good()
    model.subgraphs = count
    refuse(model, tmp_path, f"must have one subgraph, not {count}")


def test_too_many_operators(tmp_path):
    model = good()
    model.operators *= 5000
    refuse(model, tmp_path, "the number of operators must be at most 2048, not 5000")


def test_too_many_tensors(tmp_path):
    model = good()
    model.tensors += model.tensors[:1] * 8189
    refuse(model, tmp_path, "the number of tensors must be at most 8192, not 8193")


def test_too_many_arguments(tmp_path):
    model = good()
    model.operators[0]["inputs"] *= 100
    refuse(model, tmp_path, r"operator 0 \(CONV_2D\): the number of inputs or outputs must be at m")


def test_variable(tmp_path):
    model = good()
    model.variables.add(0)
    refuse(model, tmp_path, "tensor 0 .*must be an ordinary tensor, not a variable")


def test_unsupported_operator(tmp_path):
    model = good()
    model.operators[0]["op"] = "LSTM"
    refuse(model, tmp_path, r"operator 0 \(LSTM\): the machine has no such operator")


def test_custom_operator(tmp_path):
    model = good()
    model.operators[0]["op"] = "my_op"
    refuse(model, tmp_path, r"operator 0 \(CUSTOM 'my_op'\): the machine has no such operator")


@pytest.mark.parametrize(
    ("at", "index", "text"),
    [
        (0, 77, CONV + "input 0: must refer to one of the 4 tensors, not 77"),
        (0, -1, CONV + "input 0: must refer to one of the 4 tensors, not -1"),
        (1, -5, CONV + "input 1: must refer to one of the 4 tensors, not -5"),
        (0, 3, CONV + r"input 0, tensor 3 \('t3'\), must be computed before, not later or never"),
        (0, 1, CONV + r"input 0, tensor 1 \('t1'\), must be computed, not constant"),
        (1, 0, CONV + r"input 1, tensor 0 \('t0'\), must be constant, not missing or computed"),
        (2, 0, CONV + r"input 2, tensor 0 \('t0'\), must be int32, not int8"),
    ],
)
def test_tensor_indices(at, index, text, tmp_path):
    model = good()
    model.operators[0]["inputs"][at] = index
    refuse(model, tmp_path, text)


def test_network_ports(tmp_path):
    for name, index, text in [
        ("inputs", 9, "an input of the subgraph: must refer to one of the 4 tensors, not 9"),
        ("outputs", -1, "an output of the subgraph: must refer to one of the 4 tensors, not -1"),
        ("outputs", 1, r"output tensor 1 \('t1'\): must be computed from the input, not constant"),
        ("inputs", 1, r"input tensor 1 \('t1'\) must be given, not constant"),
    ]:
        model = good()
        setattr(model, name, [index])
        refuse(model, tmp_path, text)
    model = good()
    model.inputs *= 2
    refuse(model, tmp_path, r"input tensor 0 \('t0'\) must be given once, not twice")
    model = good()
    model.outputs = []
    refuse(model, tmp_path, "must have at least one output, not 0")


def test_computed_twice(tmp_path):
    model = good()
    model.operators *= 2
    refuse(model, tmp_path, r"operator 1 \(CONV_2D\): output tensor 3 \('t3'\) must be computed")


def test_computed_twice_by_the_host(tmp_path):
    """The second output is the input of what the first one comes from."""
    model = Model()
    middle = model.op("QUANTIZE", [model.input([1, 4, 4, 2], "float32")], [1, 4, 4, 2])
    pooled = model.op("MAX_POOL_2D", [middle], [1, 2, 2, 2], StrideW=2, StrideH=2,
                      FilterWidth=2, FilterHeight=2)
    back = model.op("DEQUANTIZE", [pooled], [1, 2, 2, 2], dtype="float32")
    model.operators[-1]["outputs"].append(middle)
    path = model.output(back).save(tmp_path)
    with pytest.raises(ModelError, match=rf"output tensor {middle} .* must be computed once"):
        frontend.load(path)


def test_an_input_that_an_operator_behind_computes(tmp_path):
    """The host's part of the first operator looks for no one who makes it."""
    model = Model()
    given = model.input([1, 4, 4, 2], "float32")
    first = model.op("CUMSUM", [given, model.constant([1])], [1, 4, 4, 2])
    last = model.op("ABS", [999], [1, 4, 4, 2])
    model.operators[-1]["outputs"].append(given)
    path = model.output(first, last).save(tmp_path)
    with pytest.raises(ModelError, match=r"operator 1 \(ABS\): input 0: must refer to one of"):
        frontend.load(path)


def test_hundreds_of_outputs_are_not_all_told(tmp_path):
    model = good()
    model.operators[0]["outputs"] = [123456789] * 250
    path = model.save(tmp_path)
    with pytest.raises(ModelError, match="must be different tensors, not .123456789, ") as error:
        frontend.load(path)
    assert len(str(error.value)) < 1500


def test_used_before_it_is_computed(tmp_path):
    model = good()
    model.op("RELU", [3], [1, 5, 4, 3])
    model.operators.reverse()
    refuse(model, tmp_path, r"operator 0 \(RELU\): input 0, tensor 3 \('t3'\), must be computed")


def test_output_of_its_own_input(tmp_path):
    model = good()
    model.operators[0]["inputs"][0] = 3
    refuse(model, tmp_path, "must be computed before, not later or never")


@pytest.mark.parametrize("count", [0, 1, 4])
def test_number_of_inputs(count, tmp_path):
    model = good()
    model.operators[0]["inputs"] = [0, 1, 2, 2][:count]
    refuse(model, tmp_path, CONV + f"must have from 2 to 3 inputs, not {count}")


@pytest.mark.parametrize("count", [0, 2])
def test_number_of_outputs(count, tmp_path):
    model = good()
    model.operators[0]["outputs"] *= count
    refuse(model, tmp_path, CONV + f"must have one output, not {count}")


@pytest.mark.parametrize("op", ["ADD", "MEAN", "PAD", "CONCATENATION", "SOFTMAX", "RESHAPE",
                                "QUANTIZE", "DEQUANTIZE", "RELU", "TANH", "HARD_SWISH",
                                "MAX_POOL_2D", "AVERAGE_POOL_2D", "FULLY_CONNECTED"])
def test_no_inputs(op, tmp_path):
    model = Model()
    model.input([1, 4])
    refuse(model.output(model.op(op, [], [1, 4])), tmp_path,
           rf"operator 0 \({op}\): must have ((from )?2|1|from 1) .*inputs?, not 0$")


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ([1, -1, 5, 2], r"shape must be static behind the batch, not \[1, -1, 5, 2\]"),
        ([2, 6, 5, 2], r"shape must be a batch of 1 .*not \[2, 6, 5, 2\]"),
        ([1], r"shape must be a batch of 1 and one to three dimensions, not \[1\]"),
        ([], r"shape must be a batch of 1 and one to three dimensions, not \[\]"),
        ([1, 6, 5, 2, 1], "shape must be a batch of 1 and one to three dimensions"),
        ([1] * 9, "the number of dimensions must be at most 8, not 9"),
        ([1, 0, 5, 2], "dimensions must be from 1 to 65536"),
        ([1, 1 << 30, 5, 2], "dimensions must be from 1 to 65536"),
        ([1, 60000, 60000, 2], "at most 268435456 elements, not"),
        ([1, 6, 5, 3], CONV + "input channels of the weights must divide the input's 3, not 2"),
        ([1, 60], CONV + r"input 0, tensor 0 \('t0'\), must be an image \[1, H, W, C\]"),
        ([1, 1, 5, 2], "kernel .2, 2. .*must fit the padded input, not 1x5"),
    ],
)
def test_input_shapes(shape, text, tmp_path):
    refuse(changed(good(), 0, shape=shape), tmp_path, text)


def test_dynamic_shape_by_signature(tmp_path):
    refuse(changed(good(), 0, signature=[-1, -1, 5, 2]), tmp_path,
           r"tensor 0 \('t0'\) must have a static shape behind .*, not \[-1, -1, 5, 2\]")


def test_output_shape(tmp_path):
    refuse(changed(good(), 3, shape=[1, 6, 4, 3]), tmp_path,
           r"node 'op00_CONV_2D': output 't3' must have shape \(5, 4, 3\), not \(6, 4, 3\)")


@pytest.mark.parametrize("tensor", [0, 1, 3])
@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf])
def test_scales(tensor, scale, tmp_path):
    model = good()
    scales = np.atleast_1d(np.float32(model.tensors[tensor]["scale"])).copy()
    scales[-1] = scale
    refuse(changed(model, tensor, scale=scales), tmp_path,
           rf"tensor {tensor} \('t{tensor}'\): scale must be positive and finite, not {scale}")


def test_no_scale(tmp_path):
    for tensor in (0, 1, 3):
        refuse(changed(good(), tensor, scale=None), tmp_path,
               rf"tensor {tensor} \('t{tensor}'\): must have a quantisation scale, not none")


@pytest.mark.parametrize(
    ("tensor", "fields", "text"),
    [
        (0, {"zero": 128}, r"tensor 0 .*zero point of int8 must be from -128 to 127, not 128"),
        (3, {"zero": -129}, r"tensor 3 .*zero point of int8 must be from -128 to 127, not -129"),
        (0, {"scale": [0.1, 0.2]}, r"tensor 0 .*must have one scale, not 2"),
        (1, {"scale": [0.1, 0.2]}, CONV + "input 1, .* must have one scale or 3, not 2"),
        (1, {"zero": [0, 0]}, r"tensor 1 .*must have as many zero points as scales, 3, not 2"),
        (1, {"zero": [0, 4, 0]}, CONV + "input 1.* must have zero points of 0, not 4"),
        (1, {"scale": 0.01, "zero": 3}, CONV + "input 1.* must have zero points of 0, not 3"),
        (1, {"axis": 3}, CONV + "input 1.* must be quantised along dimension 0, not 3"),
        (1, {"dtype": "float32"}, CONV + "input 1.* must be int8 as the input, not float32"),
        (1, {"shape": [3, 8]}, CONV + r"input 1.* must have 4 dimensions, not \[3, 8\]"),
        (1, {"shape": [3, 2, 2, 1]}, r"of shape \[3, 2, 2, 1\] must hold 12 bytes, not 24"),
        (1, {"shape": [3, 0, 2, 2]}, "must have dimensions from 1 to 65536"),
        (1, {"shape": [3, 1 << 20, 2, 2]}, "must have dimensions from 1 to 65536"),
        (1, {"shape": [3, 60000, 60000, 60000]}, "must hold 648000000000000 bytes, not 24"),
        (1, {"buffer": 0}, CONV + "input 1.* must be constant, not missing or computed"),
        (1, {"buffer": 99}, r"tensor 1 .*buffer must be one of the file's 3, not 99"),
        (2, {"zero": 1}, r"tensor 2 .*zero point of int32 must be from 0 to 0, not 1"),
        (2, {"shape": [4]}, CONV + r"input 2.* of shape \[4\] must hold 16 bytes, not 12"),
        (2, {"shape": [3, 1, 1], "dtype": "int64"}, CONV + "input 2.* must be int32, not int64"),
        (2, {"scale": 0.9}, CONV + "input 2.* must have the scale of the sums, .*to within 0.02"),
        (2, {"scale": 0.006}, CONV + r"input 2.* of an output step, not 0\.\d+ off"),
        (2, {"scale": [0.1, 0.1]}, CONV + "input 2.* must have 1 or 3 scales, not 2"),
        (3, {"dtype": "uint8", "zero": 0}, CONV + "output must be int8 as its input, not uint8"),
        (3, {"scale": 1e-13}, CONV + r"requantisation factor must be below 2\*\*30, not"),
        (0, {"dtype": "int16"}, r"tensor 0 \('t0'\): type must be int8 or uint8, not int16"),
        (3, {"name": "n" * 5000}, "tensor 3: the bytes of its name must be at most 4096, not 5000"),
    ],
)
def test_tensors(tensor, fields, text, tmp_path):
    refuse(changed(good(), tensor, **fields), tmp_path, text)


def test_a_long_name_as_converters_make_of_all_that_they_fuse(tmp_path):
    path = tmp_path / "m.tflite"
    name = "model/FusedBatchNormV3;" * 40
    path.write_bytes(changed(good(), 3, name=name).content())
    assert name in frontend.load(path).tensors


def test_name_that_is_not_text(tmp_path):
    content = changed(good(), 0, name="input").content().replace(b"input", b"\xff\xfe\xfdut")
    refuse(content, tmp_path, "damaged: tensor 0: .*UnicodeDecodeError")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"StrideH": 0}, "StrideH must be from 1 to 65536, not 0"),
        ({"StrideW": -1}, "StrideW must be from 1 to 65536, not -1"),
        ({"DilationHFactor": 0}, "DilationHFactor must be from 1 to 65536, not 0"),
        ({"DilationWFactor": 1 << 20}, "DilationWFactor must be from 1 to 65536, not 1048576"),
        ({"Padding": 2}, "Padding must be one of .*not 2"),
        ({"FusedActivationFunction": 4}, "fused activation must be one of .*, not TANH"),
        ({"FusedActivationFunction": 99}, "fused activation must be one of .*, not 99"),
    ],
)
def test_options(options, text, tmp_path):
    refuse(good(**options), tmp_path, CONV + text)


def test_options_of_another_operator(tmp_path):
    model = good()
    model.operators[0].update(options_of="SOFTMAX", options={})
    refuse(model, tmp_path, CONV + r"options must be Conv2DOptions \(number 1\), not number 9")
    model.operators[0].update(options_of="RELU")
    refuse(model, tmp_path, CONV + r"options must be Conv2DOptions \(number 1\), not number 0")


@pytest.mark.parametrize("op, option", [("GATHER", "Axis"), ("MIRROR_PAD", "Mode"),
                                        ("RESIZE_BILINEAR", "AlignCorners")])  # fmt: skip
def test_options_left_out(op, option, tmp_path):
    constant = {"GATHER": [0], "MIRROR_PAD": [[0, 0]] * 4, "RESIZE_BILINEAR": [8, 8]}[op]
    model = Model()
    value = model.op(op, [model.input([1, 4, 4, 2]), model.constant(constant)], [1, 4, 4, 2])
    refuse(model.output(value), tmp_path, rf"\({op}\): options must have {option}, not none")


def test_paddings_that_are_no_pairs(tmp_path):
    model = Model()
    value = model.op("MIRROR_PAD", [model.input([1, 4, 4, 2]), model.constant([0, 0, 1])],
                     [1, 4, 4, 2], Mode=0)
    refuse(model.output(value), tmp_path, r"paddings must have shape \[4, 2\], not \[3\]")


@pytest.mark.parametrize("op", ["POW", "DIV", "SQUARED_DIFFERENCE"])
def test_a_number_of_an_unknown_type(op, tmp_path):
    model = Model()
    model.output(model.op(op, [model.input([1, 4]), model.constant([3])], [1, 4]))
    content = bytearray(model.content())
    table = tflite.Model.GetRootAs(content, 0).Subgraphs(0).Tensors(1)._tab
    content[table.Pos + table.Offset(6)] = 127
    refuse(bytes(content), tmp_path, r"input 1, .* must hold numbers, not type 127")


def test_sums_beyond_int32(tmp_path):
    model = good()
    model.buffers[2] = struct.pack("<3i", 0, (1 << 31) - 1, 0)
    refuse(model, tmp_path, "node 'op00_CONV_2D': the sums of output channel 1 must stay within")


def test_depth_multiplier(tmp_path):
    model = Model()
    weights = model.tensor([1, 1, 1, 5], "int8", 0.1, 0, np.ones(5))
    value = model.op("DEPTHWISE_CONV_2D", [model.input([1, 4, 4, 2]), weights], [1, 4, 4, 5])
    refuse(model.output(value), tmp_path,
           r"operator 0 \(DEPTHWISE_CONV_2D\): DepthMultiplier times the input's 2 channels")


def single(op, shapes, out, constants=(), **fields):
    """A model of one operator with inputs of these shapes, then constants."""
    model = Model()
    inputs = [model.input(shape) for shape in shapes]
    inputs += [model.constant(*each) for each in constants]
    return model.output(model.op(op, inputs, out, **fields))


def bytes_softmax():
    """Of uint8, whose zero point is 0 where that of int8 is -128."""
    model = Model()
    source = model.input([1, 4], "uint8")
    return model.output(model.op("SOFTMAX", [source], [1, 4], "uint8", scale=0.25, zero=7))


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (single("ADD", [[1, 4, 4, 2], [1, 1, 4, 2]], [1, 4, 4, 2]),
         r"\(ADD\): inputs must have one shape, \[4, 4, 2\], or one .* not \[1, 4, 2\]"),
        (single("MAXIMUM", [[1, 4, 4, 2], [1, 1, 1, 2]], [1, 4, 4, 2], zero=4),
         r"\(MAXIMUM\): input 0, .* must be quantised as the output, with .* 4, not 0.05.* and 3"),
        (single("ADD", [[1, 4], [1, 4]], [1, 4], scale=1e-9), "factors must be below 1, not"),
        (single("CONCATENATION", [[1, 4, 4, 2]], [1, 4, 4, 2], Axis=0),
         "axis must be from 1 to 3, not 0"),
        (single("CONCATENATION", [[1, 4, 4, 2]], [1, 8, 4, 2], Axis=1),
         r"must have shape \(4, 4, 2\), not \(8, 4, 2\)"),
        (single("SLICE", [[1, 4, 4, 2]], [1, 4, 4, 2], [[[0, 1, 0, 0]], [[1, 4, 4, 2]]]),
         "must cut some of the 4 elements, not 4 from 1 on"),
        (single("SLICE", [[1, 4, 4, 2]], [1, 4, 4, 2], [[[0] * 4], [[-1] * 4], [[1]]]),
         "must have 3 inputs, not 4"),
        (single("SLICE", [[1, 4, 4, 2]], [1, 4, 4, 2], [[[0, 0]], [[1, 4]]]),
         r"begin and size must have 4 numbers, not \[2, 2\]"),
        (single("SLICE", [[1, 4, 4, 2]], [1, 4, 4, 2], [[[0] * 4], [[-1] * 4]], scale=0.1),
         "output must have the input's scale and zero point"),
        (single("STRIDED_SLICE", [[1, 4, 4, 2]], [1, 4, 4, 2],
                [[[0] * 4], [[1, 4, 4, 2]], [[1, 0, 1, 1]]], ShrinkAxisMask=0),
         "strides must not be 0, not 0"),
        (single("STRIDED_SLICE", [[1, 4, 4, 4]], [1, 4, 4, 3],
                [[[0] * 4], [[1, 4, 4, 4]], [[1, 1, 1, 2]]], ShrinkAxisMask=0),
         r"output must have dimensions of \[4, 4, 2\], not \[4, 4, 3\]"),
        (single("STRIDED_SLICE", [[1, 4, 4, 2]], [4, 4, 2], [[[0]], [[1]], [[1]]]),
         "the batch must stay a dimension"),
        (single("UNPACK", [[1, 4, 4, 2]], [1, 4, 2], Num=1), "Num must be the number of outputs"),
        (single("SPLIT_V", [[1, 4, 4, 2]], [1, 3, 4, 2], [[[3]], [[1]]]), "sizes must give 4 ele"),
        (single("RESIZE_NEAREST_NEIGHBOR", [[1, 4, 4, 2]], [1, 7, 4, 2], [[[6, 4]]]),
         r"output must have dimensions of \[6, 4, 2\], not \[7, 4, 2\]"),
        (single("DEPTH_TO_SPACE", [[1, 4, 4, 2]], [1, 8, 8, 2]), "must be a multiple of 4, not"),
        (single("DEPTH_TO_SPACE", [[1, 4, 4, 2]], [1, 8, 8, 2], BlockSize=0), "BlockSize must be"),
        (single("SPACE_TO_DEPTH", [[1, 5, 4, 2]], [1, 2, 2, 8]), "must be multiples of 2, not"),
        (single("SPACE_TO_DEPTH", [[1, 5, 5, 2]], [1, 2, 2, 8]), "must be multiples of 2, not"),
        (single("CONCATENATION", [[1, 4, 4, 2], [1, 4, 5, 2]], [1, 4, 4, 4]),
         "inputs must all be 4x4, not 4x5"),
        (single("CONCATENATION", [[1, 4, 4, 2]], [1, 4, 4, 2], scale=0.3),
         "output scale must be the input's"),
        (single("MEAN", [[1, 4, 4, 2]], [1, 4, 4], [[[3]]]), r"axes must be height.*, not \[3\]"),
        (single("MEAN", [[1, 4, 4, 2]], [1, 2], [[[1, 1]]]), r"not \[1, 1\]"),
        (single("MEAN", [[1, 4, 4, 2]], [1, 2], [[[1, -6]]]), r"axes must be .*not \[1, -6\]"),
        (single("MEAN", [[1, 4, 4, 2]], [1, 3], [[[1, 2]]]), r"must have shape \[1, 2\], not"),
        (single("MEAN", [[1, 4, 3, 2]], [1, 4, 2], [[[2]]]),
         "a mean over the width alone must keep its dimensions"),
        (single("PAD", [[1, 4, 4, 2]], [2, 4, 4, 2], [[[[0, 1], [0, 0], [0, 0], [0, 0]]]]),
         "paddings must be from 0, and 0 for the batch"),
        (single("PAD", [[1, 4, 4, 2]], [1, 3, 4, 2], [[[[0, 0], [-1, 0], [0, 0], [0, 0]]]]),
         "paddings must be from 0"),
        (single("PAD", [[1, 4, 4, 2]], [1, 5, 4, 2], [[[[0, 0], [0, 0]]]]),
         r"paddings must have shape \[4, 2\], not \[2, 2\]"),
        (single("PAD", [[1, 4, 4, 2]], [1, 5, 4, 2],
                [[[[0, 0], [1 << 30, 0], [0, 0], [0, 0]]]]), r"output must have shape \[1, 107374"),
        (single("RESHAPE", [[1, 4, 4, 2]], [1, 31]), "must have the input's 32 elements, not 31"),
        (single("RESHAPE", [[1, 4, 4, 2]], [1, 32], [[[1, 31]]]),
         r"new shape must be the output's, \[1, 32\], not \[1, 31\]"),
        (single("RESHAPE", [[1, 4, 4, 2]], [2, 16]), "shape must be a batch of 1"),
        (single("STRIDED_SLICE", [], [1, 4]), "must have from 1 to 4 inputs, not 0"),
        (single("PACK", [], [1, 4]), "must have from 1 to 256 inputs, not 0"),
        (single("PACK", [[1, 4]], [2, 4]), "axis must be from 1 to 2, not 0"),
        (single("BROADCAST_TO", [[1, 1, 1, 2]], [1, 4, 4, 2], [[[1, 4, 2, 2]]]),
         r"shape must be the output's, \[1, 4, 4, 2\], not \[1, 4, 2, 2\]"),
        (single("PACK", [[1, 4], [1, 3]], [1, 2, 4], Axis=1),
         r"\(PACK\): input 1, .* must be as the first, not"),
        (single("SHAPE", [[1, 4]], [2]), "output must be int32, not int8"),
        (single("SHAPE", [[1, 4]], [2], dtype="int32"), "must be computed from the input, not c"),
        (single("SOFTMAX", [[1, 4]], [1, 4]),
         r"output must have scale 1/256 and zero point -128, not 0\.0\d+ and 3$"),
        (bytes_softmax(), "output must have scale 1/256 and zero point 0, not 0.25 and 7"),
        (single("SOFTMAX", [[1, 4]], [1, 4], scale=1 / 256, zero=-128, Beta=float("nan")),
         "beta must be positive and finite, not nan"),
        (single("SOFTMAX", [[1, 4]], [1, 4], scale=1 / 256, zero=-128, Beta=0.0),
         "beta must be positive and finite, not 0.0"),
        (single("SOFTMAX", [[1, 4]], [1, 4], scale=1 / 256, zero=-128, Beta=1e-30),
         r"beta \* scale \* 2\*\*26 must exceed 1"),
        (single("LOGISTIC", [[1, 4]], [1, 4]), r"\(LOGISTIC\): output must have scale 1/256"),
        (single("TANH", [[1, 4]], [1, 4], scale=1e-45), "table values must fit int32"),
        (single("HARD_SWISH", [[1, 4]], [1, 4], scale=1e-6), "must be at most 128 times"),
        (single("RELU6", [[1, 4]], [1, 4], scale=1e-12), "6.0 / scale must fit int32"),
        (single("RELU", [[1, 4]], [1, 4], scale=1e-9), r"factor must be below 2\*\*22"),
        (single("MAX_POOL_2D", [[1, 4, 4, 2]], [1, 3, 3, 2], FilterHeight=0),
         "FilterHeight must be from 1 to 65536, not 0"),
        (single("MAX_POOL_2D", [[1, 4, 4, 2]], [1, 4, 4, 2], FilterHeight=5000, FilterWidth=5000,
                Padding=0), "a window must have at most 1048576 elements"),
        (single("MAX_POOL_2D", [[1, 4, 4, 2]], [1, 3, 3, 2], scale=1), "scale must be the input's"),
        (single("AVERAGE_POOL_2D", [[1, 4, 4, 2]], [1, 3, 3, 2], zero=9),
         r"output must have the input's scale and zero point \(0.05\d*, 3\), not \(0.05\d*, 9\)"),
        (single("AVERAGE_POOL_2D", [[1, 400, 400, 2]], [1, 400, 400, 2], FilterHeight=400,
                FilterWidth=400, Padding=0), "of at most 1024 sizes at the edges"),
        (single("FULLY_CONNECTED", [[1, 4]], [1, 3], [[np.ones((3, 4)), "int8"]]),
         r"tensor 1 \('t1'\): must have a quantisation scale"),
        (single("DEQUANTIZE", [[1, 4]], [1, 4]), "output must be float32, not int8"),
        (single("RELU", [[1, 4]], [1, 4], dtype="float32", scale=None),
         "output must be int8 as its input, not float32"),
    ],
)
def test_operators(model, text, tmp_path):
    refuse(model, tmp_path, text)


def test_weights_format(tmp_path):
    model = Model()
    weights = model.tensor([3, 4], "int8", 0.1, 0, np.ones((3, 4)))
    value = model.op("FULLY_CONNECTED", [model.input([1, 4]), weights], [1, 3], WeightsFormat=1)
    refuse(model.output(value), tmp_path, "WeightsFormat must be 0, the default, not 1")


def test_fully_connected_length(tmp_path):
    model = Model()
    weights = model.tensor([3, 4], "int8", 0.1, 0, np.ones((3, 4)))
    value = model.op("FULLY_CONNECTED", [model.input([1, 5]), weights], [1, 3])
    refuse(model.output(value), tmp_path, "second dimension must be the input's 5 elements, not 4")


def test_float_model(tmp_path):
    model = Model()
    source = model.input([1, 4], "float32", None)
    value = model.op("RELU", [source], [1, 4], "float32", None)
    refuse(model.output(value), tmp_path,
           r"operator 0 \(RELU\): the model is float; quantise it to int8 first")


def test_unused_float_input(tmp_path):
    model = good()
    model.input([1, 4], "float32", None)
    refuse(model, tmp_path, r"input tensor 4 \('t4'\): nothing quantises it")


@pytest.mark.parametrize("count", [65, 66])
def test_a_float_input_quantised_in_too_many_ways(count, tmp_path):
    model = Model()
    source = model.input([1, 4], "float32", None)
    for number in range(count):
        model.output(model.op("QUANTIZE", [source], [1, 4], scale=0.5 + number))
    refuse(model, tmp_path, f"inputs must be quantised in at most 64 ways, not {count}$")


def test_memory_stays_small(tmp_path):
    """The largest images take no memory in proportion."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    side = 16384
    model = single("MAX_POOL_2D", [[1, side, side, 1]], [1, side, side, 1], FilterHeight=32,
                   FilterWidth=32, Padding=0)
    frontend.load(model.save(tmp_path))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


def test_many_slopes(tmp_path):
    """No more is computed than there are different bytes."""
    model = Model()
    slope = model.tensor([1, 1, 1], scale=0.01, data=np.array([[[3]]], np.int8))
    made = model.op("PRELU", [model.input([1, 7, 7, 16642]), slope], [1, 7, 7, 2])
    refuse(model.output(made), tmp_path, r"output 't2' must have shape \(7, 7, 16642\)")


def test_many_pieces_are_counted_before_they_are_made(tmp_path, monkeypatch):
    model = Model()
    source, sizes = model.input([1, 7, 7, 4]), model.constant([7, 65536])
    made = model.op("RESIZE_NEAREST_NEIGHBOR", [source, sizes], [1, 7, 65536, 4])
    monkeypatch.setattr(takes, "_pieces", None)
    path = model.output(made).save(tmp_path)
    with pytest.raises(ModelError, match=r"must move at most 1024 parts, not 655\d\d"):
        frontend.load(path, strict=True)


def test_many_operators_that_share_one_large_tensor(tmp_path):
    model = Model()
    source = model.input([1, 1, 1, 30000])
    weights = model.tensor([1, 1, 1, 30000], "int8", [0.01] * 30000, 0, np.ones(30000), axis=3)
    for _ in range(500):
        value = model.op("DEPTHWISE_CONV_2D", [source, weights], [1, 1, 1, 30000])
    refuse(model.output(value), tmp_path, "operators must not cost more than .*shared by too many")


def test_many_wide_pools(tmp_path):
    model = Model()
    source = model.input([1, 1000, 1000, 1])
    for _ in range(1000):
        value = model.op("AVERAGE_POOL_2D", [source], [1, 1000, 1000, 1], scale=0.05,
                         FilterHeight=32, FilterWidth=32, Padding=0)
    refuse(model.output(value), tmp_path, "operators must not cost more than")


def test_many_operators_of_many_inputs(tmp_path):
    model = Model()
    source = model.input([1, 1, 1, 1], "uint8")
    for _ in range(1000):
        value = model.op("CONCATENATION", [source] * 200, [1, 1, 1, 200], "uint8", scale=0.1)
    refuse(model.output(value), tmp_path, "operators must not cost more than")


def test_a_file_too_large_to_be_a_network(tmp_path):
    path = tmp_path / "large.tflite"
    with path.open("wb") as stream:
        stream.truncate((1 << 28) + 1)
    with pytest.raises(ModelError, match=r"must have at most 268435456 bytes, not 268435457"):
        frontend.load(path)


def test_many_ways_to_interpolate_many_channels(tmp_path):
    model = single("RESIZE_BILINEAR", [[1, 1, 1, 1500]], [1, 8, 8, 1500], [([8, 8],)],
                   AlignCorners=False, HalfPixelCenters=False)
    refuse(model, tmp_path, r"operators must not cost more than .*, not 15360\d\d$")


def test_channels_are_padded_alone(tmp_path):
    sizes = [[0, 0], [0, 0], [0, 0], [1, 2]]
    model = single("PAD", [[1, 4, 4, 2]], [1, 4, 4, 5], [(sizes,)])
    assert frontend.load(model.save(tmp_path), strict=True).nodes
    sizes[1][0] = 1
    refuse(single("PAD", [[1, 4, 4, 2]], [1, 5, 4, 5], [(sizes,)]), tmp_path,
           r"channels must be padded alone, not \[\[0, 0\], \[1, 0\], \[0, 0\], \[1, 2\]\]")

"""Quantised files with a fixed batch, with several inputs, and with results whose number varies."""

import numpy as np
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper

import accel
from accel.cli import main
from accel.frontend import ModelError, load
from accel.onnx_session import session
from tests.support.onnx_pairs import Net

Y = 0.1, -5


def layer(net: Net, x, name, inputs=4):
    """A convolution, quantised."""
    w = [net.const(f"{name}_w", net.random.integers(-127, 127, (6, inputs, 3, 3)), np.int8),
         *net.params(f"{name}_w", 0.01, 0, np.int8)]
    y = net.params(f"{name}_y", *Y)
    net.node("QuantizeLinear", [net.node("Conv", [net.real(x), net.real(w)], f"{name}_c"), *y],
             f"{name}_q")
    return net.real([f"{name}_q", *y])


def fixed(kind, target, stored):
    """Batch 3, with a Reshape to ``target``, which is an initializer or a node's."""
    net = Net(kind)
    value = layer(net, net.input([3, 4, 6, 5]), "a")
    if stored:
        net.const("to", target, np.int64)
    else:
        net.nodes.append(helper.make_node("Constant", [], ["to"], value=numpy_helper.from_array(
            np.array(target, np.int64))))
    return net.finish(net.node("Reshape", [value, "to"], "r"), net.params("r", *Y))


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("target", [[3, -1], [-1, 72], [0, 72], [3, 6, 12]])
@pytest.mark.parametrize("kind", [np.int8, np.uint8])
def test_a_fixed_batch(kind, target, stored, tmp_path):
    net = fixed(kind, target, stored)
    given = net.images()
    [expected] = session(net.proto()).run(None, given)
    [found] = accel.golden_run(net.save(tmp_path), np.concatenate([given["x"], given["x"][:2]]))
    np.testing.assert_array_equal(found[:3], expected)
    np.testing.assert_array_equal(found[3:], expected[:2])


def test_images_that_mix(tmp_path):
    net = Net()
    value = layer(net, net.input([3, 4, 6, 5]), "a")
    net.finish(net.node("Transpose", [value], "t", perm=[2, 1, 0, 3]), net.params("t", *Y))
    with pytest.raises(ModelError, match="the batch is fixed at 3: it must be 1 or left open"):
        load(net.save(tmp_path))


def test_a_batch_too_large_to_try(tmp_path):
    net = fixed(np.int8, [3, -1], True)
    net.inputs[0].type.tensor_type.shape.dim[0].dim_value = 1 << 24
    with pytest.raises(ModelError, match="a fixed batch must have at most 67108864 elements"):
        load(net.save(tmp_path))


def two_inputs():
    net = Net()
    one = layer(net, net.input([2, 4, 6, 5]), "a")
    other = layer(net, net.input([2, 3, 6, 5], 0.05, 9, name="z"), "b", 3)
    return net.finish(net.node("Concat", [one, other], "c", axis=1), net.params("c", *Y))


def test_two_inputs(tmp_path):
    net = two_inputs()
    given = net.images()
    [expected] = session(net.proto()).run(None, given)
    result = accel.run(net.save(tmp_path), given, array=(4, 4))
    np.testing.assert_array_equal(result.outputs[0], expected)


def finding(last):
    """A detector: how many boxes there are, depends on the image."""
    net = Net()
    value = layer(net, net.input([1, 4, 6, 6]), "a")
    parts = net.split([value, net.const("parts", [4, 2], np.int64)], ["b", "s"], axis=1)
    boxes, scores = (
        net.node("Reshape", [part, net.const(f"{part}_to", [1, count, 16], np.int64)], f"{part}_r")
        for part, count in zip(parts, (4, 2), strict=True)
    )
    boxes = net.node("Transpose", [boxes], "b_t", perm=[0, 2, 1])
    limits = [net.const("most", [5], np.int64), net.const("iou", [0.5], np.float32),
              net.const("least", [0.1], np.float32)]
    found = net.node("NonMaxSuppression", [boxes, scores, *limits], "found")
    if last == "count":  # as many bytes for every image
        found = net.node("Shape", [found], "shape")
    return net.output(found, TensorProto.INT64)


def test_results_whose_number_varies(tmp_path):
    with pytest.raises(ModelError, match=r"node 'found_node' \(NonMaxSuppression\): how much it "
                       "finds, and so the size of 'found', depends on the image: end the network"):
        load(finding("found").save(tmp_path))


def test_they_may_lead_to_something_fixed(tmp_path):
    net = finding("count")
    given = net.images()
    [expected] = session(net.proto()).run(None, given)
    [found] = accel.golden_run(net.save(tmp_path), given)
    np.testing.assert_array_equal(found.ravel(), expected.ravel())


def test_what_is_found_in_stored_numbers_is_no_matter_of_images(tmp_path):
    net = Net()
    value = layer(net, net.input([1, 4, 6, 6]), "a")
    found = net.node("NonZero", [net.const("mask", [0, 1, 1, 0, 1, 1], np.int64)], "found")
    net.output(net.node("Gather", [value, found], "taken", axis=1), TensorProto.FLOAT)
    given = net.images()
    [expected] = session(net.proto()).run(None, given)
    [found] = accel.golden_run(net.save(tmp_path), given)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("command", ["run", "estimate", "hls"])
def test_two_inputs_on_the_command_line(command, tmp_path):
    net = two_inputs()
    path, given = net.save(tmp_path), net.images()
    np.savez(tmp_path / "in.npz", **given)
    options = ["--array", "4x4", "--out"] if command != "hls" else ["--no-check", "-o"]
    done = CliRunner().invoke(main, [command, str(path), "--input", str(tmp_path / "in.npz"),
                                     *options, str(tmp_path / "out")])  # fmt: skip
    assert done.exit_code == 0, done.output
    for names, text in (("xa", "the network's inputs are ['x', 'z'], not ['a', 'x']"),
                        ("x", "must hold ['images'], has ['x']")):
        np.savez(tmp_path / "in.npz", **dict.fromkeys(names, given["x"]))
        done = CliRunner().invoke(main, ["run", str(path), "--input", str(tmp_path / "in.npz")])
        assert done.exit_code == 2
        assert f"in.npz: {text}" in done.output

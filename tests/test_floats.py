"""Float networks through `run`, `estimate`, `golden_run` and `accel quantize`."""

import json

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper

import accel
from accel import estimate, floats, onnx_session
from accel.cli import main
from accel.frontend import FloatModelError, ModelError, load
from accel.frontend.onnx.quantize import FloatModel, Options
from accel.frontend.onnx.reference import Reference
from accel.graph.ports import InputError
from accel.report import fidelity
from tests.support import float_models, shared
from tests.support.float_models import IMAGES

#: Popular blocks in float32; each has its answers by ONNX Runtime beside it.
BLOCKS = ("bn_first", "convtranspose", "hardswish_decomposed", "hardswish_torch_old", "se_block",
          "silu", "slice_crop", "upsample")  # fmt: skip


def call(*arguments):
    return CliRunner().invoke(main, [str(one) for one in arguments])


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks(name):
    answers = shared.need("cases", f"float_block-{name}.npz")
    with np.load(answers, allow_pickle=False) as file:
        images = file["input|x"]
        [exact] = [file[key] for key in file.files if key.startswith("exact|")]
    [found] = accel.golden_run(answers.with_suffix(".onnx"), images)
    assert found.shape == exact.shape
    noise = np.square(exact - found).sum()
    assert 10 * np.log10(np.square(exact).sum() / noise) >= 25


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("float")
    np.savez(folder / "images.npz", images=IMAGES)
    return float_models.dense().save(folder, "dense.onnx")


def test_opened_tells_how(network, tmp_path):
    graph, notes = floats.opened(network, np.tile(IMAGES, (7, 1, 1, 1)), keep=tmp_path / "kept")
    told = notes["quantised"]
    assert graph.name == "dense"
    assert (told["given"], told["images"], told["method"]) == (42, floats.CALIBRATION, "minmax")
    assert told["per_channel"] and not told["reduce_range"]
    assert told["library"].startswith("onnxruntime 1.")
    assert [str(path) for path in (tmp_path / "kept").iterdir()] == [told["file"]]


def test_what_is_quantised_already_is_left(network, tmp_path):
    path = tmp_path / "int8.onnx"
    FloatModel(network).quantize(path, IMAGES, Options())
    assert floats.opened(path, IMAGES)[1] == {}


def test_without_images_it_is_refused(network):
    with pytest.raises(FloatModelError, match="quantise it to int8 first"):
        accel.golden_run(network)


def test_two_inputs(tmp_path):
    model = float_models.Float()
    model.inputs.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", 3, 8, 8]))
    both = model.node("Add", [model.conv("x", "a", 3, 4), model.conv("z", "b", 3, 4)], "both")
    path = model.end(model.relu(both), 4).save(tmp_path)
    images = {"x": IMAGES, "z": IMAGES[::-1].copy()}
    [found] = accel.golden_run(path, images)
    session = onnx_session.session(path)
    wanted = np.concatenate([
        session.run(None, {name: images[name][n : n + 1] for name in images})[0]
        for n in range(len(IMAGES))
    ])
    assert 10 * np.log10(np.square(wanted).sum() / np.square(wanted - found).sum()) > 25
    for wrong, words in ((IMAGES, "images for the inputs"), ({"x": IMAGES}, "the inputs are"),
                         (images | {"z": IMAGES[:2]}, "the same number of images")):
        with pytest.raises(ModelError, match=words):
            accel.golden_run(path, wrong)


def test_run(network, tmp_path):
    done = call("run", network, "--input", network.with_name("images.npz"), "--limit", 1,
                "--array", "4x4", "--out", tmp_path / "out")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "quantised on the way: onnxruntime" in done.output
    assert "minmax over 6 images (of 6 given), weights per channel, int8" in done.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["network"] == "dense"
    assert report["quantised"]["file"] == str(tmp_path / "out" / "dense_int8.onnx")
    assert report["total"]["mismatches"] == 0
    assert (tmp_path / "out" / "dense_int8.onnx").is_file()


def test_estimate_needs_no_images(network):
    report = estimate.estimate(network, array=(4, 4))
    assert report["quantised"]["inputs"].startswith("seeded random images, seed ")
    given = estimate.estimate(network, array=(4, 4), inputs=IMAGES)
    assert given["quantised"]["images"] == 6
    assert given["total"]["cycles"] == report["total"]["cycles"]


def test_shapes_on_the_command_line(tmp_path):
    path = float_models.plain(("N", 3, "h", "w")).save(tmp_path)
    np.savez(tmp_path / "images.npz", images=IMAGES)
    given = "quantize", path, "--calibrate", tmp_path / "images.npz"
    done = call(*given)
    assert done.exit_code == 2
    assert len(done.output.strip().splitlines()) == 1
    assert "for example --shape x=1x3x224x224" in done.output
    done = call(*given, "--shape", "x=1x3x8x")
    assert done.exit_code == 2
    assert "shape must be NAME=1x3x224x224, not 'x=1x3x8x'" in done.output
    done = call(*given, "--shape", "x=1x3x8x8")
    assert done.exit_code == 0, done.output
    assert done.output.index("everything runs on the machine") < done.output.index("wrote ")
    assert "the same top-1 on" in done.output


def test_what_runs_on_the_host_is_told_before(tmp_path):
    model = float_models.Float()
    path = model.end(model.node("LpNormalization", [model.conv("x", "a", 3, 4)], "l"), 4)
    path = path.save(tmp_path)
    np.savez(tmp_path / "images.npz", images=IMAGES)
    done = call("quantize", path, "--calibrate", tmp_path / "images.npz", "--no-compare")
    assert done.exit_code == 0, done.output
    assert done.output.index("LpNormalization") < done.output.index("wrote ")
    assert "signal to noise" not in done.output


def test_the_layer_that_hurts(network, tmp_path):
    """With the scale of one tensor a hundred times as wide, that layer loses what that costs."""

    def compare(path):
        model, graph = FloatModel(network), load(path)
        found = fidelity.compare(graph, Reference(model.model, graph.tensors), {"x": IMAGES})
        return found, {row["tensor"]: row for row in found["layers"]}

    good, bad = tmp_path / "good.onnx", tmp_path / "bad.onnx"
    FloatModel(network).quantize(good, IMAGES, Options(per_channel=True))
    model = onnx.load(good)
    scale = next(one for one in model.graph.initializer if one.name == "n_relu_scale")
    wide = onnx.numpy_helper.to_array(scale) * 100
    scale.CopyFrom(onnx.numpy_helper.from_array(wide, scale.name))
    onnx.save(model, bad)
    (whole, before), (_, after) = compare(good), compare(bad)
    assert min(row["snr_db"] for row in before.values()) > 25
    assert whole["outputs"][0]["snr_db"] > 25
    worst = max((row for row in after.values() if row["lost_db"] is not None),
                key=lambda row: row["lost_db"])
    assert worst["tensor"].startswith("n_")
    assert worst["lost_db"] > 20
    text = str(whole["top1"]["agree"])
    session = onnx_session.session(network)
    wanted = [session.run(None, {"x": image[None]})[0].argmax() for image in IMAGES]
    found = accel.golden_run(good, IMAGES)[0].argmax(axis=1)
    assert text == str((np.array(wanted) == found).sum())


def test_shapes_of_a_quantised_network_are_its_own():
    """A name or a shape that it has not is an error, not left aside."""
    right = accel.estimate("notes", array=(4, 4))
    [name] = [port.name for port in accel.open_network("notes").inputs]
    [shape] = [port.shape for port in accel.open_network("notes").inputs]
    assert accel.estimate("notes", array=(4, 4), shapes={name: (1, *shape)})["total"] == \
        right["total"]
    with pytest.raises(InputError, match=f"notes's inputs are \\['{name}'\\], not 'other'"):
        accel.estimate("notes", shapes={"other": (1, *shape)})
    with pytest.raises(InputError, match="quantised for images of .* not .*: quantise its float"):
        accel.estimate("notes", shapes={name: (1, *shape[:-1], shape[-1] + 1)})

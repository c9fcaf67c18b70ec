"""Float TFLite files: quantised by Google's quantiser, on the way and by ``accel quantize``."""

import importlib.metadata
import json

import numpy as np
import pytest
import tflite
from click.testing import CliRunner

import accel
from accel import floats, frontend, litert
from accel.cli import main
from accel.frontend import FloatModelError, ModelError
from accel.frontend.quantising import Options, float_model
from accel.frontend.tflite.prepare import prepare
from accel.graph.ir import External
from accel.report import fidelity
from tests.support.litert import answers, need
from tests.support.tflite_float import IMAGES, REAL, SHAPE, Float, mobile


def need_quantizer():
    need()
    try:
        litert.quantizer_version()
    except litert.LiteRTMissingError as error:
        pytest.skip(str(error))


def call(*arguments):
    return CliRunner().invoke(main, [str(one) for one in arguments])


def ranged(folder):
    """A file with weights of int8 and float images: "dynamic range"."""
    model = mobile()
    axes = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": None}
    for operator in model.operators:
        if operator["op"] in axes:
            axis = axes[operator["op"]]
            tensor = model.tensors[operator["inputs"][1]]
            values = np.frombuffer(model.buffers[tensor["buffer"]], np.float32)
            values = values.reshape(tensor["shape"])
            others = tuple(n for n in range(values.ndim) if n != axis)
            scale = np.abs(values).max(axis=others, keepdims=True) / np.float32(127)
            model.buffers[tensor["buffer"]] = np.rint(values / scale).astype(np.int8).tobytes()
            tensor.update(dtype="int8", scale=scale.ravel(), zero=0, axis=axis or 0)
    return model.save(folder, "ranged.tflite")


FILES = {"float": lambda folder: mobile().save(folder, "float.tflite"),
         "half": lambda folder: mobile(half=True).save(folder, "half.tflite"),
         "ranged": ranged}  # fmt: skip


@pytest.fixture(scope="module", params=FILES)
def network(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    np.savez(folder / "images.npz", images=IMAGES)
    return FILES[request.param](folder)


def noise(wanted, found):
    if np.array_equal(wanted, found):
        return np.inf
    return 10 * np.log10(np.square(wanted).sum() / np.square(wanted - found).sum())


def test_a_float_file_says_so(network):
    with pytest.raises(FloatModelError, match=r"operator 0 \(\w+\): the model is float; quantise "):
        frontend.load(network)


def test_the_public_function_quantises_it(network, tmp_path):
    need_quantizer()
    graph = accel.quantize(network, IMAGES, tmp_path / "int8.tflite", per_channel=True)
    assert graph.name == "int8" and any(node.op == "conv2d" for node in graph.nodes)
    assert len(frontend.load(tmp_path / "int8.tflite").nodes) == len(graph.nodes)
    with pytest.raises(ModelError, match="form must be 'qdq' for a TFLite file"):
        accel.quantize(network, IMAGES, tmp_path / "other.tflite", form="qoperator")
    assert not (tmp_path / "other.tflite").exists()


def test_prepared_it_computes_the_same(network):
    need()
    prepared = prepare(network)
    assert not any(one.op == "DEQUANTIZE" for one in prepared.operators)
    [wanted], [found] = (answers(content, [IMAGES[:1]])
                         for content in (network.read_bytes(), prepared.content()))
    # LiteRT computes weights of int8 with images of int8 as well, which it quantises for that.
    assert noise(wanted[0], found[0]) > (20 if network.stem == "ranged" else 100)


def test_on_the_way(network, tmp_path):
    need_quantizer()
    graph, notes = floats.opened(network, IMAGES, keep=tmp_path)
    told = notes["quantised"]
    assert told["library"].startswith("ai-edge-quantizer ") and told["per_channel"]
    assert not any(isinstance(node, External) for node in graph.nodes)
    made = tmp_path / f"{network.stem}_int8.tflite"
    assert told["file"] == str(made)
    [found] = accel.golden_run(network, IMAGES)
    exact = np.concatenate([one[0] for one in answers(made.read_bytes(), [IMAGES])])
    np.testing.assert_array_equal(found, exact)
    real = np.concatenate([one[0] for one in answers(network.read_bytes(), [IMAGES])])
    assert (found.shape, found.dtype) == (real.shape, real.dtype)
    assert noise(real, found) > (8 if network.stem == "ranged" else 15)


def test_run(network, tmp_path):
    need_quantizer()
    done = call("run", network, "--input", network.with_name("images.npz"), "--limit", 1,
                "--array", "4x4", "--out", tmp_path / "out")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "quantised on the way: ai-edge-quantizer" in done.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["total"]["mismatches"] == 0
    assert (tmp_path / "out" / f"{network.stem}_int8.tflite").is_file()


def test_the_command(tmp_path):
    need_quantizer()
    path = FILES["half"](tmp_path)
    np.savez(tmp_path / "images.npz", images=IMAGES)
    done = call("quantize", path, "--calibrate", tmp_path / "images.npz", "--per-channel")
    assert done.exit_code == 0, done.output
    listing, table = done.output.split("wrote ")
    assert "softmax" in listing and "op03_CONV_2D" in table and "same top-1 on" in table
    assert len(frontend.load(tmp_path / "half_int8.tflite").nodes) > 10


def test_fidelity_knows_every_layer(tmp_path):
    need_quantizer()
    model = float_model(FILES["float"](tmp_path))
    graph = model.quantize(tmp_path / "int8.tflite", {"t0": IMAGES}, Options(per_channel=True))
    found = fidelity.compare(graph, model.reference(graph), {"t0": IMAGES})
    assert {row["name"] for row in found["layers"]} == {"t0", *(node.name for node in graph.nodes)}
    ratios = {row["op"]: row["snr_db"] for row in found["layers"]}
    assert all(ratio > 10 for ratio in ratios.values()), ratios


def test_what_stays_float_is_listed_and_the_hosts(tmp_path):
    need_quantizer()
    path = FILES["float"](tmp_path)
    kept = "t9"  # the second convolution's result
    graph = float_model(path).quantize(tmp_path / "int8.tflite", IMAGES, Options(keep_float=[kept]))
    [part] = [node for node in graph.nodes if isinstance(node, External)]
    assert (part.op, part.macs) == ("conv_2d", 6 * 6 * 8 * 8)
    with pytest.raises(ModelError, match=r"no node 't99' to keep float; the nearest are \['t9'"):
        float_model(path).quantize(tmp_path / "no.tflite", IMAGES, Options(keep_float=["t99"]))


def test_what_the_quantiser_leaves_float_is_a_table(tmp_path):
    need_quantizer()
    model = Float()
    y = model.layer("CONV_2D", model.input([1, *SHAPE], "float32", None), [4, 3, 3, 3],
                    [1, 10, 10, 4])  # fmt: skip
    y = model.op("LEAKY_RELU", [y], [1, 10, 10, 4], **REAL, Alpha=0.1)
    y = model.layer("CONV_2D", y, [4, 3, 3, 4], [1, 8, 8, 4])
    path = model.output(y).save(tmp_path)
    assert float_model(path).missing(IMAGES) == []
    [found] = accel.golden_run(path, IMAGES)
    wanted = np.concatenate([one[0] for one in answers(path.read_bytes(), [IMAGES])])
    assert noise(wanted, found) > 20


@pytest.mark.parametrize("options, text", [
    ({"method": "entropy"}, "method must be 'minmax' for a TFLite file, .*not 'entropy'"),
    ({"form": "qoperator"}, "form must be 'qdq'"),
    ({"activations": "uint8"}, "activations must be 'int8'"),
    ({"reduce_range": True}, "reduce_range must be False"),
])  # fmt: skip
def test_options_that_it_does_not_have(options, text, tmp_path):
    with pytest.raises(ModelError, match=text):
        float_model(FILES["float"](tmp_path)).quantize(tmp_path / "x.tflite", IMAGES,
                                                       Options(**options))


def test_shapes_are_the_files_own(tmp_path):
    with pytest.raises(ModelError, match="inputs have shapes of their own"):
        float_model(FILES["float"](tmp_path), {"t0": [1, 3, 3, 3]})


def test_inputs_must_be_float_images(tmp_path):
    model = mobile()
    model.tensors[0]["signature"] = [-1, -1, -1, 3]
    with pytest.raises(ModelError, match=r"static shape with a batch of 1, .*\[-1, -1, -1, 3\]"):
        float_model(model.save(tmp_path))


def changed(change) -> Float:
    model = mobile()
    change(model)
    return model


@pytest.mark.parametrize("change, text", {
    "an operator's input": (
        lambda model: model.operators[0]["inputs"].__setitem__(0, 999),
        r"operator 0 \(CONV_2D\): must refer to one of the \d+ tensors, not 999"),
    "below the missing one": (
        lambda model: model.operators[1]["inputs"].__setitem__(2, -2),
        r"operator 1 \(DEPTHWISE_CONV_2D\): must refer to one of the \d+ tensors, not -2"),
    "an input": (lambda model: setattr(model, "inputs", [999]),
                 r"the subgraph must refer to one of the \d+ tensors, not 999"),
    "an output": (lambda model: setattr(model, "outputs", [-1]),
                  r"the subgraph must refer to one of the \d+ tensors, not -1"),
    "a batch": (lambda model: model.tensors[0].update(shape=[2, *SHAPE]),
                r"static shape with a batch of 1, .*not float32 \[2, 12, 12, 3\]"),
    "bytes": (lambda model: model.tensors[0].update(dtype="int8"),
              r"input tensor 0 \('t0'\): must be float32 of .*, not int8 \[1, 12, 12, 3\]"),
}.values())  # fmt: skip
def test_files_that_no_quantiser_gets(change, text, tmp_path):
    with pytest.raises(ModelError, match=text):
        prepare(changed(change).save(tmp_path))


def test_weights_with_other_scales_than_channels(tmp_path):
    path = ranged(tmp_path)
    prepare(path)
    model = mobile()
    weights = model.tensors[model.operators[0]["inputs"][1]]
    model.buffers[weights["buffer"]] = bytes(np.prod(weights["shape"]))
    weights.update(dtype="int8", scale=[0.1] * 5, zero=0, axis=0)
    with pytest.raises(ModelError, match="as many scales .* along dimension 0, not 5 and 5"):
        prepare(model.save(tmp_path))


def test_images_are_checked(tmp_path):
    model = float_model(FILES["float"](tmp_path))
    for images, text in ((IMAGES[:, :5], "must be float32"), ({"x": IMAGES}, "the inputs are"),
                         (IMAGES * np.nan, "must be finite")):
        with pytest.raises(ModelError, match=text):
            model.missing(images)


def test_without_the_quantiser_a_line_says_what_to_install(tmp_path, monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(ModelError, match="pip install ai-edge-quantizer") as error:
        accel.golden_run(FILES["float"](tmp_path), IMAGES)
    assert "\n" not in str(error.value)


def test_operators_by_the_newer_field_alone(tmp_path):
    """Google's quantiser names an operator in one of two fields only."""
    model = mobile()
    content = model.content()
    codes = tflite.Model.GetRootAs(content, 0)
    changed = bytearray(content)
    for number in range(codes.OperatorCodesLength()):
        table = codes.OperatorCodes(number)._tab
        if table.Offset(4):  # the older one; it is left out where it is 0
            changed[table.Pos + table.Offset(4)] = 0
    path = tmp_path / "model.tflite"
    path.write_bytes(changed)
    assert [one.op for one in prepare(path).operators] == [
        one["op"] for one in model.operators]

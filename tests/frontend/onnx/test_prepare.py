"""Float files as many tools write them: prepared, they compute the same and can be quantised."""

import collections

import numpy as np
import onnx
import pytest

from accel import golden, onnx_session
from accel.frontend import FloatModelError, ModelError, load
from accel.frontend.errors import EmptyError
from accel.frontend.onnx import reading
from accel.frontend.onnx.prepare import prepare
from accel.frontend.onnx.quantize import FloatModel, Options
from accel.frontend.onnx.reading import read
from accel.frontend.onnx.rewriting import Rewriting
from accel.graph import ports
from accel.graph.ir import External
from tests.support import float_models
from tests.support.float_models import IMAGES

#: Graphs, and how many operators of a kind are left when they are prepared.
GRAPHS = {
    "dense": (float_models.dense, {"BatchNormalization": 0, "Conv": 3}),
    "normalised": (float_models.normalised, {"Div": 0, "Sub": 0, "Conv": 2}),
    "normalised_hwc": (float_models.normalised_hwc, {"Mul": 0, "Div": 0, "Sub": 0, "Conv": 2}),
    **{f"on_pixels_{batch}": (
        lambda batch=batch: float_models.on_pixels(batch),
        {"MatMul": 0, "Gemm": 1, "Conv": 2, "Reshape": 0})
       for batch in ("N", 1)},
    "folded_late": (float_models.folded_late, {"BatchNormalization": 0, "Conv": 0,
                                               "ConvTranspose": 1}),
    **{f"{op}{'_first' * first}": (
        lambda op=op, first=first: float_models.per_channel(op, first), {op: 0, "Conv": 3})
       for op, first in [("Mul", 0), ("Mul", 1), ("Add", 1), ("Sub", 0), ("Sub", 1), ("Div", 0)]},
    **{f"mean{opset}_{keep}": (
        lambda opset=opset, axes=axes, keep=keep: float_models.means(opset, axes, keep),
        {"ReduceMean": 0, "GlobalAveragePool": 1})
       for opset, axes, keep in [(13, [2, 3], 1), (13, [-1, -2], 0), (18, [-1, -2], 1),
                                 (18, [2, 3], 0)]},
    "row_bias": (lambda: float_models.biased([[0.1, 0.2, 0.3, -0.4, 0.5]]), {"Gemm": 1}),
    "number_bias": (lambda: float_models.biased(0.7), {"Gemm": 1}),
    "own_shape": (float_models.own_shape, {"Shape": 0, "Gather": 0}),
}  # fmt: skip
#: Ways of writing one and the same graph.
FORMS = ("constants", "unsorted", "version_3", "function", "untyped")


def same(path, prepared, images=IMAGES):
    """Both compute the same, image by image."""
    whole, other = onnx_session.session(path), onnx_session.session(prepared)
    for image in images:
        [wanted] = whole.run(None, {"x": image[None]})
        [found] = other.run(None, {"x": image[None]})
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())


def decibels(wanted, found):
    return 10 * np.log10(np.square(wanted).sum() / np.square(wanted - found).sum())


def quantised(path, folder, images=IMAGES, **options):
    """Graph, and its outputs on all images."""
    options = {"per_channel": True, **options}
    graph = FloatModel(path).quantize(folder / "int8.onnx", images, Options(**options))
    return graph, ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, images)))


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs(name, tmp_path):
    build, counts = GRAPHS[name]
    path, images = build().save(tmp_path), IMAGES
    if name == "normalised_hwc":
        images = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    prepared = prepare(path)
    kinds = collections.Counter(node.op_type for node in prepared.graph.node)
    assert {kind: kinds[kind] for kind in counts} == counts
    same(path, prepared, images)
    graph, [found] = quantised(path, tmp_path, images)
    session = onnx_session.session(path)
    wanted = np.concatenate([session.run(None, {"x": image[None]})[0] for image in images])
    assert decibels(wanted, found) > 25
    hosted = {node.op for node in graph.nodes if isinstance(node, External)}
    assert hosted <= {"convtranspose"}


@pytest.mark.parametrize("batch", ["N", 1])
def test_a_layer_of_every_pixel_is_prepared_as_a_convolution(batch, tmp_path):
    """Also where ONNX Runtime has made a Gemm of it, on a list of pixels."""
    prepared = prepare(float_models.on_pixels(batch).save(tmp_path))
    kinds = [node.op_type for node in prepared.graph.node]
    assert kinds.count("Conv") == 2 and not {"MatMul", "Reshape"} & {*kinds}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_one_graph(form, tmp_path):
    plain = float_models.plain().save(tmp_path, "plain.onnx")
    onnx.save(getattr(float_models, form)(onnx.load(plain)), tmp_path / "other.onnx")
    with pytest.raises(FloatModelError, match="the model is float; quantise it"):
        load(tmp_path / "other.onnx")
    assert not reading.read(tmp_path / "other.onnx").functions
    same(plain, prepare(tmp_path / "other.onnx"))
    for name in ("plain", "other"):
        quantised(tmp_path / f"{name}.onnx", tmp_path)
        (tmp_path / "int8.onnx").rename(tmp_path / f"{name}.int8.onnx")
    outputs = [onnx_session.session(tmp_path / f"{name}.int8.onnx").run(None, {"x": IMAGES[:1]})
               for name in ("plain", "other")]
    np.testing.assert_array_equal(*outputs)


@pytest.mark.parametrize("opset", [7, 9, 11, 12])
def test_old_operator_sets(opset, tmp_path):
    path = float_models.plain(opset=opset).save(tmp_path)
    prepared = prepare(path)
    assert max(entry.version for entry in prepared.opset_import if not entry.domain) >= 13
    same(path, prepared)


def test_an_old_format_is_brought_to_that_of_the_operator_set(tmp_path):
    """Not to a newer one, which older tools would not read."""
    path = tmp_path / "old.onnx"
    onnx.save(float_models.version_3(float_models.plain().proto()), path)
    assert read(path).ir_version == 8


def test_grey_images_have_one_factor(tmp_path):
    """In HWC order: none for every row."""
    model = float_models.Float(("N", 8, 8, 1))
    scaled = model.node("Mul", ["x", model.const("most", 1 / 255, np.float32)], "scaled")
    turned = model.node("Transpose", [scaled], "turned", perm=[0, 3, 1, 2])
    prepared = prepare(model.end(model.conv(turned, "a", 1, 4), 4).save(tmp_path))
    shapes = {tensor.name: [*tensor.dims] for tensor in prepared.graph.initializer}
    first = next(node for node in prepared.graph.node if node.op_type == "Conv")
    assert shapes[first.input[1]] == [1, 1, 1, 1]


def test_weights_beside(tmp_path):
    model = float_models.plain().proto()
    path = tmp_path / "model.onnx"
    onnx.save(model, path, save_as_external_data=True, location="model.onnx.data",
              size_threshold=0)
    with pytest.raises(FloatModelError):
        load(path)
    same(path, prepare(path))
    (tmp_path / "model.onnx.data").unlink()
    with pytest.raises(ModelError, match=r"model\.onnx: its weights lie in 'model\.onnx\.data'"):
        prepare(path)
    (tmp_path / "model.onnx.data").write_bytes(b"short")
    with pytest.raises(ModelError, match=r"its weights in \['model\.onnx\.data'\] cannot"):
        prepare(path)


def test_open_dimensions(tmp_path):
    path = float_models.plain(("N", 3, "height", "width")).save(tmp_path)
    with pytest.raises(ModelError) as error:
        prepare(path)
    assert str(error.value) == (
        f"{path}: input 'x': its shape must be known, not Nx3xheightxwidth: give it with --shape "
        "NAME=SHAPE, for example --shape x=1x3x224x224"
    )
    same(path, prepare(path, {"x": (1, 3, 8, 8)}))
    assert FloatModel(path, {"x": (1, 3, 8, 8)}).inputs == {"x": (3, 8, 8)}
    for shapes, words in (
        ({"z": (1, 3, 8, 8)}, r"--shape z: its inputs are \['x'\], not 'z'"),
        ({"x": (1, 4, 8, 8)}, r"--shape x=1x4x8x8: must agree with the file's shape Nx3xheight"),
        ({"x": (1, 3, 8)}, "must agree with the file's shape"),
        ({"x": (1, 3, 0, 8)}, "must agree with the file's shape"),
    ):
        with pytest.raises(ModelError, match=words):
            prepare(path, shapes)


@pytest.mark.parametrize("target", [[4, 4], [0, -1], [-1, 4]])
def test_a_fixed_batch(target, tmp_path):
    path = float_models.reshaped(4, target).save(tmp_path)
    prepared = prepare(path)
    images = IMAGES[:4]
    [wanted] = onnx_session.session(path).run(None, {"x": images})
    session = onnx_session.session(prepared)
    found = np.concatenate([session.run(None, {"x": image[None]})[0] for image in images])
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize(("size", "fits"), [(8, True), (7, False)])
@pytest.mark.parametrize("op", ["MaxPool", "AveragePool", "Conv"])
def test_an_image_too_small_for_its_windows(op, size, fits, tmp_path):
    """ONNX Runtime goes on with an empty image, or ends its process."""
    inputs, constants = ["a"], []
    if op == "Conv":
        inputs.append("w")
        constants.append(onnx.numpy_helper.from_array(np.ones((8, 8, 4, 4), np.float32), "w"))
    given = {} if op == "Conv" else {"kernel_shape": [4, 4]}
    given |= {"auto_pad": "VALID", "pads": [2, 2, 2, 2]} if op == "MaxPool" else {}
    nodes = [
        onnx.helper.make_node("MaxPool", ["x"], ["a"], kernel_shape=[2, 2], strides=[2, 2]),
        onnx.helper.make_node("MaxPool", ["a"], ["unread"], kernel_shape=[5, 5]),
        onnx.helper.make_node(op, inputs, ["y"], name="last", **given),
    ]
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
            for name, shape in (("x", [1, 8, "rows", "columns"]), ("y", None))]
    graph = onnx.helper.make_graph(nodes, "small", ends[:1], ends[1:], constants)
    opsets = [onnx.helper.make_opsetid("", 17)]
    path = tmp_path / "small.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    shapes = {"x": (1, 8, size, size)}
    if fits:
        assert prepare(path, shapes).graph.node
    else:
        rule = r"kernel \(reaching 4 elements\) must fit the padded input, not 3: the image is too"
        with pytest.raises(EmptyError, match=rf"small.onnx: node 'last' \({op}\): {rule} small"):
            prepare(path, shapes)


def test_a_batch_that_is_needed(tmp_path):
    path = float_models.mixed().save(tmp_path)
    with pytest.raises(ModelError, match="the batch is fixed at 4: it must be 1 or left open"):
        prepare(path)


@pytest.mark.parametrize("options", [
    {"method": "entropy"}, {"method": "percentile"}, {"reduce_range": True},
    {"activations": "uint8"}, {"form": "qoperator"}, {"per_channel": False},
])  # fmt: skip
def test_options(options, tmp_path):
    path = float_models.plain().save(tmp_path)
    _, [found] = quantised(path, tmp_path, **options)
    session = onnx_session.session(path)
    wanted = np.concatenate([session.run(None, {"x": image[None]})[0] for image in IMAGES])
    assert decibels(wanted, found) > 20
    plain = onnx.load(tmp_path / "int8.onnx")
    kinds = {node.op_type for node in plain.graph.node}
    assert ("QLinearConv" in kinds) == (options.get("form") == "qoperator")
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in plain.graph.initializer}
    most = max(np.abs(array.astype(int)).max() for name, array in stored.items()
               if name.endswith("_quantized") and array.ndim == 4)
    assert (most <= 64) == bool(options.get("reduce_range"))
    types = {array.dtype.name for name, array in stored.items()
             if name.endswith("zero_point") and name.startswith(("x_", "a_relu"))}
    assert types == {options.get("activations", "int8")}


def test_nodes_that_stay_float(tmp_path):
    path = float_models.plain().save(tmp_path)
    graph, _ = quantised(path, tmp_path)
    assert not any(isinstance(node, External) for node in graph.nodes)
    for name in ("a_node", "a"):  # by its own name and by its result's
        graph, _ = quantised(path, tmp_path, keep_float=[name])
        [part] = [node for node in graph.nodes if isinstance(node, External)]
        assert "Conv" in {node.op_type for node in onnx.load_from_string(part.model).graph.node}
    with pytest.raises(ModelError, match=r"no node 'a_nod' to keep float; the nearest are \['a_no"):
        quantised(path, tmp_path, keep_float=["a_nod"])


def test_what_will_not_run_is_told_before(tmp_path):
    model = float_models.Float()
    a = model.conv("x", "a", 3, 4)
    model.node("LpNormalization", [a], "l")
    w = model.floats("t_w", 4, 4, 2, 2)
    model.end(model.node("ConvTranspose", ["l", w], "t", strides=[2, 2], group=1), 4)
    found = FloatModel(model.save(tmp_path)).missing(IMAGES)
    counts = {one.op: one.count for one in found}
    assert counts["LpNormalization"] == 1
    assert {one.op: one.share for one in found}["LpNormalization"] == 0
    assert list(tmp_path.iterdir()) == [tmp_path / "model.onnx"]


def test_what_only_a_branch_reads_stays(tmp_path):
    model = float_models.Float()
    a = model.conv("x", "a", 3, 4)
    branch = onnx.helper.make_graph(
        [onnx.helper.make_node("Neg", [model.relu(a)], ["z"])], "branch", [],
        [onnx.helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, None)])  # fmt: skip
    most = model.node("ReduceMax", ["x"], "most", keepdims=0)
    bright = model.node("Greater", [most, model.const("limit", 0.5, np.float32)], "bright")
    chosen = model.node("If", [bright], "f", then_branch=branch, else_branch=branch)
    path = model.end(model.node("Add", [a, chosen], "s"), 4).save(tmp_path)
    same(path, prepare(path))


def test_what_cannot_be_brought_to_a_newer_operator_set(tmp_path):
    model = float_models.Float(opset=9)
    path = model.output(model.node("Nonsense", ["x"], "y")).save(tmp_path)
    rule = "its operator set 9 cannot be brought to 13: .*; export it with opset 13 or newer$"
    with pytest.raises(ModelError, match=rf"model\.onnx: {rule}"):
        prepare(path)


def test_a_pooling_behind_a_float_operator_runs_on_the_machine(tmp_path):
    model = float_models.Float()
    steep = model.node("PRelu", [model.conv("x", "a", 3, 4), model.floats("slope", 4, 1, 1)], "p")
    pooled = model.node("MaxPool", [steep], "m", kernel_shape=[2, 2], strides=[2, 2])
    graph, _ = quantised(model.end(pooled, 4).save(tmp_path), tmp_path)
    assert "max_pool" in {node.op for node in graph.nodes}


def test_a_network_the_accelerator_cannot_take_is_not_written(tmp_path):
    model = float_models.Float()
    to = model.const("to", [4, -1, 8], np.int64)
    rows = model.node("Reshape", [model.conv("x", "a", 3, 4), to], "rows")
    path = model.output(model.node("RNN", [rows, model.floats("w", 1, 5, 8),
                                           model.floats("r", 1, 5, 5)], "y", hidden_size=5))
    path = path.save(tmp_path)
    rule = r"quantised, but not for this accelerator: .*model\.onnx: .*y_node.*a recurrent state"
    with pytest.raises(ModelError, match=rule):
        FloatModel(path).quantize(tmp_path / "int8.onnx", IMAGES, Options())
    assert list(tmp_path.iterdir()) == [path]


def test_two_channels_behind_rows_and_columns_have_their_own_factors(tmp_path):
    """Which are in front is seen by the constants, where these are not all alike."""
    model = float_models.Float(("N", 8, 8, 2))
    scaled = model.node("Mul", ["x", model.floats("factors", 2)], "scaled")
    turned = model.node("Transpose", [scaled], "turned", perm=[0, 3, 1, 2])
    path = model.end(model.conv(turned, "a", 2, 4), 4).save(tmp_path)
    prepared = prepare(path)
    assert "Mul" not in {node.op_type for node in prepared.graph.node}
    same(path, prepared, np.ascontiguousarray(IMAGES.transpose(0, 2, 3, 1)[..., :2]))


def test_a_new_name_gets_the_first_number_that_is_free():
    graph = Rewriting(float_models.plain().proto())
    graph.unused("new_2")
    assert [graph.unused("new") for _ in range(3)] == ["new", "new_1", "new_3"]


def test_a_normalisation_behind_a_gemm_is_part_of_it(tmp_path):
    """Whose alpha and beta are 1 where they are left out."""
    model = float_models.Float()
    flat = model.node("Flatten", [model.node("GlobalAveragePool", ["x"], "p")], "flat")
    made = model.node("Gemm", [flat, model.floats("w", 3, 4), model.floats("b", 4)], "g")
    path = model.output(model.norm(made, "y", 4)).save(tmp_path)
    prepared = prepare(path)
    assert "BatchNormalization" not in {node.op_type for node in prepared.graph.node}
    same(path, prepared)


def test_what_onnxs_checker_refuses_is_no_valid_model(tmp_path):
    model = float_models.Float()
    path = model.output(model.node("LRN", ["x"], "y")).save(tmp_path)
    with pytest.raises(ModelError, match=r"not a valid ONNX model: Required attribute 'size' is"):
        prepare(path)

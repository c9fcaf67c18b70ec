"""Sessions of ONNX Runtime: exact with every kind of integer layer, and made in one place only."""

import ast
import pathlib
import re

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import accel
from accel import onnx_session, onnx_unsigned
from tests.support import shared
from tests.support.exactness import answers, mobilenet, other_session
from tests.support.onnx_models import Model

ROOT = pathlib.Path(__file__).parent.parent
KINDS = {np.uint8: TensorProto.UINT8, np.int8: TensorProto.INT8}
U8S8, S8S8, U8U8 = (np.uint8, np.int8), (np.int8, np.int8), (np.uint8, np.uint8)
MICROSOFT = "com.microsoft:QLinearConv"  # ONNX Runtime's own QLinearConv, older than ONNX's
OPERATORS = ["QLinearConv", MICROSOFT, "ConvInteger", "QLinearMatMul", "MatMulInteger", "QGemm",
             "Conv", "MatMul", "Gemm"]  # fmt: skip
ZEROS = {np.uint8: 131, np.int8: 3}


def extremes(random, shape, dtype):
    """Mostly the ends of the range: pairs of products leave 16 bits."""
    info = np.iinfo(dtype)
    values = np.where(random.random(shape) < 0.7, random.choice([info.min, info.max], shape),
                      random.integers(info.min, info.max + 1, shape))  # fmt: skip
    return values.astype(dtype)


def convolved(x, w):
    """A convolution's sums, [1, filters, height, width]."""
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))
    return np.einsum("nchwij,ocij->nohw", windows.astype(np.int64), w.astype(np.int64))


def layer(operator, kinds, constant=True, seed=1, opset=13):
    """A model of one layer, its inputs, and what integer arithmetic gives."""
    random = np.random.default_rng(seed)
    domain = "com.microsoft" if operator in ("QGemm", MICROSOFT) else ""
    operator = operator.split(":")[-1]
    image, (x_kind, w_kind) = "Conv" in operator, kinds
    x = extremes(random, (1, 13, 9, 8) if image else (7, 100), x_kind)
    w = extremes(random, (20, 13, 3, 2) if image else (100, 20), w_kind)
    centre = 128 if w_kind == np.uint8 else 0
    y_zero = 128 if x_kind == np.uint8 else 0
    less, weights = x.astype(np.int64) - ZEROS[x_kind], w.astype(np.int64) - centre
    sums = convolved(less, weights) if image else less @ weights
    scale = 2.0 ** -np.ceil(np.log2(np.abs(sums).max() / 200))  # exact in float32; some saturate
    given = {"x": x} if constant else {"x": x, "w": w}
    model = Model(x.shape, opset, KINDS[x_kind])
    if constant:
        model.const("w", w)
    else:
        model.inputs.append(helper.make_tensor_value_info("w", KINDS[w_kind], w.shape))
    x_params = model.params("x", 1.0, ZEROS[x_kind], x_kind)
    w_params = model.params("w", scale, centre, w_kind)
    y_params = model.params("y", 1.0, y_zero, x_kind)
    if operator.endswith("Integer"):
        model.node(operator, ["x", "w", x_params[1], w_params[1]], "y")
        return model.output("y", TensorProto.INT32).proto(), given, sums
    if operator.startswith("Q"):
        more = [model.const("none", np.zeros(20, np.int32))] if operator == "QGemm" else []
        model.node(operator, ["x", *x_params, "w", *w_params, *more, *y_params], "y", domain=domain)
    else:
        model.node("DequantizeLinear", ["x", *x_params], "x_float")
        model.node("DequantizeLinear", ["w", *w_params], "w_float")
        model.node(operator, ["x_float", "w_float"], "y_float")
        model.node("QuantizeLinear", ["y_float", *y_params], "y")
    info = np.iinfo(x_kind)
    expected = np.clip(np.rint(sums * scale) + y_zero, info.min, info.max)
    return model.output("y", KINDS[x_kind]).proto(), given, expected


@pytest.mark.parametrize("opset", [13, 19, 21])
@pytest.mark.parametrize("kinds", [U8S8, S8S8, U8U8], ids=["u8s8", "s8s8", "u8u8"])
@pytest.mark.parametrize("operator", OPERATORS)
def test_exact(operator, kinds, opset):
    if operator == "ConvInteger" and kinds == S8S8:
        pytest.skip("ONNX Runtime has no ConvInteger of int8")
    model, given, expected = layer(operator, kinds, opset=opset)
    [actual] = onnx_session.session(model).run(None, given)
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("constant", [True, False], ids=["constant", "computed"])
@pytest.mark.parametrize("operator", OPERATORS)
def test_unsigned_weights_are_the_same_numbers(operator, constant, monkeypatch):
    """On every processor: with VNNI both models are computed exactly, and compared here."""
    monkeypatch.setattr(onnx_session, "saturates", lambda: True)
    for kinds in (S8S8, U8U8):
        assert onnx_unsigned.mixed(layer(operator, kinds, constant)[0]) == []
    model, given, expected = layer(operator, U8S8, constant)
    before = model.SerializeToString()
    changed = onnx_unsigned.unsigned(model)
    assert model.SerializeToString() == before
    assert onnx_unsigned.mixed(model) and not onnx_unsigned.mixed(changed)
    [actual] = onnx_session.session(model).run(None, given)
    if operator == "Gemm" and not constant:  # which ONNX Runtime computes in float
        np.testing.assert_allclose(actual, expected, atol=1)
    else:
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("operator", ["QLinearConv", "QLinearMatMul", "MatMulInteger", "Conv"])
def test_weights_without_a_zero_point(operator, monkeypatch):
    """Where it may be left out, it is 0, and becomes 128."""
    monkeypatch.setattr(onnx_session, "saturates", lambda: True)
    model, given, expected = layer(operator, U8S8)
    for node in model.graph.node:
        if node.op_type == "MatMulInteger":
            del node.input[3]
        elif node.op_type == "DequantizeLinear" and node.input[0] == "w":
            del node.input[2]
    [actual] = onnx_session.session(model).run(None, given)
    np.testing.assert_array_equal(actual, expected)


def chain(*kinds):
    """Layers of the QDQ form, one behind the other, with weights given in other ways."""
    model = Model([4, 8])
    value = "x"
    for number, (x_kind, w_kind) in enumerate(kinds):
        value = model.quantise(value, 1.0, 0, x_kind, f"x{number}")
        value = model.node("Reshape", [value, model.const(f"s{number}", [4, 8], np.int64)],
                           f"r{number}")  # fmt: skip
        stored = onnx.numpy_helper.from_array(np.eye(8, dtype=w_kind))
        weights = model.node("Constant", [], f"w{number}", value=stored)
        weights = model.node("DequantizeLinear", [weights, *model.params(weights, 1.0, 0, w_kind)],
                             f"d{number}")  # fmt: skip
        weights = model.node("Transpose", [weights], f"t{number}", perm=[1, 0])
        value = model.node("MatMul", [value, weights], f"y{number}")
    return model.output(model.quantise(value, 1.0, 0, x_kind, "y")).proto()


def test_weights_and_activations_are_followed_through_other_nodes():
    assert len(onnx_unsigned.mixed(chain(U8U8, U8S8))) == 1
    assert not onnx_unsigned.mixed(chain(S8S8, U8U8))


@pytest.mark.parametrize("forced", [False, True])
def test_a_mixture_of_kinds(forced, monkeypatch):
    """Only the layers that need it change."""
    if forced:
        monkeypatch.setattr(onnx_session, "saturates", lambda: True)
    mixture, given = chain(U8S8, S8S8, U8U8), {"x": np.full((4, 8), 9, np.float32)}
    np.testing.assert_array_equal(onnx_session.session(mixture).run(None, given)[0], given["x"])


def test_weights_that_two_kinds_of_layers_share(monkeypatch):
    monkeypatch.setattr(onnx_session, "saturates", lambda: True)
    random = np.random.default_rng(2)
    model = Model((5, 64))
    weights = extremes(random, (64, 3), np.int8)
    shared_weights = model.weights("w", weights, 2.0**-16)
    for kind in (np.uint8, np.int8):
        x = model.quantise("x", 1.0, 0, kind, f"x_{kind.__name__}")
        product = model.node("MatMul", [x, shared_weights], f"product_{kind.__name__}")
        zero = 128 if kind == np.uint8 else 0
        y = model.quantise(product, 1.0, zero, kind, f"y_{kind.__name__}")
        model.output(y)
    x = random.choice([0, 127], (5, 64))
    sums = np.clip(np.rint(x @ weights.astype(np.int64) * 2.0**-16), -128, 127)
    for actual in onnx_session.session(model.proto()).run(None, {"x": x.astype(np.float32)}):
        np.testing.assert_array_equal(actual, sums)


def test_models_as_bytes_and_files(tmp_path):
    model, given, expected = layer("QLinearConv", U8S8)
    onnx.save(model, tmp_path / "one.onnx")
    for source in (model.SerializeToString(), tmp_path / "one.onnx", str(tmp_path / "one.onnx")):
        [actual] = onnx_session.session(source).run(None, given)
        np.testing.assert_array_equal(actual, expected)


def makes_a_session(path) -> bool:
    """Whether a source names ONNX Runtime's session class, as itself or as a text to look up."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.alias):
            names.add(node.name)
        elif isinstance(node, ast.Constant):
            names.add(node.value)
    return "InferenceSession" in names


def test_sessions_are_made_in_one_place():
    """Another would be exact on some processors only."""
    sources = [path for folder in ("accel", "rtl", "models", "tests")
               for path in sorted((ROOT / folder).rglob("*.py"))]  # fmt: skip
    found = [path.relative_to(ROOT).as_posix() for path in sources if makes_a_session(path)]
    # The third shows how far other sessions are from an exact one.
    assert found == [
        "accel/onnx_session.py", "tests/support/exactness.py", "tests/test_onnx_session.py"
    ]  # fmt: skip


def test_the_walk_sees_a_session_that_is_made_elsewhere(tmp_path):
    for number, line in enumerate((
        "import onnxruntime as x\nx.InferenceSession('m.onnx')",
        "from onnxruntime import InferenceSession as S",
        "import onnxruntime\ngetattr(onnxruntime, 'InferenceSession')",
    )):  # fmt: skip
        file = tmp_path / f"{number}.py"
        file.write_text(line)
        assert makes_a_session(file)
    file.write_text('"""Not an InferenceSession."""')
    assert not makes_a_session(file)


@pytest.mark.parametrize("form, saturates", [
    ("QOperator_pt_QInt8", False), ("QDQ_pt_QInt8", True), ("QOperator_pt_QUInt8", True),
])  # fmt: skip
def test_which_default_sessions_saturate(form, saturates):
    """What the page on exactness says, on the processor at hand."""
    path = shared.need("models", f"mnist8_{form}.onnx")
    images = np.load(shared.need("golden", f"mnist8_{form}.ort.npz"))["input"][:8]
    exact = answers(onnx_session.session(path), images)
    equal = np.array_equal(answers(other_session(path), images), exact)
    assert equal != (saturates and onnx_session.saturates())
    np.testing.assert_array_equal(accel.golden_run(path, images)[0], exact)


def test_reduced_range_does_not_saturate(tmp_path):
    path, images = mobilenet(tmp_path, reduce_range=True)
    exact = answers(onnx_session.session(path), images[:4])
    np.testing.assert_array_equal(answers(other_session(path), images[:4]), exact)


def test_a_session_prints_nothing(capsys):
    """ONNX Runtime's own Python says that it tries again where what it tells is no text."""
    content = layer("Conv", U8U8)[0].SerializeToString()
    with pytest.raises(UnicodeDecodeError):
        onnx_session.session(content.replace(b"Conv", b"\xe0onv"))
    assert capsys.readouterr() == ("", "")


def page_blocks():
    """The Python programs and the outputs of the page on exactness."""
    text = (ROOT / "reports" / "exactness.md").read_text(encoding="utf-8")
    return re.findall(r"```(python|text)\n(.*?)```", text, re.S)


def test_the_page_prints_what_it_says(capsys):
    (_, program), (_, printed), (_, alone) = page_blocks()
    names = {}
    exec(program, names)
    assert capsys.readouterr().out == printed
    for activations, form in (("int8", "QInt8"), ("uint8", "QUInt8")):
        file = shared.need("models", f"mnist8_QOperator_pt_{form}.onnx")
        given = np.random.default_rng(1).uniform(0, 255, (1, 1, 28, 28)).astype(np.float32)
        here = {"activations": activations, "network": file}
        exec(alone, here)
        [expected] = onnx_session.session(file).run(None, {"Input3": given})
        np.testing.assert_array_equal(here["session"].run(None, {"Input3": given})[0], expected)
        np.testing.assert_array_equal(accel.golden_run(file, given)[0], expected)

"""Slices of what would have fewer than no rows, on which the libraries end the process."""

import numpy as np
import onnx
import pytest

from accel import frontend
from accel.frontend import ModelError
from accel.frontend.onnx import slices
from accel.frontend.onnx.reading import read
from accel.frontend.onnx.slices import check_slices
from tests.support.onnx_models import Model


def cut(model: Model, value: str, number: int) -> str:
    """Rows 0 to 2 of a value, by a Slice."""
    bounds = [model.const(f"{name}{number}", [at], np.int64)
              for name, at in (("from", 0), ("to", 3), ("rows", 2))]  # fmt: skip
    return model.node("Slice", [value, *bounds], f"s{number}")


def pooled(model: Model, value: str, rows: int, number: int) -> str:
    return model.node("MaxPool", [value], f"m{number}", kernel_shape=[rows, 1])


def model(*steps: int) -> Model:
    """Pools of as many rows as a number says, a Slice where it is 0, on six rows."""
    result = Model([1, 2, 6, 4])
    value = "x"
    for number, rows in enumerate(steps):
        value = pooled(result, value, rows, number) if rows else cut(result, value, number)
    return result.output(result.quantise(value, 0.1, 0, name="y"))


@pytest.mark.parametrize(
    ("steps", "node", "sizes"),
    [
        ((9, 0), "s1_node", [1, 2, -2, 4]),
        ((0, 5, 0), "s2_node", [1, 2, -1, 4]),  # known only behind the first one
    ],
)
def test_refused(steps, node, sizes, tmp_path):
    proto = model(*steps).proto()
    text = rf"node '{node}' \(Slice\): input 'm\d' must not have negative sizes, .*not \[1, 2, -"
    with pytest.raises(ModelError, match=text) as error:
        check_slices("f.onnx", proto)
    assert str(error.value).endswith(f"not {sizes}")
    path = tmp_path / "f.onnx"
    onnx.save(proto, path)
    for strict in (False, True):
        with pytest.raises(ModelError, match=text):
            frontend.load(path, strict=strict)
    with pytest.raises(ModelError, match=text):  # a float one, to be quantised
        read(path)


def test_empty_is_not_negative():
    check_slices("f.onnx", model(2, 0, 2, 0, 3, 0).proto())


def test_a_long_chain_takes_no_long_time(monkeypatch):
    """It is looked at as far as the limit goes, and no further."""
    proto, seen = model(*[0] * 400, 9, 0).proto(), []
    inferred = onnx.shape_inference.infer_shapes
    monkeypatch.setattr(onnx.shape_inference, "infer_shapes",
                        lambda model, **how: seen.append(1) or inferred(model, **how))
    monkeypatch.setattr(slices, "_MOST", 5000)
    check_slices("f.onnx", proto)
    assert 90 < len(seen) < 110


def test_a_model_without_slices_is_not_inferred(monkeypatch):
    monkeypatch.setattr(onnx.shape_inference, "infer_shapes", None)
    check_slices("f.onnx", model(9).proto())

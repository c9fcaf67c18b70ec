"""Operators of ONNX files in all pairs of their attributes, against ONNX Runtime.

An :class:`Operator` has options and a function that builds a model from one row of them; the
models of all rows that :func:`covering` finds are imported, computed by the golden model, and by
ONNX Runtime in an exact session.  The operators themselves are in onnx_pairs_weighted.py,
onnx_pairs_windows.py and onnx_pairs_pointwise.py.
"""

import collections
import dataclasses
import pathlib
import re
from collections.abc import Callable

import numpy as np
from onnx import TensorProto, helper

from accel import frontend, golden
from accel.frontend import ModelError
from accel.graph import ports
from accel.graph.ir import External
from accel.onnx_session import session
from tests.support.covering import covering
from tests.support.onnx_models import Model

KINDS = {np.int8: TensorProto.INT8, np.uint8: TensorProto.UINT8}


class Net(Model):
    """A model under construction with integer inputs of one type.

    Zero points are given as of int8; those of uint8 lie 128 higher.
    """

    def __init__(self, dtype=np.int8, opset=19, seed=0):
        super().__init__([1], opset)
        self.inputs, self.dtype = [], dtype
        self.random = np.random.default_rng(seed)

    def params(self, name, scale, zero=None, dtype=None):
        """Scale and zero point; one zero point of 0 for each scale if it is left out."""
        dtype = dtype or self.dtype
        if np.dtype(dtype) == np.int32:
            return super().params(name, scale, np.zeros(np.shape(scale)), dtype)
        zero = np.zeros(np.shape(scale)) if zero is None else np.asarray(zero)
        return super().params(name, scale, zero + (128 if dtype == np.uint8 else 0), dtype)

    def input(self, shape, scale=0.03, zero=-7, name="x"):
        """A quantised input: its name, scale and zero point."""
        self.inputs.append(helper.make_tensor_value_info(name, KINDS[self.dtype], shape))
        return [name, *self.params(name, scale, zero)]

    def real(self, quantised, **attributes):
        """The float behind a DequantizeLinear."""
        return self.node("DequantizeLinear", quantised, f"{quantised[0]}_real", **attributes)

    def split(self, inputs, outputs, **attributes):
        """A Split, which has several outputs."""
        self.nodes.append(helper.make_node("Split", inputs, outputs, name=f"{outputs[0]}_split",
                                           **attributes))
        return outputs

    def images(self, batch=2):
        """Random bytes for every input."""
        given = {}
        for value in self.inputs:
            shape = [dim.dim_value or batch for dim in value.type.tensor_type.shape.dim]
            raw = self.random.integers(0, 256, shape).astype(np.uint8)
            given[value.name] = raw.view(self.dtype)
        return given

    def finish(self, value, y=None):
        """The network's output: an integer, quantised here if ``y`` are its parameters."""
        if y:
            value = self.node("QuantizeLinear", [value, *y], "y")
        return self.output(value, KINDS[self.dtype])


@dataclasses.dataclass(frozen=True)
class Operator:
    """An operator's options, and what is wanted of it.

    Attributes:
        options: lists of values by name.
        build: function of a row that makes its Net, or (Net, inputs by name).
        possible: which rows make sense.
        refused: regular expressions of the importer's errors that are no faults.
        near: the part of a row's bytes (or two bytes) that may be one step off; a function of
            the row; 0.0 if none may.
        least: the part of the rows that must be compared (ONNX Runtime refuses some as well).
    """

    options: dict[str, list]
    build: Callable
    possible: Callable = lambda row: True
    refused: tuple[str, ...] = ()
    near: Callable = lambda row: 0.0
    least: float = 0.9


@dataclasses.dataclass
class Outcome:
    """What became of an operator's rows: faults, and numbers of rows by what happened."""

    faults: list[str]
    counts: collections.Counter
    refusals: collections.Counter


def run(operator: Operator, folder: pathlib.Path, seed=0) -> Outcome:
    """Compare all rows."""
    rows = covering(operator.options, operator.possible, seed)
    result = Outcome([], collections.Counter(rows=len(rows)), collections.Counter())
    for row in rows:
        fault = _compare(operator, row, folder, result)
        if fault:
            result.faults.append(f"{row}: {fault}")
    return result


def _compare(operator: Operator, row, folder, result: Outcome) -> str | None:
    made = operator.build(row)
    model, given = made if isinstance(made, tuple) else (made, made.images())
    try:
        expected = session(model.proto()).run(None, given)
    except Exception as error:  # onnxruntime raises what it likes
        result.counts["no oracle"] += 1
        result.refusals[f"onnxruntime: {str(error)[:260]}"] += 1
        return None
    path = model.save(folder)
    try:
        graph = frontend.load(path, strict=True)
    except ModelError as error:
        if not any(re.search(text, str(error)) for text in operator.refused):
            return f"refused: {error}"
        result.counts["refused"] += 1
        result.refusals[str(error).split(": ", 2)[-1]] += 1
        graph = frontend.load(path)  # the host computes it
    else:
        result.counts["compared"] += 1
    actual = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, given)))
    return (next(filter(None, map(_difference, actual, expected, [operator.near(row)] * 9)), None)
            or _inexact(path, graph, (given, actual, expected), result))


def _inexact(path, graph, arrays, result: Outcome) -> str | None:
    """What differs of the same model imported to be exact: then nothing may."""
    given, actual, expected = arrays
    try:
        exactly = frontend.load(path, exact=True)
    except ModelError as error:  # what ONNX Runtime takes only as a part of a larger whole
        result.counts["exact refused"] += 1
        result.refusals[f"exact: {error}"] += 1
        return None
    if _machine(exactly) != _machine(graph):
        result.counts["exact by the host"] += 1
        given = ports.read_inputs(exactly, given)
        actual = ports.outputs(exactly, golden.run(exactly, given))
    fault = next(filter(None, map(_difference, actual, expected, [0.0] * 9)), None)
    return fault and f"to be exact: {fault}"


def _machine(graph) -> list[tuple[str, str]]:
    """What the machine computes."""
    return [(node.op, node.name) for node in graph.nodes if not isinstance(node, External)]


def _difference(actual, expected, near) -> str | None:
    if (actual.shape, actual.dtype) != (expected.shape, expected.dtype):
        return f"{actual.dtype} {actual.shape}, not {expected.dtype} {expected.shape}"
    if expected.dtype == np.float32:
        good = np.allclose(actual, expected, rtol=1e-6, atol=1e-30)
        return None if good else f"floats differ by {np.abs(actual - expected).max()}"
    off = np.abs(actual.astype(int) - expected.astype(int))
    wrong = int((off > 0).sum())
    chance = near * off.size + 3 * (near * off.size) ** 0.5  # of few bytes often more than the part
    if wrong > (max(2, chance) if near else 0) or off.max(initial=0) > 1:
        return f"{wrong} of {off.size} bytes differ, by up to {off.max()}"
    return None

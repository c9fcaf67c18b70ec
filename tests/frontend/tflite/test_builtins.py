"""Builtin operators of TFLite files, on the machine or the host, byte for byte as LiteRT's."""

import numpy as np
import pytest

import accel
from accel import frontend, golden, litert
from accel.frontend import ModelError
from accel.graph import ports
from tests.support.litert import answers, need
from tests.support.tflite_builtins import OPERATORS, draw, rows

ON_THE_RTL = 4  # models of each operator
#: What the host alone computes.
HOST = {"compared", "arg", "chosen", "matmul", "cast"}
#: The share of rows that LiteRT computes, where its reference kernels do not know them all.
TAKEN = {"binary": 0.8, "unary": 0.5, "matmul": 0.5}


@pytest.mark.parametrize("name", OPERATORS)
def test_on_the_rtl(name, tmp_path):
    """Some models of each operator that the machine computes by itself."""
    need()
    path, ran = tmp_path / "model.tflite", 0
    for number in range(len(rows(name))):
        content, inputs = draw(name, number)
        path.write_bytes(content)
        try:
            graph = frontend.load(path, strict=True)
        except ModelError:
            continue
        given = inputs[0] if len(inputs) == 1 else inputs
        report = accel.run(graph, given, array=(4, 4), batch=2).report
        assert report["total"]["mismatches"] == 0, rows(name)[number]
        ran += 1
        if ran == ON_THE_RTL:
            return
    assert ran or name in HOST


@pytest.mark.parametrize("name", OPERATORS)
def test_operator(name, tmp_path):
    need()
    path, wrong, taken = tmp_path / "model.tflite", [], 0
    for number, row in enumerate(rows(name)):
        content, inputs = draw(name, number)
        try:
            wanted = answers(content, inputs)
        except litert.LiteRTError:
            continue
        taken += 1
        path.write_bytes(content)
        graph = frontend.load(path)
        [output] = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, inputs)))
        expected = np.concatenate([one[0] for one in wanted])
        if output.dtype != expected.dtype or not np.array_equal(output, expected):
            wrong.append(row)
    assert not wrong
    assert taken >= TAKEN.get(name, 1) * len(rows(name))

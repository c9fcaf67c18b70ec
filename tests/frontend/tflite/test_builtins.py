"""Builtin operators of TFLite files, on the machine or the host, byte for byte as LiteRT's."""

import numpy as np
import pytest

from accel import frontend, golden, litert
from accel.graph import ports
from tests.support.litert import answers, need
from tests.support.tflite_builtins import OPERATORS, draw, rows

#: The share of rows that LiteRT computes, where its reference kernels do not know them all.
TAKEN = {"binary": 0.8, "unary": 0.5, "matmul": 0.5}


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

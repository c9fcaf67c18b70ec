"""All pairs of attribute values of every operator of TFLite files, as LiteRT's kernels answered.

tests/data/litert/pairs.npz was made by ``python -m tests.support.litert_record --pairs``.
"""

import pathlib

import numpy as np
import pytest

from accel import frontend, golden
from accel.graph import ports
from tests.support.tflite_pairs import OPERATORS, draw_all, rows

RECORDED = pathlib.Path(__file__).parents[2] / "data" / "litert" / "pairs.npz"


@pytest.fixture(scope="module")
def recorded():
    with np.load(RECORDED, allow_pickle=False) as file:
        return dict(file)


@pytest.mark.parametrize("name", OPERATORS)
def test_operator(name, recorded, tmp_path):
    path, wrong = tmp_path / "model.tflite", []
    for number, row in enumerate(rows(name)):
        case = f"{name}_{number}"
        path.write_bytes(recorded[f"{case}|model"].tobytes())
        graph = frontend.load(path)
        inputs = [recorded[f"{case}|input{n}"] for n in range(len(graph.inputs))]
        [output] = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, inputs)))
        expected = recorded[f"{case}|output"]
        if output.dtype != expected.dtype or not np.array_equal(output, expected):
            wrong.append(row)
    assert not wrong


def test_the_recorded_models_are_those_of_the_rows(recorded):
    names = set()
    for name, content, inputs in draw_all():
        names.add(name)
        if name.endswith("_3"):
            assert recorded[f"{name}|model"].tobytes() == content
            np.testing.assert_array_equal(recorded[f"{name}|input0"], inputs[0])
    assert {key.split("|")[0] for key in recorded} == names

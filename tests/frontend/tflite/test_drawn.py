"""Random operators of TFLite, each compared with what LiteRT itself answers now."""

import numpy as np
import pytest

from accel import frontend, golden
from accel.graph import ports
from accel.graph.ir import External
from tests.support.litert import answers, need
from tests.support.tflite_random import KINDS, draw

#: Other models than the recorded ones (tests/data/litert), which begin at 0.
SEEDS = range(100, 116)


@pytest.mark.parametrize("kind", KINDS)
def test_equals_litert(kind, tmp_path):
    """On the machine: what the host computed would be LiteRT's own answer."""
    need()
    for seed in SEEDS:
        content, inputs = draw(kind, seed)
        path = tmp_path / "model.tflite"
        path.write_bytes(content)
        graph = frontend.load(path)
        assert not any(isinstance(node, External) for node in graph.nodes), seed
        (output,) = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, inputs)))
        expected = np.concatenate([answer[0] for answer in answers(content, inputs)])
        np.testing.assert_array_equal(output, expected, err_msg=str(seed))

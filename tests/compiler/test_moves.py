"""Slices and assemblies: read and written where they lie, byte for byte, copied only where need be.
"""

import numpy as np
import pytest

from accel.compiler import CompileError, compile_graph
from accel.graph.check import check as check_graph
from accel.graph.ir import Place
from accel.graph.places import along
from accel.params import Params
from tests.compiler.test_networks import MACHINES, check, images
from tests.support import moves, networks, reference
from tests.support.machine import Machine


@pytest.mark.parametrize("machine", ["4x4 tiny", "4x4", "8x4", "8x8", "16x16"])
@pytest.mark.parametrize("part", range(2))
def test_random_networks(machine, part):
    done = 0
    for seed in range(1000 * part, 1000 * part + 25):
        rng = np.random.default_rng(seed)
        graph = check_graph(moves.random_moves(rng))
        if networks.macs(graph) < 40_000:
            everything(graph, MACHINES[machine], int(rng.integers(1, 4)), rng)
            done += 1
    assert done >= 15


def everything(graph, params: Params, batch: int, rng) -> None:
    """Every tensor in memory, also those that nothing computes, in two orders."""
    program = compile_graph(graph, params, batch)
    inputs = images(graph, batch, rng)
    expected = reference.run(graph, inputs)
    for seed in range(2):
        machine = Machine(program, inputs, seed)
        machine.run()
        for name in program.tensors:
            np.testing.assert_array_equal(
                machine.output(name), expected[program.copies.get(name, name)], name
            )

"""What one batch is given: the time after which it is given up."""

import dataclasses

import numpy as np

from accel.batch import run_batch
from accel.compiler import compile_graph
from accel.isa import RECORD, Error
from accel.registers import Reg
from accel.sim.engine import Memory, Outcome
from tests.support.machines import least
from tests.support.networks import Builder


class Asked:
    """An engine that runs nothing, and keeps how long it might have taken."""

    def run(self, memory, start, commands, behaviour, max_cycles, registers):
        self.budget, self.max_cycles = registers[Reg.BUDGET], max_cycles
        return Outcome(Error.NONE, 0, dict.fromkeys(RECORD, 0), 0.0)


def test_few_products_of_many_commands_get_their_time():
    """On next to no buffers 90,720 products took 796,572 commands and 18.9 million cycles."""
    net = Builder(np.random.default_rng(1), (3, 4, 3)).conv(2)
    graph, engine = net.graph(), Asked()
    program = compile_graph(graph, least(4, 4, 4), 1)
    (step,) = program.steps
    images = np.zeros((1, 3, 4, 3), np.int8)
    budgets = []
    for commands in (step.commands, 796_572):
        many = dataclasses.replace(step, commands=commands)
        run_batch(engine, dataclasses.replace(program, steps=(many,)), graph, images, Memory())
        budgets.append(engine.budget)
        assert engine.budget < engine.max_cycles
    assert budgets[0] < 20_000_000 < 100 * 18_900_000 < budgets[1] < 1 << 32

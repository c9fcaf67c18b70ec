"""What counts a program's cycles: the cycle model, or a simulation of the RTL."""

from collections.abc import Callable

import numpy as np

from accel.graph.ir import Graph
from accel.params import Params
from accel.program import Program
from accel.sim.engine import Memory

#: Of accel.isa.RECORD: what an engine gives back, summed over the program's starts.
COUNTERS = (
    "cycles", "busy", "fill", "weight", "memory", "post", "sync", "window_busy", "read_beats",
    "write_beats",
)  # fmt: skip
Engine = Callable[[Program, Graph, Memory], dict[str, int]]


#: Cycles after which a prediction is given up, per cycle of a program in which nothing overlaps.
_PATIENCE = 20


def _most_cycles(program: Program, memory: Memory) -> int:
    """What no program should need: nothing overlaps, and everything takes much longer than it is.

    Params.timeout_cycles, after which the real machine gives up, is not the model's.
    """
    compute = sum(layer.macs for layer in program.layers) // program.params.rows
    traffic = sum(layer.bytes_read + layer.bytes_written for layer in program.layers)
    commands = sum(step.commands for step in program.steps)
    each = memory.latency_cycles + program.params.rows + program.params.cols + 1000
    return _PATIENCE * (compute + traffic + commands * each)


def model(program: Program, graph: Graph, memory: Memory) -> dict[str, int]:
    """Count with the cycle model, which is exact."""
    from accel.cyclemodel import predict

    most = _most_cycles(program, memory)
    return _sum(
        predict(
            program.params, program.image, step.start, step.commands, max_cycles=most,
            **memory.timing,
        )[0]
        for step in program.steps
        if step.commands
    )  # fmt: skip


def _rtl(name: str) -> Engine:
    """Count with a simulation of the RTL on images of zeros: cycles do not depend on data."""

    def count(program: Program, graph: Graph, memory: Memory) -> dict[str, int]:
        from accel.batch import run_batch
        from accel.sim import get_engine

        engine = get_engine(name)
        engine.build(program.params)
        images = {
            port.tensor: np.zeros((program.batch, *graph.tensors[port.tensor].shape), np.int8)
            for port in graph.inputs
        }
        batch = run_batch(engine, program, graph, images, memory)
        return _sum(outcome.counters for outcome in batch.outcomes if outcome)

    return count


def _sum(records) -> dict[str, int]:
    total = dict.fromkeys(COUNTERS, 0)
    for record in records:
        total = {name: total[name] + record[name] for name in COUNTERS}
    return total


#: By name; the first is the default.
ENGINES: dict[str, Engine] = {
    "model": model, "verilator": _rtl("verilator"), "pysim": _rtl("pysim")
}  # fmt: skip
#: Those that compute, and so need a program with its weights.
ON_DATA = ("verilator", "pysim")


def predict(graph: Graph, params: Params, memory: Memory | None = None) -> dict[str, int]:
    """Compile a network for a machine and count one image's cycles with the cycle model.

    Raises:
        accel.compiler.CompileError: the machine cannot run it.
    """
    from accel.compiler import compile_graph

    return model(compile_graph(graph, params, 1, data=False), graph, memory or Memory())

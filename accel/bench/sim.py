"""Speed of the simulated machine beside its bare array and pysim: ``accel bench sim``.

The machine runs convolutions of 3 x 3 on random bytes, which keep its array busy.  What is compared
takes turns, and a figure is the best of several in processor time: what else the computer does
only ever adds.  The array's sums are compared with those of matrix products first; the machine's
bytes are the tests' business.
"""

import dataclasses
import pathlib
import tempfile
import time
from collections.abc import Callable

import numpy as np

from accel.bench.header import header
from accel.compiler import compile_graph
from accel.graph.check import check
from accel.graph.ir import Conv, Graph, Port, Requant, Tensor
from accel.isa import Error
from accel.params import Params
from accel.program import Program
from accel.quant import quantize_multipliers
from accel.sim.bare import TILE, BareArray
from accel.sim.engine import MachineError, Memory
from accel.sim.pysim import PysimEngine
from accel.sim.verilator import VerilatorEngine

#: Shares of the bare array's cycles a second, and multiples of pysim's, that are wanted.
BARE_TARGET, PYSIM_TARGET = 0.4, 200.0
#: Seconds of a build on two idle cores that are wanted, by the array's rows.
BUILD_TARGETS = {16: 45.0, 32: 180.0}
#: Channels, width and height, and layers of the machine's convolutions, and of pysim's.
WORK, PYSIM_WORK = (64, 28, 4), (16, 4, 1)
#: Of the build's stages, the one that is not C++'s.
_EMIT = "emit Verilog"
#: What activations are after a ReLU.
_ZERO = -128

Progress = Callable[[str, float], None]


def convolutions(channels: int, size: int, layers: int) -> Graph:
    """Convolutions of 3 x 3, one behind the other, with random weights; sums spread as inputs."""
    random = np.random.default_rng(1)
    shape = (size, size, channels)
    names = [f"t{number}" for number in range(layers + 1)]
    nodes = []
    for source, target in zip(names, names[1:], strict=False):
        weights = random.integers(-127, 128, (channels, 3, 3, channels), np.int8)
        factors = random.uniform(0.7, 1.4, channels) * np.sqrt(2 / weights[0].size) / 73
        bias = random.integers(-(1 << 12), 1 << 12, channels, np.int32)
        requant = Requant(*quantize_multipliers(factors), _ZERO)
        nodes.append(
            Conv(target, "conv2d", source, target, weights, bias, requant, (1, 1), (1, 1, 1, 1))
        )
    first, last = (Port(name, name, shape, "HWC", "int8") for name in (names[0], names[-1]))
    tensors = {name: Tensor(name, shape, 1.0, _ZERO) for name in names}
    return check(Graph("bench", tensors, tuple(nodes), (first,), (last,)))


class Work:
    """Convolutions compiled for ``params``, with random inputs, to run on any engine."""

    def __init__(self, params: Params, shape: tuple[int, int, int]):
        self.program: Program = compile_graph(convolutions(*shape), params, 1)
        self._memory = self.program.image.copy()
        images = self.program.tensors["t0"].view(self._memory)
        images[...] = np.random.default_rng(2).integers(-128, 128, images.shape, np.int8)

    def run(self, engine) -> tuple[float, int, float]:
        """Processor seconds, cycles, and the share of cycles in which the array was busy.

        Raises:
            MachineError: the machine stopped with an error.
        """
        (step,) = self.program.steps
        memory = self._memory.copy()
        begin = time.thread_time()
        outcome = engine.run(memory, step.start, step.commands, Memory(), 1 << 40)
        seconds = time.thread_time() - begin
        if outcome.error is not Error.NONE:
            raise MachineError(f"the machine stopped with {outcome.error.name}")
        cycles = outcome.counters["cycles"]
        return seconds, cycles, outcome.counters["busy"] / cycles


class _Stages:
    """Seconds between the stages that a build reports."""

    def __init__(self, progress: Progress):
        self._progress, self._began = progress, {}

    def __call__(self, stage: str, share: float) -> None:
        self._began.setdefault(stage, time.perf_counter())
        self._progress(stage, share)

    def seconds(self) -> dict[str, float]:
        """What each stage took; the last one, which only says so, is left out."""
        times = list(self._began.values())
        return {
            stage: end - begin
            for stage, begin, end in zip(self._began, times, times[1:], strict=False)
        }


def measure(
    params: Params, repeats: int, cache: pathlib.Path | None, progress: Progress
) -> dict:
    """Build the machine of ``params`` in ``cache`` and measure it; returns a row of the report."""
    stages = _Stages(progress)
    full = VerilatorEngine(cache=cache)
    full.build(params, stages)
    bare = BareArray(params, cache, progress)
    if not np.array_equal(bare.outputs(8 * TILE), bare.expected(8 * TILE)):
        raise AssertionError(f"{params.rows}x{params.cols}: the bare array's sums are wrong")
    python = PysimEngine()
    python.build(params, progress)
    work = Work(params, WORK)
    times, bare_times = [], []
    for _ in range(repeats):
        seconds, cycles, busy = work.run(full)
        times.append(seconds)
        bare_times.append(bare.seconds(cycles))
    python_seconds, python_cycles, _ = Work(params, PYSIM_WORK).run(python)
    return _row(params, stages.seconds(), busy, cycles / min(times), cycles / min(bare_times),
                python_cycles / python_seconds)  # fmt: skip


def _row(params, stages, busy, full, bare, python) -> dict:
    """One array's figures, in cycles a second and seconds, and whether the targets are met."""
    build, target = sum(stages.values()) - stages[_EMIT], BUILD_TARGETS.get(params.rows)
    return {
        "array": {"rows": params.rows, "cols": params.cols},
        "params": dataclasses.asdict(params), "memory": dataclasses.asdict(Memory()),
        "busy": busy,
        "full": full, "bare": bare, "pysim": python,
        "of_bare": full / bare, "of_bare_target": BARE_TARGET,
        "of_bare_met": full / bare >= BARE_TARGET,
        "of_pysim": full / python, "of_pysim_target": PYSIM_TARGET,
        "of_pysim_met": full / python >= PYSIM_TARGET,
        "emit_seconds": stages[_EMIT], "stages": stages,
        "build_seconds": build, "build_target": target,
        "build_met": target is None or build < target,
    }  # fmt: skip


def run(
    arrays: list[tuple[int, int]],
    repeats: int,
    progress: Progress = lambda stage, share: None,
    cache: pathlib.Path | None = None,
) -> dict:
    """Measure machines with default parameters and arrays of these rows and columns.

    Args:
        arrays: rows and columns of each.
        repeats: runs that each of Verilator's figures is the best of.
        progress: called with a stage and its share done.
        cache: where builds are kept; by default a new directory, so that builds are measured cold.

    Returns:
        A report: machine, date, versions, repeats and figures (a row for each array).

    Raises:
        SimulationError: a step of a build failed.
    """
    figures = []
    for rows, cols in arrays:
        with tempfile.TemporaryDirectory() as cold:
            params = Params(rows=rows, cols=cols)

            def named(stage, share, name=f"{rows}x{cols}"):
                progress(f"{name}: {stage}", share)

            figures.append(measure(params, repeats, cache or pathlib.Path(cold), named))
    return header("amaranth", "verilator", "numpy") | {
        "repeats": repeats,
        "figures": figures,
    }

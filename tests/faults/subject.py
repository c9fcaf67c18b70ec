"""The machine that faults are put into, and the network that it runs."""

import dataclasses
import functools
import pathlib

import numpy as np

from accel import golden
from accel.compiler import compile_graph
from accel.graph.ir import Graph
from accel.params import Params
from accel.program import Program
from accel.rtl.top import Accelerator
from accel.sim.build import Builder, Flavour
from accel.sim.shipped import simulated
from tests.faults import elements
from tests.support import networks

#: Small buffers, so that most of their words hold something.  A watchdog that waits briefly.
PARAMS = Params(
    rows=4, cols=4, input_bytes=4096, acc_rows=128, weight_tiles=4, pool_entries=64, post_lanes=2,
    window_taps=2, window_bytes=2048, window_lanes=2, bus_bytes=8, load_beats=32, queue_depth=4,
    timeout_cycles=2000,
)  # fmt: skip
#: The same with what finds flipped bits; programs are the same, too.
GUARDED = dataclasses.replace(PARAMS, parity=True, checksum=True)
_CPP = pathlib.Path(__file__).with_name("machine.cpp")
_HARNESS = pathlib.Path(simulated.__globals__["__file__"]).parent


def graph() -> Graph:
    """Every unit's work once: array, pooling behind it, window unit, tables, sums, products."""
    net = networks.Builder(np.random.default_rng(11), (10, 9, 3))
    net.conv(8, (3, 3), padding=(1, 1, 1, 1))
    before = net.last
    net.conv(10).depthwise().conv(8).add(before)
    net.conv(6, (3, 3), padding=(1, 1, 1, 1)).pool("max", (2, 2), (2, 2))
    image = net.last
    net.conv(6, image.shape[:2], op="conv2d")
    gate = net.last
    net.last = image
    net.mul(gate).table()
    net.pool("avg", (2, 2), (1, 1))
    return net.conv(10, net.last.shape[:2], op="fully_connected").graph()


@dataclasses.dataclass(frozen=True)
class Subject:
    """A program, its memory before the run, and where its results lie.

    Attributes:
        program: for one image.
        memory: uint8, with the image in it.
        output: name of the network's output.
        right: the golden model's.
    """

    program: Program
    memory: np.ndarray
    output: str
    right: np.ndarray


@functools.cache
def subject() -> Subject:
    """The program, ready to run."""
    net = graph()
    program = compile_graph(net, PARAMS, 1)
    image = np.random.default_rng(12).integers(-128, 128, (1, *net.tensors["input"].shape))
    memory = program.image.copy()
    program.tensors["input"].view(memory)[...] = image
    right = golden.run(net, {"input": image.astype(np.int8)})[net.outputs[0].tensor]
    return Subject(program, memory, net.outputs[0].tensor, right)


class _Builder(Builder):
    """Builds the machine with all its elements within reach."""

    def _verilog(self, params, design, progress):
        self.elements, text = elements.find(super()._verilog(params, design, progress))
        self._flipper = elements.flipper(self.elements)
        return f"{text}\n// {elements.digest(self._flipper)}\n"

    def _verilated(self, work):
        (work / "flipper.h").write_text(self._flipper)


def build(params: Params = PARAMS) -> tuple[pathlib.Path, list[elements.Element]]:
    """The simulator's library, built now or before, and what ``accel_flip`` numbers."""
    flavour = Flavour(
        compiler=(f"-I{_HARNESS}", "-DVM_TRACE=0"),
        runtime=("verilated", "verilated_threads", "verilated_dpi"), fast="-O1", name="faults",
    )  # fmt: skip
    builder = _Builder(flavour=flavour)
    path = builder.build(params, Accelerator, harness=_CPP)
    return path, builder.elements

"""Runs a page's WebAssembly module before the page is written, and holds it against golden.

wasmtime is the runner here; in the page it is the browser.  The module, the program and the calls
are the same.
"""

import numpy as np

from accel import golden
from accel.isa import Error
from accel.page.network import Network
from accel.page.wasm import Module
from accel.sim.engine import MachineError, SimulationError
from accel.sim.host import RESULTS, outcome

#: What `page_advance` stops at, as in page.cpp.
NOTHING, VECTOR, TILE, LAYER = range(4)
#: Cycles a program may take.
MOST_CYCLES = 1 << 30


class Instance:
    """A module in wasmtime, called as the page's scripts call it."""

    def __init__(self, module: Module):
        try:
            import wasmtime
        except ImportError as error:
            raise SimulationError(
                "wasmtime, which runs a page's machine once before it is written, is missing: "
                "pip install 'cnn-accel[page]'"
            ) from error
        engine = wasmtime.Engine()
        self._store = wasmtime.Store(engine)
        self._store.set_wasi(wasmtime.WasiConfig())
        linker = wasmtime.Linker(engine)
        linker.define_wasi()
        code = wasmtime.Module(engine, module.code)
        self._exports = linker.instantiate(self._store, code).exports(self._store)
        self._places = module.places
        self._memory = self._exports["memory"]
        self.call("_initialize")
        self._space = self._size = self._room = 0

    def call(self, name: str, *arguments: int) -> int:
        """Call an export."""
        return self._exports[name](self._store, *arguments)

    def begin(self, network: Network, image: np.ndarray) -> None:
        """A fresh machine with ``image`` (int8, height, width, channels) in its memory."""
        program, memory = network.program, network.machine.memory
        (step,) = program.steps
        space = program.image.copy()
        program.tensors[network.graph.inputs[0].tensor].view(space)[0] = image
        if len(space) > self._room:
            self._room = len(space)
            self._space = self.call("malloc", self._room)
        self._size = len(space)
        self._memory.write(self._store, space.tobytes(), self._space)
        self.call(
            "page_begin", self._space, self._size, memory.latency_cycles, memory.bytes_per_cycle,
            step.start, step.commands, program.params.timeout_cycles, MOST_CYCLES,
        )

    def advance(self, cycles: int, until: int = NOTHING, address: int = 0) -> int:
        """Simulate; returns how many cycles.

        Raises:
            MachineError: the machine broke the bus's protocol or did not end.
        """
        done = self.call("page_advance", cycles, until, address)
        start = self.call("page_error")
        text = bytes(self._memory.read(self._store, start, start + 160)).partition(b"\0")[0]
        if text:
            raise MachineError(text.decode())
        return done

    @property
    def finished(self) -> bool:
        """Whether the host has read the machine's counters."""
        return bool(self.call("page_finished"))

    @property
    def cycle(self) -> int:
        """Cycles since the reset."""
        return self.call("page_cycle")

    def space(self) -> np.ndarray:
        """The machine's memory."""
        data = self._memory.read(self._store, self._space, self._space + self._size)
        return np.frombuffer(data, np.uint8)

    def results(self) -> list[int]:
        """What the host read: the registers of accel.sim.host.RESULTS."""
        return self._array(self.call("page_values"), "<u4", len(RESULTS)).tolist()

    def log(self) -> np.ndarray:
        """A byte for every cycle, as page.cpp says."""
        return self._array(self.call("page_log"), np.uint8, self.cycle)

    def group(self, name: str) -> np.ndarray:
        """The registers of a group of accel.page.probes, in this cycle."""
        place = self._places[name]
        kind = f"<{'i' if place.signed else 'u'}{place.size}"
        at = self.call("page_gather") + place.offset
        return self._array(at, kind, place.count)

    def _array(self, at: int, kind, count: int) -> np.ndarray:
        size = np.dtype(kind).itemsize * count
        return np.frombuffer(self._memory.read(self._store, at, at + size), kind)


def check(network: Network, module: Module) -> dict:
    """Run the network's first image in the module and compare every tensor with golden's.

    Returns:
        ``cycles`` and ``compared`` bytes, for the page.

    Raises:
        MachineError: a byte differs, or the machine did not end well.
    """
    graph, program = network.graph, network.program
    instance = Instance(module)
    instance.begin(network, network.images[0])
    instance.advance(MOST_CYCLES)
    ended = outcome(instance.results(), 0.0)
    if ended.error is not Error.NONE:
        raise MachineError(f"{graph.name}: in WebAssembly the machine stopped with "
                           f"{ended.error.name}")
    space = instance.space()
    right = golden.run(graph, {graph.inputs[0].tensor: network.images[:1]})
    differing = compared = 0
    for layer in program.layers:
        computed = program.tensors[layer.output].view(space)
        wanted = right[program.copies.get(layer.output, layer.output)]
        compared += computed.size
        differing += int(np.count_nonzero(computed.reshape(wanted.shape) != wanted))
    if differing:
        raise MachineError(
            f"{graph.name}: {differing} of {compared} bytes that the WebAssembly module computed "
            "differ from golden"
        )
    return {"cycles": ended.counters["cycles"], "compared": compared}

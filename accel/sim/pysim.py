"""Engine `pysim`: the machine in Amaranth's own simulator.  Slow, but needs nothing else."""

import contextlib
import time
from collections.abc import Callable, Mapping

import numpy as np
from amaranth import Cat, ClockDomain, Module, Signal
from amaranth.sim import Simulator

from accel.params import Params
from accel.registers import Reg
from accel.rtl.top import Accelerator
from accel.sim.engine import Memory, Outcome, SimulationError
from accel.sim.host import Host, outcome
from accel.sim.memory import MemoryModel
from accel.sim.verilog import Design

#: Cycles with reset active before cycle 0.
RESET_CYCLES = 4

# One signal holds everything that the testbench drives and one each what it samples, because
# the simulator's cost is per access.  Payloads are unpacked only when their channel is valid.
_INPUTS = (
    "m_axi_arready", "m_axi_rvalid", "m_axi_rdata", "m_axi_rresp", "m_axi_rlast",
    "m_axi_awready", "m_axi_wready", "m_axi_bvalid", "m_axi_bresp",
    "s_axil_awvalid", "s_axil_wvalid", "s_axil_arvalid", "s_axil_awaddr", "s_axil_wdata",
)
_OUTPUTS = {
    "flags": (
        "m_axi_arvalid", "m_axi_rready", "m_axi_awvalid", "m_axi_wvalid", "m_axi_bready", "irq",
    ),
    "ar": ("m_axi_araddr", "m_axi_arlen", "m_axi_arsize", "m_axi_arburst"),
    "aw": ("m_axi_awaddr", "m_axi_awlen", "m_axi_awsize", "m_axi_awburst"),
    "w": ("m_axi_wdata", "m_axi_wstrb", "m_axi_wlast"),
    "host": (
        "s_axil_awready", "s_axil_wready", "s_axil_bvalid", "s_axil_bresp",
        "s_axil_arready", "s_axil_rvalid", "s_axil_rresp", "s_axil_rdata",
    ),
}


class PysimEngine:
    """Simulate ``design`` in Amaranth.

    ``vcd`` names a file that every run overwrites with its waveform; it can be set later, too.
    """

    name = "pysim"

    def __init__(self, design: Design = Accelerator, vcd: str | None = None):
        self._design = design
        self.vcd = vcd
        self._params = None
        self._bench = None

    def build(self, params: Params, progress: Callable[[str, float], None] | None = None) -> None:
        """Elaborate and compile the simulation, unless it was built for ``params`` before."""
        if params != self._params:
            if progress:
                progress("elaborate", 0.0)
            self._bench = _Bench(self._design(params))
            self._params = params
        if progress:
            progress("elaborate", 1.0)

    def run(
        self, memory: np.ndarray, start: int, commands: int, behaviour: Memory, max_cycles: int,
        registers: Mapping[Reg, int] | None = None,
    ) -> Outcome:
        """Run a program (see accel.sim.engine.Engine)."""
        if self._bench is None:
            raise SimulationError("the engine has not been built")
        model = MemoryModel(memory, self._params.bus_bytes, behaviour)
        host = Host(start, commands, self._params.timeout_cycles, max_cycles, registers)
        began = time.perf_counter()
        self._bench.run(model, host, self.vcd)
        return outcome(host.results, time.perf_counter() - began, model.traffic)


class _Packed:
    """Several ports, concatenated in one signal."""

    def __init__(self, machine, names):
        self.value = Cat(getattr(machine, name) for name in names)
        self.signal = Signal(len(self.value))
        self._fields = []
        low = 0
        for name in names:
            width = len(getattr(machine, name))
            self._fields.append((low, (1 << width) - 1))
            low += width

    def unpack(self, word):
        return tuple(word >> low & mask for low, mask in self._fields)

    def pack(self, values):
        word = 0
        for (low, mask), value in zip(self._fields, values, strict=True):
            word |= (value & mask) << low
        return word


class _Bench:
    """A compiled simulation of a machine between a memory and a host."""

    def __init__(self, machine):
        m = Module()
        m.domains.sync = self._domain = ClockDomain("sync")
        m.submodules.machine = machine
        self._inputs = _Packed(machine, _INPUTS)
        self._outputs = {name: _Packed(machine, ports) for name, ports in _OUTPUTS.items()}
        m.d.comb += [
            self._inputs.value.eq(self._inputs.signal),
            *(packed.signal.eq(packed.value) for packed in self._outputs.values()),
            machine.s_axil_araddr.eq(machine.s_axil_awaddr),
            machine.s_axil_wstrb.eq(0xF),
            machine.s_axil_bready.eq(1),
            machine.s_axil_rready.eq(1),
        ]
        self._simulator = Simulator(m)
        self._simulator.add_clock(1e-8)
        self._parties = None

    def run(self, model, host, vcd):
        if self._parties is None:
            self._simulator.add_testbench(self._testbench)
        else:
            self._simulator.reset()
        self._parties = model, host
        with self._simulator.write_vcd(vcd) if vcd else contextlib.nullcontext():
            self._simulator.run()

    async def _testbench(self, ctx):
        model, host = self._parties
        ar, aw, w, port = (self._outputs[name].unpack for name in ("ar", "aw", "w", "host"))
        flags = self._outputs["flags"].unpack
        ctx.set(self._domain.rst, 1)
        for _ in range(RESET_CYCLES):
            await ctx.tick()
        ctx.set(self._domain.rst, 0)
        self._drive(ctx, model, host)
        sampled = [packed.signal for packed in self._outputs.values()]
        async for _, _, flag_word, ar_word, aw_word, w_word, host_word in ctx.tick().sample(
            *sampled
        ):
            arvalid, rready, awvalid, wvalid, bready, irq = flags(flag_word)
            model.end(
                ar(ar_word) if arvalid else None,
                rready,
                aw(aw_word) if awvalid else None,
                w(w_word) if wvalid else None,
                bready,
            )
            host.end(*port(host_word), irq)
            if host.finished:
                return
            self._drive(ctx, model, host)

    def _drive(self, ctx, model, host):
        model.begin()
        ctx.set(
            self._inputs.signal,
            self._inputs.pack(
                (
                    model.arready, model.rvalid, model.rdata, model.rresp, model.rlast,
                    model.awready, model.wready, model.bvalid, model.bresp,
                    host.awvalid, host.wvalid, host.arvalid, host.address, host.data,
                )
            ),
        )

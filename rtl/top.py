"""The accelerator as its user instantiates it."""

from amaranth import Module
from amaranth.hdl import Fragment
from amaranth.lib import wiring
from amaranth.lib.wiring import Out, connect

from accel.params import Params
from accel.rtl.control.control import Control
from accel.rtl.control.registers import axi_lite
from accel.rtl.core import Core
from accel.rtl.interfaces import axi_read, axi_write
from accel.rtl.parts.parity import collected, guards


class FlatView:
    """An interface made of its owner's ports ``prefix`` + member, as seen from the inside.

    Amaranth would name the ports of a nested interface ``m_axi__arvalid``; tools that recognise
    AXI ports by their names want one underscore.
    """

    def __init__(self, owner: wiring.Component, prefix: str, signature: wiring.Signature):
        self.signature = signature
        for name in signature.members:
            setattr(self, name, getattr(owner, prefix + name))


class Accelerator(wiring.Component):
    """The whole machine: AXI4 master, AXI4-Lite slave, one interrupt, one clock (``clk``, ``rst``).

    The control stands apart, and its ``reset`` clears all of the core before each program: banks,
    parameter slots, done counters, queues and performance counters begin anew, whatever the
    program before left behind (see accel.rtl.control.control for why no bus transaction is cut
    off by that).

    Parameters:
        params: the machine.

    Members:
        m_axi_*: AXI4 master of the memory, read and write channels of one port.
        s_axil_*: AXI4-Lite slave with the registers of accel.registers.Reg.
        irq: level, a program is over, well or not.
    """

    def __init__(self, params: Params):
        self._params = params
        ports = {"irq": Out(1)}
        for channel in (axi_read(params), axi_write(params)):
            ports |= {f"m_axi_{name}": member for name, member in channel.members.items()}
        lite = axi_lite.flip()
        ports |= {f"s_axil_{name}": member for name, member in lite.members.items()}
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        params = self._params
        m.submodules.control = control = Control(params)
        core = Core(params)
        if params.parity:
            alarms = guards(platform)
            m.submodules.core = Fragment.get(core, alarms)
            m.d.comb += core.control.wrong_parity.eq(collected(m, alarms.flags))
        else:
            m.submodules.core = core
        connect(m, control.core, core.control)
        connect(m, core.axi_read, FlatView(self, "m_axi_", axi_read(params).flip()))
        connect(m, core.axi_write, FlatView(self, "m_axi_", axi_write(params).flip()))
        connect(m, control.bus, FlatView(self, "s_axil_", axi_lite))
        m.d.comb += [core.reset.eq(control.reset), self.irq.eq(control.irq)]
        return m

"""The comment at the top of a written machine: what it is, its ports and its registers."""

import dataclasses
import textwrap

from amaranth.hdl import Shape
from amaranth.lib import wiring

from accel.params import Params
from accel.registers import registers_of
from accel.version import DISTRIBUTION, version

#: Ports by how their names begin.
_GROUPS = {
    "m_axi_": "AXI4 master to the memory: one ID, bursts of type INCR, read and write channels",
    "s_axil_": "AXI4-Lite slave with the registers below; responses are always OKAY",
    "irq": "interrupt: high from the end of a program, well or not, until it is cleared",
}
_WIDTH = 96


def header(params: Params, machine: wiring.Component) -> str:
    """Return Verilog comments that introduce ``machine``, which was made for ``params``."""
    size = f"{params.rows} x {params.cols}"
    lines = [
        f"CNN accelerator of {size} multipliers, by {DISTRIBUTION} {version()}",
        "SPDX-License-Identifier: Apache-2.0",
        "",
        "Verilog 2005, and SystemVerilog as well.  Registers and memories have initial values, so",
        "that rst, which is synchronous, need not be used.  To run a program that lies in memory:",
        "write PROGRAM, COMMANDS and then 1 to CONTROL, await irq, read STATUS.",
        "",
        "Module accelerator_axi at the end is the same machine with aresetn, ID, CACHE, PROT, QOS",
        "and the names that AXI tools recognise: instantiate that one in a system.",
        "",
        "Machine:",
        *(f"  {name} = {value}" for name, value in dataclasses.asdict(params).items()),
        "",
        *_ports(machine),
        "",
        *_registers(params),
    ]
    return "".join(f"// {line}".rstrip() + "\n" for line in lines)


def _ports(machine):
    """A line for each port, under what its group is for."""
    lines = ["Ports:", "  clk    in    1  the one clock", "  rst    in    1  synchronous reset"]
    ports = {"_".join(path): member for path, member, _ in machine.signature.flatten(machine)}
    for prefix, meaning in _GROUPS.items():
        lines += ["", f"  {prefix + '*' if prefix.endswith('_') else prefix}: {meaning}"]
        for name, member in ports.items():
            if name.startswith(prefix):
                direction = "out" if member.flow is wiring.Out else "in"
                lines.append(f"  {name:16} {direction:3} {Shape.cast(member.shape).width:4}")
    return lines


def _registers(params):
    """Every register's bits."""
    lines = [
        "Registers, by byte address (the low two bits of an address do not matter; a write changes",
        "the bytes whose strobes are set; bits that are not listed read 0):",
    ]
    for register, fields in registers_of(params).items():
        lines.append(f"  {register:#04x} {register.name}")
        for _, low, width, access, meaning in fields:
            bits = str(low) if width == 1 else f"{low + width - 1}:{low}"
            start = f"    {bits:5} {access:2}  "
            lines += textwrap.wrap(
                meaning, _WIDTH, initial_indent=start, subsequent_indent=" " * len(start)
            )
    return lines

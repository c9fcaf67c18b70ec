"""The module around a written machine that fits into other people's systems.

``accelerator`` has what the machine needs; ``accelerator_axi`` has the names, the reset and the
constant signals that AXI users and their tools expect.  Vivado infers both interfaces, clock, reset
and interrupt from the names and the attributes; in LiteX and in the component editor of Quartus,
where a user says which port is which signal, the names say it.  Nothing here takes a cycle, a
register or a LUT but the reset's inverter.
"""

from amaranth.hdl import Shape

from accel.params import Params
from accel.rtl.control.registers import axi_lite
from accel.rtl.interfaces import axi_read, axi_write

#: The module's name.
WRAPPER = "accelerator_axi"

#: What an AXI4 address channel has beside the machine's signals: width, value.  Not locked; PROT,
#: CACHE and QOS are the user's, since they depend on what is at the other end.
_CONSTANT = {
    "id": ("ID_WIDTH", "ID"), "lock": ("1", "1'b0"), "cache": ("4", "CACHE"), "prot": ("3", "PROT"),
    "qos": ("4", "QOS"),
}  # fmt: skip
_HEAD = f"""
// The same machine as users of AXI expect it: reset active low, an ID, LOCK, CACHE, PROT and QOS,
// names that tools recognise.  All transactions have the one ID, so all responses come in order.
//
//   aresetn    synchronous; may fall at any time, where the memory's side is reset with it
//   ID         of all transactions
//   CACHE      4'b0011 (normal, not cached) for a memory that the processor does not cache, or
//              whose caches its software cleans and invalidates (the driver has hooks for that);
//              4'b1111 with PROT 3'b010 for the coherent ports of Zynq and Zynq UltraScale+
//   irq        level, high from the end of a program until it is cleared
module {WRAPPER} #(
  parameter ID_WIDTH = 1,
  parameter [ID_WIDTH-1:0] ID = 0,
  parameter [3:0] CACHE = 4'b0011,
  parameter [2:0] PROT = 3'b000,
  parameter [3:0] QOS = 4'b0000
) (
  (* X_INTERFACE_INFO = "xilinx.com:signal:clock:1.0 aclk CLK" *)
  (* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF s_axi:m_axi, ASSOCIATED_RESET aresetn" *)
  input aclk,
  (* X_INTERFACE_INFO = "xilinx.com:signal:reset:1.0 aresetn RST" *)
  (* X_INTERFACE_PARAMETER = "POLARITY ACTIVE_LOW" *)
  input aresetn,
  (* X_INTERFACE_INFO = "xilinx.com:signal:interrupt:1.0 irq INTERRUPT" *)
  (* X_INTERFACE_PARAMETER = "SENSITIVITY LEVEL_HIGH" *)
  output irq,
"""


def wrapper(params: Params) -> str:
    """Return Verilog of module ``accelerator_axi`` around the machine ``accelerator``."""
    memory = dict(axi_read(params).members) | dict(axi_write(params).members)
    ports, pins, assigned = [], [], []
    for name, member in axi_lite.flip().members.items():
        if name.endswith("valid") and name[0] == "a":
            ports.append(_port("input", "3", f"s_axi_{name[:2]}prot"))
        direction = "output" if member.flow.name == "Out" else "input"
        ports.append(_port(direction, str(Shape.cast(member.shape).width), f"s_axi_{name}"))
        pins.append(f".s_axil_{name}(s_axi_{name})")
    for name, member in memory.items():
        direction = "output" if member.flow.name == "Out" else "input"
        if name.endswith("valid"):
            extra, more = _beside(name.removesuffix("valid"))
            ports += extra
            assigned += more
        ports.append(_port(direction, str(Shape.cast(member.shape).width), f"m_axi_{name}"))
        pins.append(f".m_axi_{name}(m_axi_{name})")
    connections = ",\n    ".join((".clk(aclk)", ".rst(!aresetn)", ".irq(irq)", *pins))
    declared = ",\n".join(f"  {port}" for port in ports)
    driven = "".join(f"  {line}\n" for line in assigned)
    return (
        f"{_HEAD}{declared}\n);\n{driven}"
        f"  accelerator machine(\n    {connections}\n  );\nendmodule\n"
    )


def _beside(channel):
    """Ports of a channel that the machine has not, and what drives them."""
    if channel in ("r", "b"):
        return [_port("input", "ID_WIDTH", f"m_axi_{channel}id")], []
    if channel == "w":
        return [], []
    names = {f"m_axi_{channel}{name}": one for name, one in _CONSTANT.items()}
    return (
        [_port("output", width, name) for name, (width, _) in names.items()],
        [f"assign {name} = {value};" for name, (_, value) in names.items()],
    )


def _port(direction, width, name):
    """A port's declaration; ``width`` is a number or a parameter's name."""
    if width == "1":
        return f"{direction} {name}"
    last = str(int(width) - 1) if width.isdigit() else f"{width}-1"
    return f"{direction} [{last}:0] {name}"

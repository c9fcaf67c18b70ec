"""A step that Yosys 0.23 lacks for the ECP5: registers into the multipliers' own.

Yosys leaves the registers around a multiplication outside of the MULT18X18D, so the multiplier
works on top of the wires to and from it: 3.9 ns of a 10 ns clock.  The hardware has registers at
the multiplier's inputs and outputs for just that.
"""

import collections

#: The multiplier's buses and their widths.
_INPUTS = {"A": 18, "B": 18}
_OUTPUT = ("P", 36)


def absorb_registers(module: dict) -> int:
    """Move registers into the multipliers of a module of a Yosys JSON netlist, in place.

    A multiplier is changed if every bit of both operands comes from a plain flip-flop (no enable,
    no reset, initially 0) or is constant, and every used bit of its product goes to a plain
    flip-flop and nowhere else, all with one clock.  Flip-flops that nobody reads any more are
    removed.

    Returns the number of changed multipliers.
    """
    cells = module["cells"]
    by_input, by_output = {}, {}
    for name, cell in cells.items():
        if _is_plain(cell):
            by_input[_bit(cell, "DI")] = by_output[_bit(cell, "Q")] = name
    readers = _readers(module)
    multipliers = [cell for cell in cells.values() if cell["type"] == "MULT18X18D"]
    return sum(_absorb(cells, cell, by_input, by_output, readers) for cell in multipliers)


def _absorb(cells, multiplier, by_input, by_output, readers):
    """Move the registers of one multiplier if it has them; return whether it has."""
    operands = [f"{bus}{n}" for bus, width in _INPUTS.items() for n in range(width)]
    operands = [port for port in operands if isinstance(_bit(multiplier, port), int)]
    products = [f"{_OUTPUT[0]}{n}" for n in range(_OUTPUT[1])]
    products = [port for port in products if readers[_bit(multiplier, port)]]
    sources = [by_output.get(_bit(multiplier, port)) for port in operands]
    sinks = [by_input.get(_bit(multiplier, port)) for port in products]
    if None in sources + sinks or any(readers[_bit(multiplier, port)] != 1 for port in products):
        return False
    clocks = {_bit(cells[name], "CLK") for name in sources + sinks}
    if len(clocks) != 1:
        return False

    inner = {port: _bit(cells[name], "DI") for port, name in zip(operands, sources, strict=True)}
    for port, name in zip(operands, sources, strict=True):
        readers[_bit(multiplier, port)] -= 1
        readers[inner[port]] += 1
        multiplier["connections"][port] = [inner[port]]
        if not readers[_bit(cells[name], "Q")]:
            _remove(cells, name, by_input, by_output, readers)
    for port, name in zip(products, sinks, strict=True):
        multiplier["connections"][port] = cells[name]["connections"]["Q"]
        _remove(cells, name, by_input, by_output, readers)
    for register in ("INPUTA", "INPUTB", "OUTPUT"):
        multiplier["parameters"] |= {
            f"REG_{register}_CLK": "CLK0", f"REG_{register}_CE": "CE0",
            f"REG_{register}_RST": "RST0",
        }  # fmt: skip
    for port, bit in (("CLK0", *clocks), ("CE0", "1"), ("RST0", "0")):
        multiplier["connections"][port] = [bit]
        multiplier["port_directions"][port] = "input"
    return True


def _remove(cells, name, by_input, by_output, readers):
    """Remove a flip-flop; whatever it read is read once less."""
    cell = cells.pop(name)
    readers[_bit(cell, "DI")] -= 1
    del by_output[_bit(cell, "Q")]
    if by_input.get(_bit(cell, "DI")) == name:
        del by_input[_bit(cell, "DI")]


def _is_plain(cell):
    """Whether a cell is a flip-flop that takes its input in every cycle, and is 0 at first."""
    if cell["type"] != "TRELLIS_FF":
        return False
    parameters = cell["parameters"]
    return (
        parameters["CEMUX"].strip() == "1"
        and parameters["CLKMUX"] == "CLK"
        and parameters["REGSET"] == "RESET"
        and _bit(cell, "LSR") == "0"
        and isinstance(_bit(cell, "DI"), int)
    )


def _readers(module):
    """How many inputs of cells and outputs of the module read each bit."""
    readers = collections.Counter()
    for cell in module["cells"].values():
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] != "output":
                readers.update(bit for bit in bits if isinstance(bit, int))
    for port in module["ports"].values():
        if port["direction"] != "input":
            readers.update(bit for bit in port["bits"] if isinstance(bit, int))
    return readers


def _bit(cell, port):
    """The one bit of a port; a missing port reads "x"."""
    return cell["connections"].get(port, ["x"])[0]

"""A step that Yosys 0.23 lacks for the ECP5: registers into the multipliers' own.

Yosys leaves the registers around a multiplication outside of the MULT18X18D, so the multiplier
works on top of the wires to and from it: 3.9 ns of a 10 ns clock.  The hardware has registers at
the multiplier's inputs and outputs for just that.
"""

import collections

#: The multiplier's buses and their widths.
_INPUTS = {"A": 18, "B": 18}
_OUTPUT = ("P", 36)
#: A LUT4's contents: bit n is its output for inputs D, C, B, A that spell n.
_A_AND_NOT_B = 0x2222


def absorb_registers(module: dict) -> int:
    """Move registers into the multipliers of a module of a Yosys JSON netlist, in place.

    A multiplier is changed if every bit of both operands comes from a flip-flop or is constant,
    and every used bit of its product goes to a flip-flop and nowhere else, all with one clock and
    initially 0, those behind it without a reset and with one enable or none.

    The operands' flip-flops move, too, if they have no enable and none of them holds a sum: between
    the end of a carry chain and a multiplier, which lies where it lies, a register is needed
    halfway.  Their synchronous resets become gates at their inputs: Yosys makes resets of plain
    logic.  Flip-flops that nobody reads any more are removed.

    Returns the number of changed multipliers.
    """
    cells = module["cells"]
    by_input, by_output = {}, {}
    for name, cell in cells.items():
        if _is_flipflop(cell):
            by_output[_bit(cell, "Q")] = name
            if _bit(cell, "LSR") == "0":
                by_input[_bit(cell, "DI")] = name
    readers = _readers(module)
    sums = {
        bit
        for cell in cells.values()
        if cell["type"] == "CCU2C"
        for port in ("S0", "S1")
        for bit in cell["connections"].get(port, ())
    }
    multipliers = [cell for cell in cells.values() if cell["type"] == "MULT18X18D"]
    return sum(_absorb(cells, cell, by_input, by_output, readers, sums) for cell in multipliers)


def _absorb(cells, multiplier, by_input, by_output, readers, sums):
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
    enables = {_enable(cells[name]) for name in sinks}
    if len(clocks) != 1 or len(enables) != 1:
        return False

    registers = ["OUTPUT"]
    if all(_enable(cells[name]) == "1" for name in sources) and not any(
        _bit(cells[name], "DI") in sums for name in sources
    ):
        registers += ["INPUTA", "INPUTB"]
        _absorb_operands(cells, multiplier, operands, sources, (by_input, by_output, readers))
    for port, name in zip(products, sinks, strict=True):
        multiplier["connections"][port] = cells[name]["connections"]["Q"]
        _remove(cells, name, by_input, by_output, readers)
    (enable,) = enables
    for register in registers:
        enabled_by = "CE0" if enable == "1" or register != "OUTPUT" else "CE1"
        multiplier["parameters"] |= {
            f"REG_{register}_CLK": "CLK0", f"REG_{register}_CE": enabled_by,
            f"REG_{register}_RST": "RST0",
        }  # fmt: skip
    enabled = {} if enable == "1" else {"CE1": enable}
    for port, bit in ({"CLK0": clocks.pop(), "CE0": "1", "RST0": "0"} | enabled).items():
        multiplier["connections"][port] = [bit]
        multiplier["port_directions"][port] = "input"
    return True


def _absorb_operands(cells, multiplier, operands, sources, index):
    """Let the multiplier read what the registers in front of it read."""
    readers = index[-1]
    inner = {name: _input_of(cells, name, readers) for name in sorted(set(sources))}
    for port, name in zip(operands, sources, strict=True):
        readers[_bit(multiplier, port)] -= 1
        readers[inner[name]] += 1
        multiplier["connections"][port] = [inner[name]]
        if not readers[_bit(cells[name], "Q")]:
            _remove(cells, name, *index)


def _input_of(cells, name, readers):
    """The bit that a flip-flop takes over: its input, cleared by its reset if it has one."""
    value, reset = _bit(cells[name], "DI"), _bit(cells[name], "LSR")
    if reset == "0":
        return value
    gate = f"{name}$cleared"
    if gate not in cells:
        result = max(readers) + 1
        cells[gate] = {
            "hide_name": 1,
            "type": "LUT4",
            "parameters": {"INIT": f"{_A_AND_NOT_B:016b}"},
            "attributes": {},
            "port_directions": dict.fromkeys("ABCD", "input") | {"Z": "output"},
            "connections": {"A": [value], "B": [reset], "C": ["0"], "D": ["0"], "Z": [result]},
        }
        readers.update([value, reset])
        readers[result] = 0
    return _bit(cells[gate], "Z")


def _remove(cells, name, by_input, by_output, readers):
    """Remove a flip-flop; whatever it read is read once less."""
    cell = cells.pop(name)
    readers[_bit(cell, "DI")] -= 1
    del by_output[_bit(cell, "Q")]
    if by_input.get(_bit(cell, "DI")) == name:
        del by_input[_bit(cell, "DI")]


def _is_flipflop(cell):
    """Whether a cell is a flip-flop that is 0 at first, at most with an enable and a reset."""
    if cell["type"] != "TRELLIS_FF":
        return False
    parameters = cell["parameters"]
    return (
        parameters["CEMUX"].strip() in ("1", "CE")
        and parameters["CLKMUX"] == "CLK"
        and parameters["REGSET"] == "RESET"
        and parameters["LSRMUX"] == "LSR"
        and parameters.get("SRMODE", "LSR_OVER_CE") == "LSR_OVER_CE"
        and isinstance(_bit(cell, "DI"), int)
    )


def _enable(cell):
    """The bit that enables a flip-flop; "1" if it has no enable."""
    return _bit(cell, "CE") if cell["parameters"]["CEMUX"] == "CE" else "1"


def _readers(module):
    """How many inputs of cells and outputs of the module read each bit, also where none does."""
    readers = collections.Counter()
    for cell in module["cells"].values():
        for port, bits in cell["connections"].items():
            reads = int(cell["port_directions"][port] != "output")
            for bit in bits:
                if isinstance(bit, int):
                    readers[bit] += reads
    for port in module["ports"].values():
        if port["direction"] != "input":
            readers.update(bit for bit in port["bits"] if isinstance(bit, int))
    return readers


def _bit(cell, port):
    """The one bit of a port; a missing port reads "x"."""
    return cell["connections"].get(port, ["x"])[0]

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

    A multiplier is changed if every bit of both operands comes from a plain flip-flop (no enable,
    no reset, initially 0) or is constant, and every used bit of its product goes to a plain
    flip-flop and nowhere else, all with one clock.  An operand's flip-flop may have a synchronous
    reset, which becomes a gate at its input: Yosys makes resets of plain logic.  Flip-flops that
    nobody reads any more are removed.

    Returns the number of changed multipliers.
    """
    cells = module["cells"]
    by_input, by_output = {}, {}
    for name, cell in cells.items():
        if _is_simple(cell):
            by_output[_bit(cell, "Q")] = name
            if _bit(cell, "LSR") == "0":
                by_input[_bit(cell, "DI")] = name
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

    inner = {name: _input_of(cells, name, readers) for name in sorted(set(sources))}
    for port, name in zip(operands, sources, strict=True):
        readers[_bit(multiplier, port)] -= 1
        readers[inner[name]] += 1
        multiplier["connections"][port] = [inner[name]]
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


def _is_simple(cell):
    """Whether a cell is a flip-flop without enable, at most with a reset, and is 0 at first."""
    if cell["type"] != "TRELLIS_FF":
        return False
    parameters = cell["parameters"]
    return (
        parameters["CEMUX"].strip() == "1"
        and parameters["CLKMUX"] == "CLK"
        and parameters["REGSET"] == "RESET"
        and parameters["LSRMUX"] == "LSR"
        and parameters.get("SRMODE", "LSR_OVER_CE") == "LSR_OVER_CE"
        and isinstance(_bit(cell, "DI"), int)
    )


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

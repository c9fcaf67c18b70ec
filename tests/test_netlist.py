"""Registers into multipliers: a netlist before and after, clocked side by side."""

import copy
import random

import pytest

from accel.netlist import absorb_registers

PLAIN = {"CEMUX": "1 ", "CLKMUX": "CLK", "GSR": "DISABLED", "LSRMUX": "LSR", "REGSET": "RESET"}
CLK, A, B, LEFT, RIGHT, P, Y = 2, 10, 20, 30, 40, 50, 90


def flipflop(d, q, **parameters):
    return {
        "type": "TRELLIS_FF",
        "parameters": PLAIN | parameters,
        "port_directions": {"CLK": "input", "DI": "input", "LSR": "input", "Q": "output"},
        "connections": {"CLK": [CLK], "DI": [d], "LSR": ["0"], "Q": [q]},
    }


def enable(cell, bit):
    cell["parameters"]["CEMUX"] = "CE"
    cell["port_directions"]["CE"] = "input"
    cell["connections"]["CE"] = [bit]


def machine(change=lambda cells: None):
    """Two 4-bit operands in registers, their product in registers."""
    multiplier = {"type": "MULT18X18D", "parameters": {}, "port_directions": {}, "connections": {}}
    for bus, base, used, width in (("A", LEFT, 4, 18), ("B", RIGHT, 4, 18), ("P", P, 8, 36)):
        for n in range(width):
            bit = base + n if n < used else "x" if bus == "P" else "0"
            multiplier["connections"][f"{bus}{n}"] = [bit]
            multiplier["port_directions"][f"{bus}{n}"] = "output" if bus == "P" else "input"
    cells = {"multiplier": multiplier}
    for name, d, q, width in (("a", A, LEFT, 4), ("b", B, RIGHT, 4), ("y", P, Y, 8)):
        cells |= {f"{name}{n}": flipflop(d + n, q + n) for n in range(width)}
    change(cells)
    ports = {
        "a": {"direction": "input", "bits": [A + n for n in range(4)]},
        "b": {"direction": "input", "bits": [B + n for n in range(4)]},
        "y": {"direction": "output", "bits": [Y + n for n in range(8)]},
    }
    return {"cells": cells, "ports": ports}


def read(bits, bit):
    return bits[bit] if isinstance(bit, int) else int(bit)


def next_value(cell, bits):
    held, value, reset = (read(bits, cell["connections"][port][0]) for port in ("Q", "DI", "LSR"))
    enabled = read(bits, cell["connections"].get("CE", ["1"])[0])
    return 0 if reset else value if enabled else held


def lut(cell, bits):
    index = sum(read(bits, cell["connections"][port][0]) << n for n, port in enumerate("ABCD"))
    return int(cell["parameters"]["INIT"], 2) >> index & 1


def simulate(module, inputs):
    """The output y in each cycle, of a multiplier with or without registers at either side."""
    bits, result = dict.fromkeys(range(100), 0), []
    multiplier = module["cells"]["multiplier"]
    inside = "REG_OUTPUT_CLK" in multiplier["parameters"]
    operands_inside = "REG_INPUTA_CLK" in multiplier["parameters"]
    assert operands_inside == ("REG_INPUTB_CLK" in multiplier["parameters"])

    def value(bus, width):
        wires = (multiplier["connections"][f"{bus}{n}"][0] for n in range(width))
        return sum(read(bits, bit) << n for n, bit in enumerate(wires))

    def drive(product):
        for n in range(8):
            bits[multiplier["connections"][f"P{n}"][0]] = product >> n & 1

    operands = (0, 0)
    for a, b in inputs:
        bits |= {A + n: a >> n & 1 for n in range(4)} | {B + n: b >> n & 1 for n in range(4)}
        for cell in module["cells"].values():
            if cell["type"] == "LUT4":
                bits[cell["connections"]["Z"][0]] = lut(cell, bits)
        if not inside:
            drive(value("A", 18) * value("B", 18))
        result.append(sum(bits[bit] << n for n, bit in enumerate(module["ports"]["y"]["bits"])))
        following = {
            cell["connections"]["Q"][0]: next_value(cell, bits)
            for cell in module["cells"].values()
            if cell["type"] == "TRELLIS_FF"
        }
        sampled = value("A", 18), value("B", 18)
        bits |= following
        if inside:
            left, right = operands if operands_inside else sampled
            drive(left * right)
            operands = sampled
    return result


def test_the_same_outputs_in_the_same_cycles():
    rng = random.Random(1)
    inputs = [(rng.randrange(16), rng.randrange(16)) for _ in range(40)]
    before = machine()
    after = copy.deepcopy(before)
    assert absorb_registers(after) == 1
    assert list(after["cells"]) == ["multiplier"]
    assert after["cells"]["multiplier"]["connections"]["CLK0"] == [CLK]
    assert simulate(after, inputs) == simulate(before, inputs)
    assert len(set(simulate(before, inputs))) > 10


def test_an_operands_reset_becomes_a_gate():
    def reset_some(cells):
        for name in ("a1", "a3", "b0"):
            cells[name]["connections"]["LSR"] = [B + 2]

    rng = random.Random(2)
    inputs = [(rng.randrange(16), rng.randrange(16)) for _ in range(40)]
    before = machine(reset_some)
    after = copy.deepcopy(before)
    assert absorb_registers(after) == 1
    assert sorted(after["cells"]) == ["a1$cleared", "a3$cleared", "b0$cleared", "multiplier"]
    assert simulate(after, inputs) == simulate(before, inputs)
    assert simulate(before, inputs) != simulate(machine(), inputs)


def hold_a_sum(cells):
    cells["adder"] = {
        "type": "CCU2C", "parameters": {}, "connections": {"S0": [B], "S1": [A + 1]},
        "port_directions": {"S0": "output", "S1": "output"},
    }  # fmt: skip


def hold_on_enable(cells):
    enable(cells["a2"], B + 3)


@pytest.mark.parametrize("change", [hold_a_sum, hold_on_enable])
def test_operands_with_a_sum_or_an_enable_stay_outside(change):
    rng = random.Random(3)
    inputs = [(rng.randrange(16), rng.randrange(16)) for _ in range(40)]
    before = machine(change)
    after = copy.deepcopy(before)
    assert absorb_registers(after) == 1
    assert {name for name in after["cells"] if name[0] == "a" and name[1:].isdigit()} == {
        "a0", "a1", "a2", "a3"
    }  # fmt: skip
    assert simulate(after, inputs) == simulate(before, inputs)


def test_the_products_enable_becomes_the_multipliers():
    def enable_all(cells):
        for n in range(8):
            enable(cells[f"y{n}"], 5)

    module = machine(enable_all)
    assert absorb_registers(module) == 1
    multiplier = module["cells"]["multiplier"]
    assert multiplier["parameters"]["REG_OUTPUT_CE"] == "CE1"
    assert multiplier["parameters"]["REG_INPUTA_CE"] == "CE0"
    assert multiplier["connections"]["CE1"] == [5]
    assert multiplier["connections"]["CE0"] == ["1"]


def test_a_register_that_others_read_stays():
    module = machine()
    module["ports"]["also"] = {"direction": "output", "bits": [LEFT + 2]}
    assert absorb_registers(module) == 1
    assert set(module["cells"]) == {"multiplier", "a2"}


def refuse_reset(cells):
    cells["y1"]["connections"]["LSR"] = [5]


def refuse_two_enables(cells):
    enable(cells["y3"], 5)


def refuse_set(cells):
    cells["y0"]["parameters"]["REGSET"] = "SET"


def refuse_another_clock(cells):
    cells["y5"]["connections"]["CLK"] = [3]


def refuse_no_register(cells):
    del cells["a0"]


def refuse_second_reader(cells):
    cells["more"] = flipflop(P + 7, 99)


@pytest.mark.parametrize(
    "change",
    [refuse_reset, refuse_two_enables, refuse_set, refuse_another_clock, refuse_no_register,
     refuse_second_reader],
)  # fmt: skip
def test_other_registers_are_left_alone(change):
    module = machine(change)
    before = copy.deepcopy(module)
    assert absorb_registers(module) == 0
    assert module == before

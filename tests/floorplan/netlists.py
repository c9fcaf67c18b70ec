"""Small netlists as Yosys writes them for an ECP5."""

import numpy as np

CLOCK = 2


def netlist(multipliers: int, memories: int, width: int = 8) -> dict:
    """A chain: each multiplier or memory takes what the one before it gave, by LUT and flip-flop.

    The cells are not in the chain's order (:func:`chain`), so theirs says nothing about wires.
    """
    kinds = ["MULT18X18D"] * multipliers + ["DP16KD"] * memories
    cells = {}
    for number, place in enumerate(_places(len(kinds))):
        base = 1000 * (place + 1)
        cells[f"macro{number}"] = _cell(kinds[number], **{
            f"A{n}": base + n for n in range(width)} | {
            f"P{n}": base + 100 + n for n in range(width)})  # fmt: skip
        for n in range(width):
            cells[f"lut{number}_{n}"] = _cell("LUT4", A=base + 100 + n, Z=base + 200 + n)
            cells[f"ff{number}_{n}"] = _cell(
                "TRELLIS_FF", CLK=CLOCK, DI=base + 200 + n, Q=base + 1000 + n
            )
    return {"cells": cells, "ports": {}}


def chain(count: int) -> list[str]:
    """The names of a netlist's ``count`` multipliers and memories, from one end to the other."""
    return [f"macro{number}" for number in np.argsort(_places(count))]


def _places(count):
    """Of each macro, its place in the chain."""
    stride = next(n for n in (7, 5, 3, 2, 1) if count % n or n == 1)
    return [number * stride % count for number in range(count)]


def _cell(kind, **connections):
    return {
        "type": kind,
        "parameters": {},
        "attributes": {},
        "port_directions": {
            port: "output" if port[0] in "PQZ" else "input" for port in connections
        },
        "connections": {port: [bit] for port, bit in connections.items()},
    }

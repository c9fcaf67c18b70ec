"""A part of a netlist twice, once with a mutant, and whether anything that is observed differs.

Sound, but not complete: registers far away are free inputs, memories are, and who proves that no
observed place differs has proved that the mutant changes nothing.  Observed are the next values of
registers, what is read from and written to memories, and the machine's outputs, where they count.
"""

import collections
import functools

from tests.mutation.graph import REGISTERS, Netlist
from tests.mutation.netlist import Mutant

#: Payloads of the machine's ports only count beside their valid.
_COUNTS = {"m_axi_ar": "m_axi_arvalid", "m_axi_aw": "m_axi_awvalid", "m_axi_w": "m_axi_wvalid",
           "s_axil_r": "s_axil_rvalid", "s_axil_b": "s_axil_bvalid"}  # fmt: skip


class Window:
    """The part of the netlist around a mutant.

    Parameters:
        net: all of it.
        mutant: of this netlist.
        apart: how many registers, one behind the other, may differ between the two.
        behind: on how many registers, one in front of the other, depends what is looked at; those
            that are further away are free.
    """

    def __init__(self, net: Netlist, mutant: Mutant, apart: int, behind: int):
        self._net, self._mutant, self._behind = net, mutant, behind
        self._apart: set[str] = set()
        for _ in range(apart):
            self._apart |= {name for name in self._reach()[1] if net.kind(name) in REGISTERS}
        self._changed, self._touched = self._reach()
        self._offset = net.most + 2
        self._fresh = 2 * self._offset
        self._cells: dict[str, dict] = {}

    @property
    def size(self) -> int:
        """Cells of which there are two."""
        return len(self._touched | self._apart)

    def _reach(self) -> tuple[set[int], set[str]]:
        """Bits that may differ, and the cells that read such bits, or of which one does."""
        net, mutant = self._net, self._mutant
        inputs = net.ports(mutant.cell, "input")
        touched, work = set(), [bit for name in self._apart for bit in net.driven(name)]
        if mutant.port not in inputs:
            work.append(net.ports(mutant.cell, "output")[mutant.port][mutant.bit])
        else:
            touched.add(mutant.cell)
            work += net.driven(mutant.cell) * net.passes(mutant.cell)
        changed = set(work)
        while work:
            for name in net.readers.get(work.pop(), ()):
                touched.add(name)
                if net.passes(name):
                    new = [bit for bit in net.driven(name) if bit not in changed]
                    changed.update(new)
                    work += new
        return changed, touched

    def module(self) -> dict:
        """A module, as Yosys reads it as JSON: ``bad`` says that something observed differs,
        ``equal`` that the registers that may differ do not."""
        for name in sorted(self._touched | self._apart | {self._mutant.cell}):
            self._second(name)
        differing = [self._differs(name) for name in sorted(self._touched - self._apart)
                     if not self._net.passes(name)]  # fmt: skip
        differing += self._outputs()
        equal = [self._gate("$not", self._unequal(*(
            self._cells[f"second_{name}"]["connections"]["Q"] if second
            else self._net.ports(name, "output")["Q"] for second in (False, True)
        ))) for name in sorted(self._apart)]  # fmt: skip
        bad, same = self._any([one for one in differing if one]), self._all(equal)
        free = self._first()
        ports = {"bad": {"direction": "output", "bits": [bad]},
                 "equal": {"direction": "output", "bits": [same]},
                 "clk": {"direction": "input", "bits": [self._clock]},
                 "free": {"direction": "input", "bits": sorted(free)}}  # fmt: skip
        return {"modules": {"window": {"attributes": {"top": 1}, "ports": ports,
                                       "cells": self._cells, "netnames": {}}}}  # fmt: skip

    @functools.cached_property
    def _clock(self) -> int:
        return next(cell["connections"]["CLK"][0] for cell in self._net.cells.values()
                    if cell["type"] in REGISTERS)  # fmt: skip

    def _new(self, count: int = 1) -> list[int]:
        self._fresh += count
        return [*range(self._fresh - count, self._fresh)]

    def _gate(self, kind: str, *inputs, width: int = 1, **parameters) -> list[int]:
        """Add a cell that combines; returns its output."""
        output = self._new(width)
        ports = dict(zip("ABS", inputs, strict=False))
        names = {"$mux": {"WIDTH": width}}.get(kind) or {
            f"{port}_{what}": len(bits) if what == "WIDTH" else 0
            for port, bits in ports.items() for what in ("WIDTH", "SIGNED")
        } | {"Y_WIDTH": width}  # fmt: skip
        self._cells[f"new{output[0]}"] = {
            "type": kind, "parameters": names | parameters, "attributes": {},
            "port_directions": dict.fromkeys(ports, "input") | {"Y": "output"},
            "connections": ports | {"Y": output},
        }  # fmt: skip
        return output

    def _unequal(self, one: list, other: list) -> list[int]:
        return self._gate("$ne", list(one), list(other))

    def _any(self, bits: list[list[int]]) -> int:
        return self._gate("$reduce_or", [bit for (bit,) in bits] or ["0"])[0]

    def _all(self, bits: list[list[int]]) -> int:
        return self._gate("$reduce_and", [bit for (bit,) in bits] or ["1"])[0]

    def _other(self, bits: list) -> list:
        """The second copy's bits."""
        return [bit + self._offset if bit in self._changed else bit for bit in bits]

    def _mutated(self, bits: list) -> list:
        """A port's bits with the mutant's change."""
        mutant, bits = self._mutant, list(bits)
        value, mode = [bits[mutant.bit]], mutant.mode
        inverted = self._gate("$not", value)
        if mode in ("const0", "const1"):
            changed = [mode[-1]]
        elif mode == "inv":
            changed = inverted
        else:
            control = [bits[mutant.control]]
            pair = (value, inverted) if mode == "cnot1" else (inverted, value)
            changed = self._gate("$mux", *pair, control)
        bits[mutant.bit] = changed[0]
        return bits

    def _inputs(self, name: str) -> dict[str, list]:
        """What the second copy of a cell reads."""
        ports = {port: self._other(bits) for port, bits in self._net.ports(name, "input").items()}
        if name == self._mutant.cell and self._mutant.port in ports:
            ports[self._mutant.port] = self._mutated(ports[self._mutant.port])
        return ports

    def _second(self, name: str) -> None:
        """Add the second copy of a cell, if it drives something that may differ."""
        net = self._net
        if not (net.passes(name) or name in self._apart):
            return
        if net.kind(name) == "$memrd":
            self._read_again(name)
            return
        cell = net.cells[name]
        outputs = {port: self._other(bits) for port, bits in net.ports(name, "output").items()}
        clock = {"CLK": [self._clock]} if "CLK" in cell["connections"] else {}
        copy = dict(cell, connections=self._inputs(name) | outputs | clock)
        self._cells[f"second_{name}"] = copy
        self._change_output(name, copy["connections"])

    def _change_output(self, name: str, connections: dict[str, list]) -> None:
        """Where a cell's output has the mutant, let it drive another bit, which is changed."""
        mutant = self._mutant
        if name != mutant.cell or mutant.port in self._net.ports(name, "input"):
            return
        bits = [*connections[mutant.port]]
        wanted, bits[mutant.bit] = bits[mutant.bit], self._new()[0]
        connections[mutant.port] = bits
        self._buffer(self._mutated(bits)[mutant.bit], wanted)

    def _buffer(self, source, target: int) -> None:
        self._cells[f"to_{target}"] = {
            "type": "$pos", "parameters": {"A_WIDTH": 1, "A_SIGNED": 0, "Y_WIDTH": 1},
            "attributes": {}, "port_directions": {"A": "input", "Y": "output"},
            "connections": {"A": [source], "Y": [target]},
        }  # fmt: skip

    def _read_again(self, name: str) -> None:
        """A memory that is read at another address has anything there."""
        first, second = self._net.ports(name, "input"), self._inputs(name)
        data = self._net.ports(name, "output")["DATA"]
        differs = self._unequal(first["ADDR"], second["ADDR"])
        read = self._gate("$mux", data, self._new(len(data)), differs, width=len(data))
        connections = {"DATA": self._other(data)}
        self._change_output(name, connections)
        for source, target in zip(read, connections["DATA"], strict=True):
            if not isinstance(target, str):
                self._buffer(source, target)

    def _differs(self, name: str) -> list[int]:
        """Whether what a register or memory takes differs."""
        first, second = self._net.ports(name, "input"), self._inputs(name)
        if self._net.kind(name) in REGISTERS:
            return self._unequal(self._next(name, first), self._next(name, second))
        enable = first["EN"]
        found = [self._unequal(enable, second["EN"])]
        if "DATA" in first:
            found += [self._unequal(*(self._gate("$and", one["DATA"], enable, width=len(enable))
                                      for one in (first, second)))]  # fmt: skip
        used = self._gate("$reduce_or", enable)
        found.append(self._gate("$and", used, self._unequal(first["ADDR"], second["ADDR"])))
        return [self._any(found)]

    def _next(self, name: str, ports: dict[str, list]) -> list:
        """A register's next value."""
        cell = self._net.cells[name]
        kind, width = cell["type"], len(ports["D"])
        value, kept = ports["D"], self._net.ports(name, "output")["Q"]
        clears = [*reversed(_binary(cell["parameters"].get("SRST_VALUE", 0), width))]

        def chosen(port, one, other):
            if port not in ports:
                return one
            asked = ports[port]
            if not int(str(cell["parameters"][f"{port}_POLARITY"]), 2):
                asked = self._gate("$not", asked)
            return self._gate("$mux", one, other, asked, width=width)

        if kind == "$sdffce":
            return chosen("EN", kept, chosen("SRST", value, clears))
        held = chosen("EN", kept, value) if "EN" in ports else value
        return chosen("SRST", held, clears)

    def _outputs(self) -> list[list[int]]:
        """Whether an output of the machine differs that counts."""
        found = []
        for name, bits in self._net.outputs.items():
            other = self._other(bits)
            if other == bits:
                continue
            differs = self._unequal(bits, other)
            valid = next((valid for start, valid in _COUNTS.items() if name.startswith(start)
                          and name != valid and not name.endswith("ready")), None)  # fmt: skip
            if valid:
                differs = self._gate("$and", differs, self._net.outputs[valid])
            found.append(differs)
        return found

    def _first(self) -> set[int]:
        """Add the first copy of all that is looked at; returns the bits that are free."""
        net, free, seen = self._net, set(), set()
        driven = {bit for cell in self._cells.values() for port, bits in
                  cell["connections"].items() if cell["port_directions"][port] == "output"
                  for bit in bits}  # fmt: skip
        work = collections.deque(
            (bit, 0) for cell in self._cells.values() for port, bits in cell["connections"].items()
            if cell["port_directions"][port] == "input" and port != "CLK"
            for bit in bits if not isinstance(bit, str) and bit not in driven
        )  # fmt: skip
        while work:
            bit, level = work.popleft()
            if bit in seen:
                continue
            seen.add(bit)
            name = net.driver.get(bit)
            register = name is not None and net.kind(name) in REGISTERS
            if name is None or net.kind(name) in ("memory", "$memrd") or (
                register and level == self._behind and name not in self._apart
            ):  # fmt: skip
                free.add(bit)
                continue
            self._cells[f"first_{name}"] = net.cells[name]
            seen.update(net.driven(name))
            new = [(one, level + register) for one in net.read(name)]
            work.extend(new) if register else work.extendleft(new)
        return free


def _binary(value, width: int) -> str:
    """A parameter's bits, the highest first."""
    return value.zfill(width) if isinstance(value, str) else f"{value:0{width}b}"

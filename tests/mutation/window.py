"""A part of a netlist twice, once with a mutant, and whether anything that is observed differs.

Sound, but not complete: registers far away are free inputs, memories are, and who proves that no
observed place differs has proved that the mutant changes nothing.  Observed are the next values of
registers, what is read from and written to memories, and the machine's outputs, where they count.
"""

import collections
import functools

from tests.mutation.cells import Cells
from tests.mutation.graph import REGISTERS, Netlist
from tests.mutation.netlist import Mutant
from tests.mutation.reach import Reach

#: Payloads of the machine's ports only count beside their valid.
_COUNTS = {"m_axi_ar": "m_axi_arvalid", "m_axi_aw": "m_axi_awvalid", "m_axi_w": "m_axi_wvalid",
           "s_axil_r": "s_axil_rvalid", "s_axil_b": "s_axil_bvalid"}  # fmt: skip


class Window(Reach, Cells):
    """The part of the netlist around a mutant.

    Parameters:
        net: all of it.
        mutant: of this netlist.
        apart: how many registers, one behind the other, may differ between the two.
        behind: on how many registers, one in front of the other, depends what is looked at; those
            that are further away are free.
        through: whether words of memories may differ, too: in some bits, and only while other
            bits of the word are what ``guards`` says; at first, all that could be said.
    """

    def __init__(self, net: Netlist, mutant: Mutant, apart: int, behind: int,
                 through: bool = False):  # fmt: skip
        Reach.__init__(self, net, mutant, apart, through)
        self._offset = net.most + 2
        Cells.__init__(self, 2 * self._offset)
        self._behind = behind
        self.guards = {(owner, place, value) for owner, (word, places) in self._words().items()
                       for place, bit in enumerate(word)
                       if place not in places and not isinstance(bit, str)
                       for value in "01"}  # fmt: skip

    def _guarded(self, memory: str, word: list) -> list[int]:
        """Whether a word is one of those that may differ."""
        asked = sorted((place, value) for name, place, value in self.guards if name == memory)
        return self._gate("$eq", [word[place] for place, _ in asked] or ["0"],
                          [value for _, value in asked] or ["0"])  # fmt: skip

    def _violated(self, guard: tuple[str, int, str]) -> list[int]:
        """Whether a word is written that differs, and of which this does not hold."""
        memory, place, value = guard
        if memory in self._apart:
            return self._loses(*guard)
        found = []
        for name in self._net.memories[memory][0]:
            if name in self._touched:
                broken = self._unequal([self._data(name)[place]], [value])
                found.append(self._gate("$and", self._written_apart(name), broken))
        return [self._any(found)]

    def _loses(self, name: str, place: int, value: str) -> list[int]:
        """Whether a register's next values differ, and this does not hold of them."""
        kept = self._net.ports(name, "output")["Q"]
        first = self._next(self._net.cells[name], self._net.ports(name, "input"), kept)
        second = self._next(self._net.cells[name], self._inputs(name), self._other(kept))
        _, places = self._words()[name]
        differs = self._unequal(*([word[n] for n in sorted(places)] or ["0"]
                                  for word in (first, second)))  # fmt: skip
        return self._gate("$and", differs, self._unequal([first[place]], [value]))

    def _written_apart(self, name: str) -> list[int]:
        """Whether a word is written of which a bit differs that may."""
        first, second = self._net.ports(name, "input"), self._inputs(name)
        places = sorted(self._places[self._net.cells[name]["parameters"]["MEMID"]])
        one, other, enable = ([ports[port][place] for place in places] for ports, port in
                              ((first, "DATA"), (second, "DATA"), (first, "EN")))  # fmt: skip
        pair = (self._gate("$and", bits, enable, width=len(places)) for bits in (one, other))
        return self._unequal(*pair)

    def site(self) -> dict:
        """A module in which ``bad`` says that the mutant would change its bit at all."""
        cell = self._net.cells[self._mutant.cell]
        bits = cell["connections"][self._mutant.port]
        return self._whole([self._unequal(bits, self._mutated(bits))], [])

    def module(self) -> dict:
        """A module, as Yosys reads it as JSON: ``bad`` says that something observed differs,
        ``equal`` that the registers that may differ do not, and are at their beginning;
        ``violated`` which guards, in their order, do not hold."""
        self._cells.clear()
        readers = {name for memory in self._places or () for name in self._net.memories[memory][1]}
        for name in sorted(self._touched | self._apart | {self._mutant.cell} | readers):
            self._second(name)
        differing = [self._differs(name) for name in sorted(self._touched - self._apart)
                     if not self._net.passes(name)]  # fmt: skip
        differing += self._outputs()
        violated = [self._violated(guard) for guard in sorted(self.guards)]
        differing += violated
        equal = [self._gate("$not", self._unequal(*(
            self._cells[f"second_{name}"]["connections"]["Q"] if second
            else self._net.ports(name, "output")["Q"] for second in (False, True)
        ))) for name in sorted(self._apart)]  # fmt: skip
        module = self._whole(differing, equal)
        module["modules"]["window"]["ports"]["violated"] = {
            "direction": "output", "bits": [bit for (bit,) in violated] or ["0"]
        }  # fmt: skip
        return module

    def _whole(self, differing: list[list[int]], equal: list[list[int]]) -> dict:
        """The module around what was added so far; ``equal`` says, too, that its registers are
        what they are at first."""
        bad, free = self._any(differing), self._first()
        for name in [name for name in self._cells if name.startswith("first_")]:
            bits = self._cells[name]["connections"].get("Q", ())
            known = [bit for bit in bits if bit in self._net.init]
            if known:
                values = [self._net.init[bit] for bit in known]
                equal = [*equal, self._gate("$eq", known, values)]
        same = self._all(equal)
        ports = {"bad": {"direction": "output", "bits": [bad]},
                 "equal": {"direction": "output", "bits": [same]},
                 "clk": {"direction": "input", "bits": [self._clock]},
                 "free": {"direction": "input", "bits": sorted(free)}}  # fmt: skip
        return {"modules": {"window": {
            "attributes": {"top": 1}, "ports": ports, "cells": self._cells,
            "netnames": {},
        }}}  # fmt: skip

    def beginnings(self) -> dict:
        """Names for the registers' outputs of the module, in both copies, with what they are at
        first: for those who look at runs from the beginning on only, not for induction."""
        found = {}
        for name, cell in self._cells.items():
            copy, _, original = name.partition("_")
            if copy not in ("first", "second") or cell["type"] not in REGISTERS:
                continue
            kept = self._net.ports(original, "output")["Q"]
            text = "".join(self._net.init.get(bit, "x") for bit in reversed(kept))
            found[f"kept_{name}"] = {"hide_name": 0, "bits": cell["connections"]["Q"],
                                     "attributes": {"init": text}}  # fmt: skip
        return found

    @functools.cached_property
    def _clock(self) -> int:
        return next(cell["connections"]["CLK"][0] for cell in self._net.cells.values()
                    if cell["type"] in REGISTERS)  # fmt: skip

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
        if net.kind(name) == "$memrd" or (net.kind(name) == "memory" and not net.writes(name)):
            self._read_again(name)
            return
        if not (net.passes(name) or name in self._apart):
            self._change_kept(name)
            return
        cell = net.cells[name]
        outputs = {port: [other if other != bit else self._new()[0] for bit, other in
                          zip(bits, self._other(bits), strict=True)]
                   for port, bits in net.ports(name, "output").items()}  # fmt: skip
        clock = {"CLK": [self._clock]} if "CLK" in cell["connections"] else {}
        copy = dict(cell, connections=self._inputs(name) | outputs | clock)
        self._cells[f"second_{name}"] = copy
        if name in self._apart:
            self._keep_apart(name, copy["connections"])
        else:
            self._change_output(name, copy["connections"])

    def _keep_apart(self, name: str, connections: dict[str, list]) -> None:
        """Let a register's second copy be seen only where it may differ."""
        word = self._net.ports(name, "output")["Q"]
        connections["Q"] = self._new(len(word))
        seen = self._gate("$mux", word, connections["Q"], self._guarded(name, word),
                          width=len(word))  # fmt: skip
        if name == self._mutant.cell and self._mutant.port == "Q":
            seen = self._mutated(seen)
        for bit, source, target in zip(word, seen, self._other(word), strict=True):
            if bit != target:
                self._buffer(source, target)

    def _change_kept(self, name: str) -> None:
        """Where the output of a register that may not differ has the mutant, show that instead."""
        mutant, outputs = self._mutant, self._net.ports(name, "output")
        if name == mutant.cell and mutant.port in outputs:
            bits = outputs[mutant.port]
            self._buffer(self._mutated(bits)[mutant.bit], self._other([bits[mutant.bit]])[0])

    def _change_output(self, name: str, connections: dict[str, list]) -> None:
        """Where a cell's output has the mutant, let it drive another bit, which is changed."""
        mutant = self._mutant
        if name != mutant.cell or mutant.port in self._net.ports(name, "input"):
            return
        bits = [*connections[mutant.port]]
        wanted, bits[mutant.bit] = bits[mutant.bit], self._new()[0]
        connections[mutant.port] = bits
        self._buffer(self._mutated(bits)[mutant.bit], wanted)

    def _held(self, name: str) -> list[int]:
        """Add what a memory shows: anything that is asked for, then that until something else is;
        returns what it may be."""
        ports = self._net.cells[name]["connections"]
        found, width = self._new(len(ports["DATA"])), len(ports["DATA"])
        self._cells[f"held_{name}"] = {
            "type": "$dffe", "attributes": {},
            "parameters": {"WIDTH": width, "CLK_POLARITY": 1, "EN_POLARITY": 1},
            "port_directions": {"CLK": "input", "EN": "input", "D": "input", "Q": "output"},
            "connections": {"CLK": [self._clock], "EN": ports["EN"], "D": found,
                            "Q": ports["DATA"]},
        }  # fmt: skip
        return found

    def _read_again(self, name: str) -> None:
        """A memory that is read at another address has anything there; so have bits that may
        differ, in words that may."""
        data = self._net.ports(name, "output").get("DATA", [])
        if self._other(data) == data:
            return
        read, memory = data, self._net.cells[name]["parameters"]["MEMID"]
        places = (self._places or {}).get(memory, set())
        if places:
            other = [self._new()[0] if place in places else bit for place, bit in enumerate(data)]
            apart = self._guarded(memory, data)
            read = self._gate("$mux", data, other, apart, width=len(data))
        if self._net.kind(name) == "$memrd":
            first, second = self._net.ports(name, "input"), self._inputs(name)
            differs = self._unequal(first["ADDR"], second["ADDR"])
            read = self._gate("$mux", read, self._new(len(data)), differs, width=len(data))
        connections = {"DATA": self._other(data)}
        self._change_output(name, connections)
        for source, target, bit in zip(read, connections["DATA"], data, strict=True):
            if target != bit:
                self._buffer(source, target)

    def _differs(self, name: str) -> list[int]:
        """Whether what a register or memory takes differs."""
        first, second = self._net.ports(name, "input"), self._inputs(name)
        if self._net.kind(name) in REGISTERS:
            cell, kept = self._net.cells[name], self._net.ports(name, "output")["Q"]
            return self._unequal(*(self._next(cell, ports, kept) for ports in (first, second)))
        enable = first["EN"]
        found = [self._unequal(enable, second["EN"])]
        if "DATA" in first:
            memory = self._net.cells[name]["parameters"]["MEMID"]
            places = (self._places or {}).get(memory, set())
            kept = [place for place in range(len(enable)) if place not in places]
            one, other, used = ([ports[port][place] for place in kept] or ["0"] for ports, port in
                                ((first, "DATA"), (second, "DATA"), (first, "EN")))  # fmt: skip
            found += [self._unequal(*(self._gate("$and", bits, used, width=len(used))
                                      for bits in (one, other)))]  # fmt: skip
        used = self._gate("$reduce_or", enable)
        found.append(self._gate("$and", used, self._unequal(first["ADDR"], second["ADDR"])))
        return [self._any(found)]

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
            if name is not None and level < self._behind and net.holds(name):
                seen.update(net.driven(name))
                free.update(self._held(name))
                work.extend((one, level + 1) for one in net.cells[name]["connections"]["EN"]
                            if not isinstance(one, str))  # fmt: skip
                continue
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

"""The flat netlist that mutants are of: who drives a bit, and who reads it."""

import functools
import json
import pathlib

#: Cells of which a bit depends on the same bit of their inputs only.
_BITWISE = "$and", "$or", "$xor", "$not", "$pos"
#: Cells that keep a value.
REGISTERS = "$dff", "$dffe", "$sdff", "$sdffe", "$sdffce"


class Netlist:
    """The netlist, as Yosys writes it as JSON."""

    def __init__(self, path: pathlib.Path):
        (self.module,) = json.loads(path.read_text(encoding="utf-8"))["modules"].values()
        self.cells = self.module["cells"]
        self.driver: dict[int, str] = {}
        self.readers: dict[int, set[str]] = {}
        for name in self.cells:
            self.driver |= dict.fromkeys(self.driven(name), name)
            for bit in self.read(name):
                self.readers.setdefault(bit, set()).add(name)
        #: What registers' bits are at first.
        self.init = {bit: value for net in self.module["netnames"].values()
                     for bit, value in zip(net["bits"], reversed(net["attributes"].get("init", "")),
                                           strict=False) if value in "01"}  # fmt: skip
        self.most = max(max(self.driver), max(self.readers))

    @functools.cached_property
    def outputs(self) -> dict[str, list]:
        """The machine's outputs and their bits."""
        return {name: port["bits"] for name, port in self.module["ports"].items()
                if port["direction"] == "output"}  # fmt: skip

    def ports(self, name: str, direction: str) -> dict[str, list]:
        """A cell's ports, without the clock, and their bits."""
        cell = self.cells[name]
        return {port: bits for port, bits in cell["connections"].items()
                if cell["port_directions"][port] == direction and port != "CLK"}  # fmt: skip

    def read(self, name: str) -> list[int]:
        """The bits that a cell reads."""
        return _numbers(self.ports(name, "input"))

    def driven(self, name: str) -> list[int]:
        """The bits that a cell drives."""
        return _numbers(self.ports(name, "output"))

    def kind(self, name: str) -> str:
        """A cell's type: of memories "memory", unless it is one that can be read in a cycle."""
        cell = self.cells[name]
        kind = cell["type"]
        if kind.startswith("$memrd"):
            return "memory" if "1" in str(cell["parameters"]["CLK_ENABLE"]) else "$memrd"
        return "memory" if kind.startswith("$mem") else kind

    @functools.cached_property
    def memories(self) -> dict[str, tuple[list[str], list[str]]]:
        """By its number, the cells that write and those that read a memory."""
        found: dict[str, tuple[list[str], list[str]]] = {}
        for name, cell in self.cells.items():
            for number, kind in enumerate(("$memwr", "$memrd")):
                if cell["type"].startswith(kind):
                    found.setdefault(cell["parameters"]["MEMID"], ([], []))[number].append(name)
        return found

    def writes(self, name: str) -> bool:
        """Whether a cell writes a memory."""
        return self.cells[name]["type"].startswith("$memwr")

    def holds(self, name: str) -> bool:
        """Whether a cell reads a memory and shows the same until it is asked again."""
        ports = self.cells[name]["connections"]
        clears = [*ports.get("SRST", ()), *ports.get("ARST", ())]
        return (self.cells[name]["type"] == "$memrd_v2" and self.kind(name) == "memory"
                and len(ports["EN"]) == 1 and {*clears} <= {"0"})  # fmt: skip

    def passes(self, name: str) -> bool:
        """Whether what differs at a cell's inputs can differ at its outputs in the same cycle."""
        return self.kind(name) not in (*REGISTERS, "memory")

    def spread(self, name: str, differing: dict[str, list[int]]) -> list[int]:
        """The bits that a cell drives, or keeps, that may differ where these places of its ports
        do."""
        cell, outputs = self.cells[name], self.ports(name, "output")
        kind = cell["type"]
        if kind in REGISTERS and not differing.get("EN") and not differing.get("SRST"):
            found = [outputs["Q"][place] for place in differing.get("D", ())]
        elif kind == "$mux" and not differing.get("S"):
            found = [outputs["Y"][place] for port in "AB" for place in differing.get(port, ())]
        elif kind in _BITWISE:
            found = []
            for port, places in differing.items():
                last = len(cell["connections"][port]) - 1  # which may be the sign
                for place in places:
                    found += outputs["Y"][place : None if place == last else place + 1]
        else:
            return _numbers(outputs)
        return [bit for bit in found if not isinstance(bit, str)]


def _numbers(ports: dict[str, list]) -> list[int]:
    return [bit for bits in ports.values() for bit in bits if not isinstance(bit, str)]

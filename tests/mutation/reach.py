"""How far what a mutant changes reaches."""

from tests.mutation.graph import REGISTERS, Netlist
from tests.mutation.netlist import Mutant


class Reach:
    """The bits that may differ, and the cells that read or drive them; parameters: see Window."""

    def __init__(self, net: Netlist, mutant: Mutant, apart: int, through: bool):
        self._net, self._mutant = net, mutant
        self._apart: set[str] = set()
        self._places: dict[str, set[int]] | None = {} if through else None
        for _ in range(apart):
            self._apart |= {name for name in self._reach()[1] if net.kind(name) in REGISTERS}
        self._changed, self._touched = self._reach()

    @property
    def size(self) -> int:
        """Cells of which there are two."""
        return len(self._touched | self._apart)

    def _reach(self) -> tuple[set[int], set[str]]:
        """Bits that may differ, and the cells that read such bits, or of which one does."""
        net, mutant = self._net, self._mutant
        changed: set[int] = set()
        work, touched = [], set()

        def touch(name):
            touched.add(name)
            if net.passes(name) or name in self._apart:
                new = net.spread(name, self._differing(name, changed))
            else:
                new = self._remember(name, changed)
            new = [bit for bit in new if bit not in changed]
            changed.update(new)
            work.extend(new)

        if mutant.port in net.ports(mutant.cell, "input"):
            touch(mutant.cell)
        else:
            changed.add(net.ports(mutant.cell, "output")[mutant.port][mutant.bit])
            work.extend(changed)
        while work:
            for name in net.readers.get(work.pop(), ()):
                touch(name)
        return changed, touched

    def _differing(self, name: str, changed: set[int]) -> dict[str, list[int]]:
        """The places of a cell's inputs that may differ."""
        mutant = self._mutant
        return {
            port: [place for place, bit in enumerate(bits) if bit in changed
                   or (name, port, place) == (mutant.cell, mutant.port, mutant.bit)]
            for port, bits in self._net.ports(name, "input").items()
        }  # fmt: skip

    def _remember(self, name: str, changed: set[int]) -> list[int]:
        """The bits read from a memory that may differ as what this cell writes to it does."""
        if self._places is None or not self._net.writes(name):
            return []
        memory = self._net.cells[name]["parameters"]["MEMID"]
        writers = self._net.memories[memory][0]
        if any(len({*self._net.cells[one]["connections"]["EN"]}) > 1 for one in writers):
            return []  # parts of words: what is said of a whole one does not last
        places = {place for place, bit in enumerate(self._data(name)) if bit in changed}
        if name == self._mutant.cell and self._mutant.port == "DATA":
            places.add(self._mutant.bit)
        if places:
            self._places[memory] = places = places | self._places.get(memory, set())
        found = [self._data(reader)[place] for reader in self._net.memories[memory][1]
                 for place in places]  # fmt: skip
        return [bit for bit in found if not isinstance(bit, str)]

    def _data(self, name: str) -> list:
        return self._net.cells[name]["connections"]["DATA"]

    def _words(self) -> dict[str, tuple[list, set[int]]]:
        """What is written to memories, or kept in registers, whose words may differ, and in which
        places; with ``through`` only."""
        if self._places is None:
            return {}
        found = {memory: (self._data(self._net.memories[memory][0][0]), places)
                 for memory, places in self._places.items()}  # fmt: skip
        for name in self._apart:
            word = self._net.ports(name, "output")["Q"]
            found[name] = word, {place for place, bit in enumerate(word) if bit in self._changed}
        return found

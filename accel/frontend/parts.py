"""How the host's parts of a network grow, in whatever format its file is.

What computes a value on the host becomes part of a *part*: all that leads to the value from the
last ones known in memory, as large as it can be.  Parts that need not wait for the machine in
between are one.  An importer says what leads where; a value is known by its *key*, an operator by
its number in the order of execution.
"""

import abc
import dataclasses
import graphlib
import heapq
from collections.abc import Callable, Hashable, Iterable

from accel.graph.ir import External, Node, Port


@dataclasses.dataclass(eq=False)
class Part:
    """A part that grows: numbers of operators; what it reads and writes, by key.

    ``place`` is its place among the graph's nodes: what it reads is computed before it.
    """

    place: int
    nodes: set[int] = dataclasses.field(default_factory=set)
    reads: dict[Hashable, Port] = dataclasses.field(default_factory=dict)
    writes: dict[Hashable, Port] = dataclasses.field(default_factory=dict)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors it reads so far."""
        return tuple(port.tensor for port in self.reads.values())

    @property
    def outputs(self) -> tuple[str, ...]:
        """The tensors it computes so far."""
        return tuple(port.tensor for port in self.writes.values())


class Cutter(abc.ABC):
    """Collects the host's parts of one import.

    Parameters:
        nodes: the graph's nodes so far; parts come to stand among them.
        maker: the number of the operator that computes a value, by key.
    """

    def __init__(self, nodes: list[Node | Part], maker: dict[Hashable, int]):
        self._made, self._maker = nodes, maker
        self._home: dict[int, Part] = {}  # the part that an operator is in

    @abc.abstractmethod
    def _sources(self, number: int) -> Iterable[Hashable]:
        """Keys of what an operator reads, of stored and known values only if that is of use."""

    @abc.abstractmethod
    def _repeats(self, number: int) -> bool:
        """Whether an operator is so cheap that each part has its own."""

    @abc.abstractmethod
    def _outside(self, key: Hashable) -> bool:
        """Whether a value is an input of the network."""

    @abc.abstractmethod
    def _copied(self, key: Hashable) -> bool:
        """Whether a value needs nothing that is computed: each part has its own."""

    @abc.abstractmethod
    def _tensor(self, key: Hashable) -> str | None:
        """The tensor of a value that is in memory as the machine has it, or None."""

    @abc.abstractmethod
    def _known_port(self, key: Hashable) -> Port:
        """How a part reads a value that no part computes."""

    @abc.abstractmethod
    def _host_port(self, key: Hashable) -> Port:
        """A new tensor that only the host handles, for a value."""

    def write(self, key: Hashable, port: Port) -> None:
        """Have the part that computes a value, a new one if need be, write it."""
        home = self._home.get(self._maker[key])
        if home is None:
            home = self._cut(key)
        home.writes[key] = port

    def write_values(self, key: Hashable) -> Port:
        """Have a value written as a tensor of the host's."""
        home = self._home.get(self._maker.get(key, -1))
        if home and key in home.writes:
            return home.writes[key]
        port = self._host_port(key)
        self.write(key, port)
        return port

    def finished(self, outputs: Iterable[str],
                 external: Callable[[Part, set[str]], External]) -> set[str]:
        """Make the parts nodes, by ``external``, and leave out what no output needs.

        Returns:
            The tensors that something needs.
        """
        kept, needed = [], set(outputs)
        for node in reversed(_sorted(self._made)):
            if needed.isdisjoint(node.outputs):
                continue
            if isinstance(node, Part):
                node = external(node, needed)
            needed.update(node.inputs)
            kept.append(node)
        self._made[:] = kept[::-1]
        return needed

    def _cut(self, key: Hashable) -> Part:
        """Collect what leads to a value that no part computes yet."""
        nodes, ends, stack = set(), set(), [self._maker[key]]
        while stack:
            number = stack.pop()
            if number in nodes:
                continue
            nodes.add(number)
            for source in self._sources(number):
                maker = self._maker.get(source)
                if self._outside(source) or self._is_border(source, maker):
                    ends.add(source)
                elif maker is not None:
                    stack.append(maker)
        part = self._part_for(ends)
        part.nodes |= nodes
        self._home |= {number: part for number in nodes if not self._repeats(number)}
        for end in sorted(ends):  # as sets have them, in another order in every process
            if self._home.get(self._maker.get(end, -1)) is not part:
                part.reads.setdefault(end, self._port(end))
        return part

    def _is_border(self, key: Hashable, maker: int | None) -> bool:
        """Whether a value is in memory, or another part has it."""
        if self._copied(key):
            return False
        return self._tensor(key) is not None or maker in self._home

    def _part_for(self, ends: set[Hashable]) -> Part:
        """The last part that need not wait for anything to read ``ends``, or a new one."""
        place = {name: at for at, node in enumerate(self._made) for name in node.outputs}
        for part in reversed(self._made):
            if isinstance(part, Part) and all(self._there(end, part, place) for end in ends):
                return part
        part = Part(len(self._made))
        self._made.append(part)
        return part

    def _there(self, end: Hashable, part: Part, place: dict[str, int]) -> bool:
        """Whether ``part`` computes a value itself, or finds it computed."""
        home = self._home.get(self._maker.get(end, -1))
        if home is not None:
            return home is part or home.place < part.place
        tensor = self._tensor(end)
        return self._outside(end) if tensor is None else place.get(tensor, -1) < part.place

    def _port(self, key: Hashable) -> Port:
        """How a part reads a value from memory, from another part, or from outside."""
        if self._tensor(key) is None and key in self._maker:
            return self.write_values(key)
        return self._known_port(key)


def _sorted(nodes: list) -> list:
    """Nodes behind what they read, else as they are."""
    maker = {name: at for at, node in enumerate(nodes) for name in node.outputs}
    graph = {at: {maker[name] for name in node.inputs if name in maker}
             for at, node in enumerate(nodes)}
    sorter = graphlib.TopologicalSorter(graph)
    sorter.prepare()
    ready, order = list(sorter.get_ready()), []
    heapq.heapify(ready)
    while ready:
        at = heapq.heappop(ready)
        order.append(nodes[at])
        sorter.done(at)
        for behind in sorter.get_ready():
            heapq.heappush(ready, behind)
    return order

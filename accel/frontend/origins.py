"""Where every channel comes from, so that shuffles need not be computed.

ShuffleNet joins two halves, shuffles their channels, splits them again, and hands one half on, unit
by unit.  But no order of channels matters to a convolution: its weights can be in the same order.
So for each convolution that reads such a tensor, the channels are traced back, through reorders,
slices, concatenations and tables, to the tensors that were computed.  From each of these it needs a
few whole ranges: they are put side by side (a copy, or a table, of each channel once), and the
weights follow.  What nobody reads any more is left out.  Each range is a layer more, so all of them
must cost less than the reorder does, which is a convolution of all channels by all.

A depthwise convolution's output then has its channels in another order, too, and is traced through.
"""

import dataclasses

import numpy as np

from accel.graph.ir import Concat, Conv, Node, Place, Slice, Table, Tensor

#: Most ranges that are put side by side.
MOST = 12
#: What a small layer costs by being one, in multiplications: some 160 cycles of a 16x16 array.
LAYER = 40_000
_SAME = np.arange(-128, 128).astype(np.int8)


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a tensor's channels come from.

    Attributes:
        roots: names of tensors, and int8 [256] tables of their bytes, as bytes.
        which: of the roots, for every channel.
        channel: the channel there.
        shuffled: whether a reorder was on the way.
    """

    roots: tuple[tuple[str, bytes], ...]
    which: np.ndarray
    channel: np.ndarray
    shuffled: bool

    def taken(self, order) -> "Origin":
        """Some of the channels."""
        return dataclasses.replace(self, which=self.which[order], channel=self.channel[order])


def gather(nodes: list[Node], tensors: dict[str, Tensor], kept: set[str]) -> list[Node]:
    """The nodes with convolutions that read ranges of channels instead of shuffled ones.

    Args:
        nodes: a network's, in order.
        tensors: its tensors by name; new ones are added.
        kept: tensors that somebody outside looks at.
    """
    work = _Work(nodes, tensors, kept)
    for node in nodes:
        work.add(node)
    return work.needed()


def _joined(parts: list[Origin]) -> Origin:
    """The origin of parts side by side."""
    roots = tuple(dict.fromkeys(root for part in parts for root in part.roots))
    which = [np.array([roots.index(root) for root in part.roots])[part.which] for part in parts]
    return Origin(roots, np.concatenate(which), np.concatenate([part.channel for part in parts]),
                  any(part.shuffled for part in parts))


class _Work:
    """Goes through a network's nodes; ``made`` are the new ones."""

    def __init__(self, nodes: list[Node], tensors: dict[str, Tensor], kept: set[str]):
        self._tensors, self._kept = tensors, kept
        self._origins: dict[str, Origin] = {}
        self._gathered: dict[str, tuple[str, np.ndarray] | None] = {}
        self._readers: dict[str, list[Node]] = {}
        for node in nodes:
            for name in node.inputs:
                self._readers.setdefault(name, []).append(node)
        self._macs: dict[str, int] = {}  # of the reorders before a tensor
        self._names = {node.name for node in nodes}
        self.made: list[Node] = []

    def add(self, node: Node) -> None:
        """Append a node, perhaps with another input."""
        origin = self._moved(node)
        if origin is not None:
            self._origins[node.output] = origin
            self._macs[node.output] = sum(self._macs.get(name, 0) for name in node.inputs)
            if isinstance(node, Conv):
                height, width, _ = self._tensors[node.output].shape
                self._macs[node.output] = height * width * node.weights.size
        elif isinstance(node, Conv):
            node = self._convolution(node)
        self.made.append(node)

    def needed(self) -> list[Node]:
        """The new nodes, without those that nobody reads."""
        read, found = set(self._kept), []
        for node in reversed(self.made):
            if not read.isdisjoint(node.outputs):
                read.update(node.inputs)
                found.append(node)
        return found[::-1]

    def _origin(self, name: str) -> Origin:
        channels = np.arange(self._tensors[name].shape[2])
        return self._origins.get(name) or Origin(((name, _SAME.tobytes()),),
                                                 np.zeros_like(channels), channels, False)

    def _moved(self, node: Node) -> Origin | None:
        """The origin of what a node gives that computes nothing with several channels."""
        if isinstance(node, Conv) and node.op == "reorder":
            order = node.weights[:, 0, 0].argmax(axis=1)
            return dataclasses.replace(self._origin(node.input).taken(order), shuffled=True)
        if isinstance(node, Concat):
            return _joined([self._origin(name) for name in node.inputs])
        if isinstance(node, Table):
            origin = self._origin(node.input)
            tables = (np.frombuffer(table, np.int8).astype(np.int64) for _, table in origin.roots)
            roots = tuple((name, node.values[table + 128].tobytes())
                          for (name, _), table in zip(origin.roots, tables, strict=True))
            return dataclasses.replace(origin, roots=roots)
        if isinstance(node, Slice) and node.shape[:2] == self._tensors[node.input].shape[:2]:
            first = node.place.start[2]
            return self._origin(node.input).taken(np.arange(first, first + node.shape[2]))
        return None

    def _convolution(self, node: Conv) -> Conv:
        """A convolution with its channels as they come, if it read shuffled ones."""
        channels = self._tensors[node.input].shape[2]
        depthwise = node.groups == channels == len(node.weights) > 1
        plain = node.groups == 1
        if depthwise:
            plain = node.output not in self._kept and all(
                isinstance(one, Conv) and one.groups == 1 for one in self._readers[node.output]
            )
        found = self._side_by_side(node.input) if plain else None
        if found is None:
            return node
        name, order = found
        if not depthwise:
            return dataclasses.replace(node, input=name, weights=node.weights[..., order])
        target = self._tensor(f"{node.output}/in_order", node.output, channels)
        back = np.argsort(order)
        self._origins[node.output] = Origin(((target, _SAME.tobytes()),), np.zeros_like(back), back,
                                            True)
        self.made.append(node)  # left out if nobody reads it
        factors = dataclasses.replace(node.requant, multiplier=node.requant.multiplier[order],
                                      shift=node.requant.shift[order])
        return dataclasses.replace(
            node, name=self._unused(f"{node.name}/in_order", self._names), input=name,
            output=target, weights=node.weights[order], bias=node.bias[order], requant=factors,
        )

    def _side_by_side(self, name: str) -> tuple[str, np.ndarray] | None:
        """A tensor with the channels of a shuffled one, and which of these each is; or None."""
        if name not in self._gathered:
            origin = self._origin(name)
            self._gathered[name] = self._put_together(name, origin) if origin.shuffled else None
        return self._gathered[name]

    def _put_together(self, name: str, origin: Origin) -> tuple[str, np.ndarray] | None:
        order = np.lexsort((origin.channel, origin.which))
        which, channel = origin.which[order], origin.channel[order]
        breaks = np.flatnonzero((np.diff(which) != 0) | (np.diff(channel) != 1)) + 1
        ends = [0, *breaks.tolist(), len(order)]
        count = len(ends) - 1
        if count > MOST or count > 1 and self._macs.get(name, 0) < count * LAYER:
            return None
        parts = [
            self._range(name, *origin.roots[which[first]], int(channel[first]), end - first)
            for first, end in zip(ends, ends[1:], strict=False)
        ]
        if len(parts) == 1:
            return parts[0], order
        target = self._tensor(f"{name}/gathered", name, len(order))
        self.made.append(Concat(self._unused(target, self._names), tuple(parts), target))
        return target, order

    def _range(self, name: str, root: str, table: bytes, first: int, count: int) -> str:
        """Some channels of a tensor, by a table, as bytes of the tensor ``name``."""
        part = root
        if count < self._tensors[root].shape[2]:
            part = self._tensor(f"{name}/{root}", root, count)
            shape = self._tensors[part].shape
            self.made.append(Slice(self._unused(part, self._names), root, part,
                                   Place((0, 0, first)), shape))
        values = np.frombuffer(table, np.int8)
        if (values != _SAME).any() or not self._alike(part, name):
            source, part = part, self._tensor(f"{name}/{root}/table", name, count)
            self.made.append(Table(self._unused(part, self._names), source, part, values.copy(),
                                   "requantise"))
        return part

    def _alike(self, one: str, other: str) -> bool:
        """Whether two tensors' bytes mean the same."""
        first, second = self._tensors[one], self._tensors[other]
        return (first.scale, first.zero_point) == (second.scale, second.zero_point)

    def _tensor(self, name: str, like: str, channels: int) -> str:
        """A new tensor, quantised like another one, with its height and width."""
        name, old = self._unused(name, self._tensors), self._tensors[like]
        self._tensors[name] = dataclasses.replace(old, name=name, shape=(*old.shape[:2], channels))
        return name

    def _unused(self, name: str, taken) -> str:
        """The name, made different from those that are taken."""
        found, number = name, 1
        while found in taken:
            number += 1
            found = f"{name}/{number}"
        if taken is self._names:
            taken.add(found)
        return found

"""Where tensors lie: operators that only move bytes are addresses, and nothing moves.

A tensor that goes into a concatenation or an assembly is written straight to its place inside that
one's memory: its pixels, rows and images are then as far apart as those of the whole, times the
place's step.  A slice is read where it lies in its source, a reshaped tensor likewise.  All of them
nest.  What cannot be had so is copied first (accel/compiler/copies.py).
"""

import dataclasses

from accel.graph import places
from accel.graph.ir import Assemble, Concat, Graph, Place, Reshape, Slice

#: Nodes that the machine does nothing for.
Moves = Reshape | Concat | Slice | Assemble
#: Those with several inputs, that lie in their output; the others' outputs lie in their input.
Joins = Concat | Assemble


@dataclasses.dataclass(frozen=True)
class Seat:
    """Where a tensor lies: ``offset`` bytes into ``root``; the distances of two neighbours.

    Attributes:
        pixel: from one pixel to the next in a row.
        row: from row to row; of a single row, the same as ``image``.
        image: from image to image.
        group: from channel group to channel group of a row, where each has a row of pixels of its
            own (accel/compiler/grouped.py); 0 where a pixel's channels lie side by side.
    """

    root: str
    offset: int
    pixel: int
    row: int
    image: int
    group: int = 0

    def inside(self, place: Place, shape: tuple[int, int, int]) -> "Seat":
        """The seat of a tensor of ``shape`` at a place in this one."""
        (y, x, channel), (down, across) = place.start, place.step
        offset = self.offset + y * self.row + x * self.pixel + channel
        row = self.row * down if shape[0] > 1 else self.image
        return Seat(self.root, offset, self.pixel * across, row, self.image)


def dense(root: str, shape: tuple[int, int, int]) -> Seat:
    """The seat of a tensor without gaps."""
    height, width, channels = shape
    return Seat(root, 0, channels, width * channels, height * width * channels)


def seats(graph: Graph) -> dict[str, Seat]:
    """Where every tensor lies, relative to the roots; a root's offset is 0."""
    shapes = {name: tensor.shape for name, tensor in graph.tensors.items()}
    found: dict[str, Seat] = {}
    # From the outside in: an assembly may lie in a later one.
    for node in reversed(graph.nodes):
        if isinstance(node, Joins):
            whole = found.setdefault(node.output, dense(node.output, shapes[node.output]))
            for name, place in zip(node.inputs, places.of(node, graph.tensors), strict=True):
                found[name] = whole.inside(place, shapes[name])
    for node in graph.nodes:
        if isinstance(node, Slice):
            source = _seat(found, node.input, shapes)
            found[node.output] = source.inside(node.place, node.shape)
        elif isinstance(node, Reshape):
            source = _seat(found, node.input, shapes)
            flat = dense(source.root, shapes[node.output])
            found[node.output] = dataclasses.replace(flat, offset=source.offset)
    for name in shapes:
        _seat(found, name, shapes)
    return found


def _seat(found: dict[str, Seat], name: str, shapes) -> Seat:
    return found.setdefault(name, dense(name, shapes[name]))

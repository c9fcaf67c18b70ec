"""What the compiler hands to a simulator: commands, constants and where everything lies."""

import dataclasses

import numpy as np

from accel.params import Params


@dataclasses.dataclass(frozen=True)
class Placement:
    """A batch of one tensor in memory: ``batch`` images of ``shape`` (H, W, C) from ``address``.

    ``pixel``, ``row`` and ``image`` are the distances in bytes of two pixels, rows and images: more
    than of a tensor alone where it is a part of another one.  Where ``group`` is not 0, each row
    has its channel groups of ``cell`` channels one behind the other, ``group`` bytes apart; the
    last one may have fewer (accel/compiler/grouped.py).
    """

    name: str
    address: int
    shape: tuple[int, int, int]
    batch: int
    pixel: int
    row: int
    image: int
    group: int = 0
    cell: int = 0

    @property
    def linear(self) -> int | None:
        """The distance of any two pixels that follow each other, also across rows; None if none."""
        if self.group:
            return None
        height, width, _ = self.shape
        steps = ((width, self.pixel), (height, self.row), (self.batch, self.image))
        steps = [(count, pitch) for count, pitch in steps if count > 1] or [(1, self.pixel)]
        first, pixels = steps[0][1], 1
        for count, pitch in steps:
            if pitch != first * pixels:
                return None
            pixels *= count
        return first

    @property
    def size(self) -> int:
        """Bytes from the first to the last one."""
        height, width, channels = self.shape
        last = (self.batch - 1) * self.image + (height - 1) * self.row + (width - 1) * self.pixel
        return last + self.channel(channels - 1) + 1

    def channel(self, number: int) -> int:
        """How far a channel is behind the first one of its pixel."""
        if not self.group:
            return number
        return number // self.cell * self.group + number % self.cell

    @property
    def pieces(self) -> "list[tuple[int, Placement]]":
        """The tensor in parts whose pixels have all their channels side by side.

        Each with its first channel: the channel groups, or where there are none, the whole.
        """
        if not self.group:
            return [(0, self)]
        height, width, channels = self.shape
        return [
            (first, Placement(self.name, self.address + self.channel(first),
                              (height, width, min(self.cell, channels - first)), self.batch,
                              self.pixel, self.row, self.image))
            for first in range(0, channels, self.cell)
        ]  # fmt: skip

    def view(self, memory: np.ndarray) -> np.ndarray:
        """The tensor as int8 [batch, H, W, C], a writable view of ``memory`` (uint8).

        Of one by channel groups it is a copy.
        """
        if self.group:
            return np.concatenate([one.view(memory) for _, one in self.pieces], axis=3)
        return np.lib.stride_tricks.as_strided(
            memory[self.address : self.address + self.size].view(np.int8),
            (self.batch, *self.shape),
            (self.image, self.row, self.pixel, 1),
        )


@dataclasses.dataclass(frozen=True)
class Layer:
    """One machine layer: a graph node, or several fused, that ends in the tensor ``output``.

    ``macs`` counts the multiplications of the network's own definition, for the whole batch;
    ``bytes_read`` and ``bytes_written`` are the bus traffic of this layer's commands, without
    command fetch.  ``unit`` is "array" or "window"; in ``busy_cycles`` cycles it takes a vector of
    this layer, whenever they are.  ``mark_addr`` is where its completion record is written,
    ``records`` are address and bytes of its parameters and weights, in the order they are read.
    ``near``: its tensor is never in memory, because the next layer takes it from the chip.
    """

    name: str
    op: str
    nodes: tuple[str, ...]
    output: str
    macs: int
    bytes_read: int
    bytes_written: int
    busy_cycles: int
    mark_addr: int
    unit: str
    records: tuple[tuple[int, int], ...] = ()
    near: bool = False


@dataclasses.dataclass(frozen=True)
class Step:
    """One start of the machine, and what the host computes behind it.

    The commands start at address ``start``; there may be none.  ``host`` names the graph nodes that
    the host then computes, in order.
    """

    start: int
    commands: int
    layers: tuple[Layer, ...]
    host: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Program:
    """Everything a run needs except the input images.

    ``image`` is the initial memory (uint8, from address 0: commands, weights, zeroes for the
    rest) of ``memory_bytes``; ``steps`` run one after another on it.  ``copies`` maps each tensor
    that the compiler added to the network's tensor with the same values.
    """

    params: Params
    batch: int
    image: np.ndarray
    memory_bytes: int
    steps: tuple[Step, ...]
    tensors: dict[str, Placement]
    copies: dict[str, str]

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Those of all steps."""
        return tuple(layer for step in self.steps for layer in step.layers)

"""What the compiler hands to a simulator: commands, constants and where everything lies."""

import dataclasses

import numpy as np

from accel.params import Params


@dataclasses.dataclass(frozen=True)
class Placement:
    """A batch of one tensor in memory: ``batch`` images of ``shape`` (H, W, C) from ``address``.

    ``pitch`` is the distance of two pixels in bytes: more than C for a part of a concatenation.
    """

    name: str
    address: int
    shape: tuple[int, int, int]
    batch: int
    pitch: int

    @property
    def size(self) -> int:
        """Bytes from the first to the last one."""
        height, width, channels = self.shape
        return (self.batch * height * width - 1) * self.pitch + channels

    def view(self, memory: np.ndarray) -> np.ndarray:
        """The tensor as int8 [batch, H, W, C], a writable view of ``memory`` (uint8)."""
        height, width, channels = self.shape
        rows = width * self.pitch
        return np.lib.stride_tricks.as_strided(
            memory[self.address : self.address + self.size].view(np.int8),
            (self.batch, *self.shape),
            (height * rows, rows, self.pitch, 1),
        )


@dataclasses.dataclass(frozen=True)
class Layer:
    """One machine layer: a graph node, or several fused, that ends in a tensor in memory.

    ``macs`` counts the multiplications of the network's own definition, for the whole batch;
    ``bytes_read`` and ``bytes_written`` are the bus traffic of this layer's commands, without
    command fetch.  ``unit`` is "array" or "window"; in ``busy_cycles`` cycles it takes a vector of
    this layer, whenever they are.  ``mark_addr`` is where its completion record is written.
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
